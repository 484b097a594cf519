"""The program on a node: verify an order, check out, preflight, apply, watch, roll back, report."""
