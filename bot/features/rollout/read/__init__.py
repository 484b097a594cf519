"""Read approvals, the orders that nodes had, and their reports."""
