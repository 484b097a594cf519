"""The planner without its programs."""
