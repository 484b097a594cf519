"""How people begin: a fleet from a repository or a folder, a node from a machine, and a check of it all."""
