"""From a plain folder with a nested, copied or linked `server` to a fleet repository with `server` as a submodule.

Level-triggered, as everything here: `gather` looks at the folder, `decide` lists the steps that are still to do or
says why it must not be touched, `perform` carries a step out. After an interruption at any point the same command
goes on; run on a finished folder it finds nothing to do.
"""
