"""Decide what to do about a command. Pure."""
