"""Summarise a plan: one row for each thing that happens, the most severe first. Pure.

Nodes to which the same happens share a row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from bot.domain.names import NodeName, ServiceName, StackName
from bot.domain.severity import Severity
from bot.plan.causes import ReasonCode
from bot.plan.model import ImageKind, NodePlan, Plan, Reason, Risk, ServicePlan, SourceLine, StackPlan
from bot.plan.rendering import CHECKOUT
from bot.protocol.action import Action
from bot.text.counts import plural

MOST_SEVERE_FIRST = (Severity.RISKY, Severity.NOTICE, Severity.INFO)
_MOST_DISTURBING = (
    Action.REMOVE,
    Action.REBUILD,
    Action.RECREATE,
    Action.CREATE,
    Action.RESTART,
    Action.RELOAD,
    Action.NONE,
)


class Row(NamedTuple):
    """One thing that happens to a service, or to a stack as a whole (`service` is None), on `nodes`."""

    severity: Severity
    nodes: tuple[NodeName, ...]
    stack: StackName
    service: ServiceName | None
    action: Action
    reasons: tuple[Reason, ...]
    risks: tuple[Risk, ...]
    signal: str = ""
    note: str = ""  # about the image: that its tag can move without a bump, or that it cannot

    @property
    def where(self) -> str:
        """Stack and service, for people."""
        return f"{self.stack} / {self.service}" if self.service else self.stack

    @property
    def does(self) -> str:
        """The action in words."""
        if self.service is None:
            return "the whole stack"
        return f"reload ({self.signal})" if self.action is Action.RELOAD and self.signal else str(self.action)


class Totals(NamedTuple):
    """The figures of a plan's first line."""

    services: int  # different ones, whatever the number of nodes
    nodes: int  # on which something happens
    all_nodes: int
    actions: Counter[Action]  # different services
    severities: Counter[Severity]  # different services, and stacks of which a risk speaks as a whole
    unreadable: int  # different stacks
    unchanged: int  # different services, on no node touched

    @property
    def restarts(self) -> bool:
        """Whether any container is stopped, started or replaced; a reload does none of these."""
        return bool(self.actions.total() - self.actions[Action.RELOAD])


def find_rows(plan: Plan) -> tuple[Row, ...]:
    """Every service that something happens to, and every stack that a risk speaks of; the most severe first."""
    found: dict[Row, list[NodeName]] = {}
    made: dict[StackPlan, tuple[Row, ...]] = {}  # nodes mostly have equal stacks
    for node in plan.nodes:
        for stack in node.stacks:
            if stack not in made:
                made[stack] = tuple(_rows(stack))
            for row in made[stack]:
                found.setdefault(row, []).append(node.node)
    rows = [row._replace(nodes=tuple(nodes)) for row, nodes in found.items()]
    return tuple(sorted(rows, key=_weight))


def _rows(stack: StackPlan) -> Iterator[Row]:
    if stack.risks:
        yield Row(worst_severity(stack.risks), (), stack.stack, None, Action.NONE, (), stack.risks)
    for service in stack.services:
        if service.action is not Action.NONE or service.risks:
            yield _row(stack, service)


def _row(stack: StackPlan, service: ServicePlan) -> Row:
    return Row(
        severity=worst_severity(service.risks),
        nodes=(),
        stack=stack.stack,
        service=service.service,
        action=service.action,
        reasons=tuple(
            replace(reason, text=_within(stack, reason.text)) for reason in sorted(service.reasons, key=_gravity)
        ),
        risks=tuple(replace(risk, text=_within(stack, risk.text)) for risk in service.risks),
        signal=service.signal,
        note=_image_note(service),
    )


_GRAVE_FIRST = (
    ReasonCode.BIND_CONTENT,
    ReasonCode.CONFIG_CONTENT,
    ReasonCode.SECRET_CONTENT,
    ReasonCode.IMAGE,
    ReasonCode.BUILD,
    ReasonCode.BUILD_CONTENT,
    ReasonCode.PORTS,
    ReasonCode.NETWORKS,
    ReasonCode.NETWORK_CHANGED,
    ReasonCode.NAMESPACE_SHARED,
    ReasonCode.LINKED,
    ReasonCode.VOLUMES,
    ReasonCode.VOLUME_MOVED,
    ReasonCode.VOLUMES_FROM,
    ReasonCode.COMMAND,
    ReasonCode.IMAGE_REBUILT,
    ReasonCode.ENV_FILE,
    ReasonCode.ENVIRONMENT,
)
"""What changes what a service does or who reaches it, before labels, limits and other settings."""


def _gravity(reason: Reason) -> int:
    return next((at for at, code in enumerate(_GRAVE_FIRST) if code == reason.code), len(_GRAVE_FIRST))


def _within(stack: StackPlan, text: str) -> str:
    """`text` with the paths of the stack's own folder as its compose file writes them."""
    if not stack.folder:
        return text
    # Where nobody knows the path at which the node has its checkout, a mount shows the rendering's.
    inside = rf"(?<![\w/\\.~-])({CHECKOUT}/)?{re.escape(stack.folder)}/"
    return re.sub(inside, lambda found: "./" if found[1] else "", text)


def _image_note(service: ServicePlan) -> str:
    image = service.image
    if image is None or any(risk.rule == "image.unpinned" for risk in service.risks):
        return ""
    changed = any(reason.code in ("image", "new_service") for reason in service.reasons)
    if not changed:
        return ""
    if image.kind is ImageKind.MOVING:
        return f"{image.name} is a moving tag"
    return "the image is pinned by its digest" if image.kind is ImageKind.DIGEST else ""


