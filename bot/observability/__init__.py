"""The log, from which secrets are removed, and metrics."""
