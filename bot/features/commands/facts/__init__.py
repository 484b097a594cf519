"""What a command decision is based on, and the record that is kept of it. Pure."""
