"""What a repository holds, and the fleet file, workflow and owners that fit it: `aios-bot fleet init`.

`read` looks at a checkout, `hosts` and `stacks` understand what people wrote (pure), `propose` makes files of it
(pure). What is there already is never written over: an existing fleet file gets the entries that it lacks.
"""
