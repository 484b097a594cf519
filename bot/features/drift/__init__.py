"""Whether nodes still run what was deployed on them.

Woken when a fleet is read and by its own schedule. It dispatches read-only orders, and keeps one issue for each node
and submodule that differs.
"""
