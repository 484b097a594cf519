"""What the bot does, one package for each capability, all with the same file names (docs/architecture.md)."""
