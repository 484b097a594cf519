"""Pure parts of the planner."""
