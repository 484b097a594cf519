"""Carry out rollout decisions: sign and dispatch orders, withdraw them, keep the comment."""
