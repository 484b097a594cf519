"""Versions side by side: the one before the redesign, this one, and the next one, with each other's values."""
