"""Carry out what is decided about notices: send messages; keep and mute conditions."""
