"""Read what a command is decided from: the whole, or what is known already of somebody without permission."""
