"""A plan for people: rows, sections within a budget, the check run, the terminal. Pure."""
