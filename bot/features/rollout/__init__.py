"""Orders to nodes: given, read again, rolled out in waves, and followed between deploys."""
