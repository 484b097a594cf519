"""Add a node to a fleet, or remove it: `aios-bot node add|remove|join|leave`.

`fleet` is the user's side: the pull request to the fleet file, and the runner's token. `node` is the machine's side:
it enrols, clones, bootstraps, checks itself and registers its runner, which `runner` starts.
"""
