"""Bring what a merged pull request approved to the nodes, wave after wave.

Woken by merges, by the steps and ends of orders, when nodes are freed, and when time has passed. On GitHub it makes
deployments, dispatches the fleet's workflow, and keeps one comment in the merged pull request.
"""