def worst_severity(risks: tuple[Risk, ...]) -> Severity:
    """The highest severity of `risks`; info when there are none."""
    return min((risk.severity for risk in risks), key=MOST_SEVERE_FIRST.index, default=Severity.INFO)


def _weight(row: Row) -> tuple[int, int, int]:
    return MOST_SEVERE_FIRST.index(row.severity), row.service is None, _MOST_DISTURBING.index(row.action)


def count(plan: Plan) -> Totals:
    """The figures of `plan`."""
    touched = [
        (node.node, stack.stack, service)
        for node in plan.nodes
        for stack in node.stacks
        for service in stack.services
        if service.action is not Action.NONE
    ]
    everything = {
        (stack.stack, service.service) for node in plan.nodes for stack in node.stacks for service in stack.services
    }
    services = {(stack, service.service) for _, stack, service in touched}
    return Totals(
        services=len(services),
        nodes=len({node for node, _, _ in touched}),
        all_nodes=len(plan.nodes),
        actions=Counter(action for _, _, action in {(stack, s.service, s.action) for _, stack, s in touched}),
        severities=_count_severities(find_rows(plan)),
        unreadable=len({stack.stack for _, stack in unreadable_stacks(plan)}),
        unchanged=len(everything - services),
    )


def _count_severities(rows: tuple[Row, ...]) -> Counter[Severity]:
    """How many services have which severity, each counted once with its worst; `rows` are the most severe first."""
    worst: dict[tuple[StackName, ServiceName | None], Severity] = {}
    for row in rows:
        worst.setdefault((row.stack, row.service), row.severity)
    return Counter(worst.values())


def unreadable_stacks(plan: Plan) -> Iterator[tuple[NodePlan, StackPlan]]:
    """The stacks that could not be analysed."""
    return ((node, stack) for node in plan.nodes for stack in node.stacks if stack.error is not None)


def missing_variables(plan: Plan) -> dict[NodeName, dict[str, tuple[StackName, ...]]]:
    """By node: each variable that it does not declare though a stack needs it, with those stacks."""
    found: dict[NodeName, dict[str, tuple[StackName, ...]]] = {}
    for node in plan.nodes:
        for stack in node.stacks:
            for name in stack.missing_variables:
                names = found.setdefault(node.node, {})
                names[name] = (*names.get(name, ()), stack.stack)
    return found


def remarks(plan: Plan) -> dict[tuple[StackName, str], list[NodeName]]:
    """What the plan does not know of each stack, with the nodes that run it."""
    found: dict[tuple[StackName, str], list[NodeName]] = {}
    for node in plan.nodes:
        for stack in node.stacks:
            for remark in stack.remarks if stack.changed else ():
                found.setdefault((stack.stack, remark), []).append(node.node)
    return found


def node_remarks(plan: Plan) -> dict[str, list[NodeName]]:
    """What the plan does not know of nodes on which it changes something."""
    found: dict[str, list[NodeName]] = {}
    for node in plan.nodes:
        if any(stack.changed for stack in node.stacks):
            for remark in node.remarks:
                found.setdefault(remark, []).append(node.node)
    return found


def node_warnings(plan: Plan) -> dict[str, list[NodeName]]:
    """Why the plan may be wrong on some nodes."""
    found: dict[str, list[NodeName]] = {}
    for node in plan.nodes:
        for warning in node.warnings:
            found.setdefault(warning, []).append(node.node)
    return found


def new_variables(plan: Plan) -> dict[str, tuple[StackName, ...]]:
    """The variables that stacks use now and did not before, and that lack a value on no node; with those stacks."""
    missing = {name for names in missing_variables(plan).values() for name in names}
    found: dict[str, dict[StackName, None]] = {}
    for node in plan.nodes:
        for stack in node.stacks:
            for name in stack.new_variables:
                if name not in missing:
                    found.setdefault(name, {})[stack.stack] = None
    return {name: tuple(stacks) for name, stacks in found.items()}


def summarise(plan: Plan) -> str:
    """What happens, in a few words; "nothing restarts" first when it is so and can be relied on."""
    totals = count(plan)
    parts = []
    if totals.severities[Severity.RISKY]:
        parts.append(f"{totals.severities[Severity.RISKY]} risky")
    unread = [f"{plural(totals.unreadable, 'stack')} not analysed"] if totals.unreadable else []
    if totals.restarts:
        where = f" on {totals.nodes} of {totals.all_nodes} nodes" if totals.all_nodes > 1 else ""
        if plan.old is None:
            done = f"first deploy: {plural(totals.services, 'service')} created{where}"
        else:
            done = f"{plural(totals.services, 'service')} changed{where}"
        return ", ".join([*unread, done, *parts])
    if totals.services:
        parts.append(f"{plural(totals.services, 'service')} reloaded")
    if unread:
        return ", ".join([*unread, *parts, "nothing else restarts"])
    return ", ".join(["nothing restarts", *parts])


def source_of(row: Row) -> SourceLine | None:
    """The line that a row is best explained by."""
    lines = [risk.where for risk in row.risks if risk.severity is row.severity]
    lines += [reason.where for reason in row.reasons]
    return next((line for line in lines if line is not None), None)
