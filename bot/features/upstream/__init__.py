"""What a pull request in the stacks' repository would do to every fleet that follows its base branch.

Woken by events of the pull request and whenever a fleet is read. On GitHub it keeps the check `aios/fleets` and one
comment.
"""
