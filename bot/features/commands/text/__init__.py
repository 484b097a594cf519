"""Replies to commands, the status table, and the words of each reason. Pure."""
