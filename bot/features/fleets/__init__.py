"""Which repositories are fleets, and what they pin: the index by which every event finds its jobs.

Woken by changes of installations, by pushes to base branches and by a schedule. On GitHub it posts the check
`aios/fleet-file` when a fleet file or .gitmodules has problems.
"""
