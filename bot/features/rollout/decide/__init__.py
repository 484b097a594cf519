"""Decide which nodes get an order, and what becomes of those under way. Pure."""
