"""The command line: one module per command group. Only here are the parts of the program put together."""
