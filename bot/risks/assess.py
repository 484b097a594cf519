"""Apply all risk rules to one node's plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from bot.domain.names import ServiceName
from bot.domain.risk_rules import Tuning
from bot.domain.severity import Severity
from bot.fleetfile import Node
from bot.plan.contents import find_mounts
from bot.plan.model import NodePlan, Risk, SourceLine, StackPlan
from bot.plan.node_paths import find_outside
from bot.plan.rendering import CHECKOUT, NodeChange, Rendered, Rendering, Side, StackChange, Unreadable
from bot.risks import (
    builds,
    data,
    exposure,
    handovers,
    images,
    mounts,
    neighbours,
    networks,
    privilege,
    schema,
    secrets,
)
from bot.risks.pairs import (
    Found,
    LeavingMount,
    NodePair,
    OutsideRead,
    StackPair,
    as_map,
    other_containers,
    service_pairs,
)

_CONTAINER_CHECKS = (
    networks.check_host_network,
    networks.check_endpoints,
    networks.check_log,
    networks.check_labels,
    privilege.check_privilege,
    mounts.check_binds,
    mounts.check_devices,
    builds.check_build,
    images.check_image,
)
_SERVICE_CHECKS = (
    data.check_database,
    exposure.check_ports,
    exposure.check_traefik,
    *_CONTAINER_CHECKS,
    secrets.check_environment,
    secrets.check_health,
)
_ORDER = (Severity.RISKY, Severity.NOTICE, Severity.INFO)


def find_risks(node: NodePair) -> Iterator[Found]:
    """Find every rule that fires on the node, with its stack, and with its service where it concerns one."""
    for pair in node.stacks:
        found = [*data.check_volumes(pair), *secrets.check_secrets(pair), *secrets.check_conditional(pair)]
        yield from (one._replace(stack=pair.stack) for one in found)
        for name, one in (*data.check_mounts(pair), *exposure.check_files(pair)):
            yield one._replace(stack=pair.stack, service=ServiceName(name))
        whole = [*mounts.check_volume_drivers(pair), *mounts.check_links(pair), *mounts.check_outside(pair)]
        whole += networks.check_networks(pair)
        for one in (*whole, *schema.check_keys(pair)):
            yield one._replace(stack=pair.stack)
        for container in other_containers(pair):
            for check in _CONTAINER_CHECKS:
                for one in check(container):
                    yield one._replace(stack=pair.stack, service=ServiceName(container.name))
        for service in service_pairs(pair):
            for check in _SERVICE_CHECKS:
                for one in check(service):
                    yield one._replace(stack=pair.stack, service=ServiceName(service.name))
    yield from neighbours.check_node(node)
    yield from handovers.check_hand_overs(node)


def add_risks(plan: NodePlan, change: NodeChange, tuning: Mapping[str, Tuning]) -> NodePlan:
    """Add the risks of `change` to the plan of its node."""
    stacks = tuple(_pair(stack, change.node) for stack in change.stacks)
    return assess(plan, NodePair(change.node.name, change.node.platform, stacks), tuning)


def _pair(change: StackChange, node: Node) -> StackPair:
    sides = [side.rendering if side else None for side in (change.old, change.new)]
    old, new = _models(*sides)
    sources = next((side.sources for side in reversed(sides) if isinstance(side, Rendered)), {})
    unreadable = any(isinstance(side, Unreadable) for side in sides)
    was, now = (side.conditional if isinstance(side, Rendered) else {} for side in sides)
    conditional = tuple(name for name, digest in now.items() if was.get(name) != digest)
    return StackPair(
        change.stack,
        old,
        new,
        unreadable,
        sources,
        change.lost_guards,
        leaving=_find_leaving(change, node),
        outside=_find_outside(change, node),
        conditional=conditional,
    )


def _models(old: Rendering | None, new: Rendering | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Both models. A variable that keeps its value is shown in one way, also where only one version hides it."""
    before, after = (side.for_risks if isinstance(side, Rendered) else None for side in (old, new))
    if before is None or after is None or not isinstance(old, Rendered) or not isinstance(new, Rendered):
        return before, after
    for name, body in after["services"].items():
        was, now = (as_map(side.model["services"].get(name)).get("environment") for side in (old, new))
        shown = as_map(as_map(before["services"].get(name)).get("environment"))
        kept = {
            key: shown[key]
            for key, value in as_map(now).items()
            if key in shown and key in as_map(was) and as_map(was)[key] == value
        }
        if kept:
            body["environment"] = {**body["environment"], **kept}
    return before, after


