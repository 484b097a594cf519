"""What a secret looks like, and how it is replaced by a mark. Pure."""
