"""Turn a plain folder with a nested, copied or linked `server` into a fleet repository with `server` as a submodule.

Level-triggered: `read` reads the folder as it is, `decide` lists the steps that are left or refuses with reasons,
`apply` carries the steps out. After an interruption at any point the same command continues; on a finished folder it
finds nothing to do.
"""
