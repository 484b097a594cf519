"""Generators of the reference pages. `make docs` writes the pages; a test compares them with the files."""
