"""Carry out command decisions: orders, replies, holds, plans, the pull request that moves a pin back."""
