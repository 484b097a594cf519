"""The environments of nodes, and the protection rules that would block a node's job."""

from __future__ import annotations

from urllib.parse import quote

from bot.domain.names import NodeName, RepoName
from bot.domain.values import Wire
from bot.github.client import Client

_BUILT_IN = {"wait_timer", "required_reviewers", "branch_policy"}


class _Rule(Wire, frozen=True):
    type: str


class _Environment(Wire, frozen=True):
    protection_rules: tuple[_Rule, ...] = ()


def has_custom_rules(client: Client, repo: RepoName, node: NodeName) -> bool:
    """Whether an App has protection rules on the node's environment.

    GitHub fails a job with `deployment: false` at such an environment, before any runner takes it.
    """
    found = client.find(f"/repos/{repo}/environments/{quote(node, safe='')}", _Environment)
    return found is not None and any(rule.type not in _BUILT_IN for rule in found.protection_rules)
