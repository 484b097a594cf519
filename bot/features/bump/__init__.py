"""One pull request per base and submodule that moves the pin to upstream's tip, with its plan.

Woken by pushes upstream, upstream's checks, events of the pull request, and whenever a fleet is read. On GitHub it
keeps a branch, a pull request, its title, body, labels and comment, and the checks `aios/plan` and `aios/bump`.
"""
