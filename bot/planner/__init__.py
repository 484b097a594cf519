"""From a snapshot of a stranger's files to what compose makes of them, safely."""