def _find_outside(change: StackChange, node: Node) -> tuple[OutsideRead, ...]:
    sides = (side.rendering if side else None for side in (change.old, change.new))
    before, after = (side.outside if isinstance(side, Rendered) else () for side in sides)
    known = {(one.service, one.key, one.path) for one in before}
    return tuple(
        OutsideRead(one.service, one.key, find_outside(one.path, node), one.where)
        for one in after
        if (one.service, one.key, one.path) not in known
    )


def _find_leaving(change: StackChange, node: Node) -> tuple[LeavingMount, ...]:
    before, after = (_read_leaving(side, node) for side in (change.old, change.new))
    known = {one[:3] for one in before}
    return tuple(one for one in after if one[:3] not in known)


def _read_leaving(side: Side | None, node: Node) -> tuple[LeavingMount, ...]:
    if side is None or not isinstance(side.rendering, Rendered):
        return ()
    model = side.rendering.model
    return tuple(
        LeavingMount(ServiceName(service), mount.source, place.outside, mount.at)
        for service in model.get("services") or {}
        for mount in find_mounts(service, model, node)
        if (place := side.places.get(mount.source)) and place.outside
    )


def assess(plan: NodePlan, node: NodePair, tuning: Mapping[str, Tuning]) -> NodePlan:
    """Add what the rules find to `plan`, the most severe first. A rule that is tuned off is silent."""
    found = tuple(dict.fromkeys(find_risks(node)))
    sources = {pair.stack: pair for pair in node.stacks}
    stacks = tuple(_stack(stack, found, sources.get(stack.stack), tuning) for stack in plan.stacks)
    return replace(plan, stacks=stacks)


def _stack(
    stack: StackPlan, found: tuple[Found, ...], pair: StackPair | None, tuning: Mapping[str, Tuning]
) -> StackPlan:
    # A stack whose project gets another name appears twice: what the new version brings concerns the new one.
    left = pair is not None and pair.new is not None and stack.project not in ("", pair.new.get("name"))
    mine = [] if left else [one for one in found if one.stack == stack.stack]
    services = {service.service for service in stack.services}
    return replace(
        stack,
        risks=_risks((one for one in mine if one.service not in services), pair, tuning),
        services=tuple(
            replace(s, risks=_risks((one for one in mine if one.service == s.service), pair, tuning))
            for s in stack.services
        ),
    )


def _risks(found: Iterator[Found], pair: StackPair | None, tuning: Mapping[str, Tuning]) -> tuple[Risk, ...]:
    risks = []
    for one in found:
        tuned = tuning.get(one.rule.id)
        if tuned is Tuning.OFF:
            continue
        severity = Severity(tuned) if tuned else one.rule.severity
        where = one.where or (find_line(one.place, pair.sources) if pair else None)
        text = one.text.replace(f"{CHECKOUT}/", "")  # a path of the checkout, as people write it
        risks.append(Risk(rule=one.rule.id, severity=severity, text=text, where=where))
    return tuple(sorted(risks, key=lambda risk: _ORDER.index(risk.severity)))


def find_line(place: str, sources: Mapping[str, SourceLine]) -> SourceLine | None:
    """Find the source line of `place`, or of the nearest place around it."""
    while place:
        if place in sources:
            return sources[place]
        place = place.rpartition(".")[0]
    return None
