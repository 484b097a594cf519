"""What a plan's page shows: the rows that a filter leaves, and what happened beside what was predicted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from bot.domain.names import NodeName, ServiceName, StackName
from bot.domain.severity import Severity
from bot.domain.values import Value
from bot.features.rollout.history import OrderEntry
from bot.plan.model import Plan
from bot.plan.report.rows import MOST_SEVERE_FIRST, Row
from bot.protocol.action import Action
from bot.protocol.outcome import ServiceOutcome
from bot.web.sides import DiffRow, pair_lines

ACTIONS = tuple(action for action in Action if action is not Action.NONE)
RISKS = {Severity.RISKY: "risky", Severity.NOTICE: "at least a notice"}


class PlanFilter(Value, frozen=True):
    """What of a plan is to be seen; "" is everything. `risk`: rows at least so severe."""

    node: str = ""
    action: str = ""
    risk: str = ""

    @property
    def query(self) -> str:
        """As the end of an address."""
        return urlencode({name: value for name in self.__struct_fields__ if (value := getattr(self, name))})

    def takes(self, row: Row) -> bool:
        """Whether a row is to be seen."""
        if self.risk:
            most = MOST_SEVERE_FIRST.index(Severity(self.risk)) if self.risk in RISKS else -1
            if MOST_SEVERE_FIRST.index(row.severity) > most or not row.risks:
                return False
        return (not self.node or self.node in row.nodes) and (not self.action or self.action == row.action)


class ServiceDiff(Value, frozen=True):
    """How one service's rendering differs, and on which nodes it does so."""

    stack: StackName
    service: ServiceName
    nodes: tuple[NodeName, ...]
    rows: tuple[DiffRow, ...]


class Happened(Value, frozen=True):
    """What deploys did to the service of a row. `expected`: as predicted by the plan."""

    text: str
    nodes: tuple[NodeName, ...]
    expected: bool


Results = Mapping[NodeName, OrderEntry]
"""The newest deploy of a plan's pin to each node."""


def find_diffs(plan: Plan, rows: Sequence[Row], *, node: str) -> tuple[ServiceDiff, ...]:
    """The diffs of the services in `rows`, on `node` or on all ("")."""
    shown = {(row.stack, row.service) for row in rows}
    found: dict[tuple[StackName, ServiceName, str], list[NodeName]] = {}
    for one in plan.nodes:
        for stack in one.stacks if node in ("", one.node) else ():
            for service in stack.services:
                if service.diff and service.action is not Action.NONE and (stack.stack, service.service) in shown:
                    found.setdefault((stack.stack, service.service, service.diff), []).append(one.node)
    return tuple(
        ServiceDiff(stack=stack, service=service, nodes=tuple(nodes), rows=pair_lines(diff))
        for (stack, service, diff), nodes in found.items()
    )


def newest_results(entries: Sequence[OrderEntry]) -> Results:
    """Of each node the first of `entries`, which are the newest first."""
    found: dict[NodeName, OrderEntry] = {}
    for entry in entries:
        found.setdefault(entry.order.node, entry)
    return found


def find_happened(row: Row, results: Results) -> tuple[Happened, ...]:
    """What became of a row on the nodes that had a deploy; empty for a stack as a whole."""
    found: dict[tuple[str, bool], list[NodeName]] = {}
    for node in row.nodes if row.service else ():
        entry = results.get(node)
        if entry is not None:
            found.setdefault(_judge(row, entry), []).append(node)
    return tuple(
        Happened(text=text, nodes=tuple(nodes), expected=expected) for (text, expected), nodes in found.items()
    )


def find_unpredicted(rows: Sequence[Row], results: Results) -> tuple[tuple[NodeName, ServiceOutcome], ...]:
    """What deploys did to services of which no row speaks."""
    spoken = {(node, row.stack, row.service) for row in rows for node in row.nodes}
    return tuple(
        (node, one)
        for node, entry in results.items()
        for one in (entry.report.services if entry.report else ())
        if not one.as_predicted and (node, one.stack, one.service) not in spoken
    )


def _judge(row: Row, entry: OrderEntry) -> tuple[str, bool]:
    own = [
        one
        for one in (entry.report.services if entry.report else ())
        if (one.stack, one.service) == (row.stack, row.service)
    ]
    if not own:
        return ("not reported", True)
    # The plan of the order may have been another one: what counts is what this one says.
    result = ServiceOutcome(stack=own[0].stack, service=own[0].service, predicted=row.action, actual=own[0].actual)
    if result.as_predicted:
        return ("as predicted", True)
    return ("nothing" if result.actual is Action.NONE else str(result.actual), False)
