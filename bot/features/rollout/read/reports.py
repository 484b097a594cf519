"""Reads what a node words of an order: the check run that its job posted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bot.domain.names import NodeName, RepoName
from bot.features.rollout.facts import PastOrder
from bot.features.rollout.store import RolloutStore
from bot.github.client import Client
from bot.github.endpoints import checks
from bot.protocol.report import Report, check_name, external_id, parse_report, read_words

ACTIONS = "github-actions"  # the slug of the App in whose name a workflow's job posts; its id differs on GHES


def find_newest_report(statuses: RolloutStore, fleet: RepoName, past: Iterable[PastOrder]) -> Report | None:
    """What a node words last of `past`, its orders from the newest on; None when it words nothing that was kept."""
    found = (statuses.find_result(fleet, order.number) for order in past)
    return next((report for report in found if report is not None), None)


class NodeWords(NamedTuple):
    """A node's report, and the same in its words with the end of the logs of what failed."""

    report: Report
    words: str


def read_report(client: Client, repo: RepoName, node: NodeName, order: PastOrder) -> Report | None:
    """What `node` reported of `order`; None without a report that can be read."""
    words = read_node_words(client, repo, node, order)
    return words.report if words else None


def read_node_words(client: Client, repo: RepoName, node: NodeName, order: PastOrder) -> NodeWords | None:
    """The same report with the words of its check.

    Whoever may push a workflow can post such a check: it is shown and counted, and decides nothing.
    """
    name, wanted = check_name(order.kind, node), external_id(order.number)
    for run in checks.find_checks(client, repo, order.commit, name=name):
        if run.external_id == wanted and run.app is not None and run.app.slug == ACTIONS:
            output = run.output
            report = parse_report((output.text if output else None) or "", number=order.number)
            return NodeWords(report, read_words((output.summary if output else None) or "")) if report else None
    return None
