"""Cases of tests/cases on the real planner, node, compose and engine."""
