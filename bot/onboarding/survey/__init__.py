"""Propose the fleet file and the deploy workflow that fit a repository: `aios-bot fleet init`.

`read` reads a checkout, `hosts` and `stacks` parse what it finds (pure), `decide` makes the files (pure). Nothing is
overwritten: an existing fleet file gets the entries that it lacks.
"""
