"""Documents in a hub repository that compare an owner's fleets.

Woken when a fleet is read, when a workflow run ends and by pushes to the hub. On GitHub it keeps one pull request.
"""
