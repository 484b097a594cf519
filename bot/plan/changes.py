"""Decide what a deploy does to each service of a stack, from its old and new rendering. Pure.

bot.agent.apply carries each Action out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from bot.domain.names import ServiceName
from bot.fleetfile import Node
from bot.plan import cascades
from bot.plan.build_changes import build_causes
from bot.plan.cascades import Causes
from bot.plan.causes import Cause, ReasonCode, find_old_source, find_source, model_causes
from bot.plan.contents import changed_under, content_causes, find_mounts, reload_signal, unseen_contents
from bot.plan.followers import (
    Replaced,
    built_elsewhere,
    find_replaced,
    followed,
    follower_causes,
    held_containers,
    settle,
)
from bot.plan.if_same import describe, find_certain, less_if_same
from bot.plan.images import judge_image
from bot.plan.model import ServicePlan, StackPlan
from bot.plan.model_diff import render_diff
from bot.plan.node_paths import as_node_sees
from bot.plan.remarks import find_build_error, find_missing, find_remarks
from bot.plan.rendering import NodeChange, Rendered, Rendering, Side, StackChange, Unreadable
from bot.plan.scale import replicas
from bot.protocol.action import Action

_ORDER = tuple(Action)


class PlanScope(NamedTuple):
    """What decisions about one stack depend on besides the stack itself."""

    node: Node
    changed: frozenset[str]  # paths of the checkout
    remade: frozenset[str] = frozenset()  # real names of networks that any stack of the node recreates
    replaced: Replaced = {}  # of other stacks
    held: frozenset[str] = frozenset()  # names of all containers that the node has until now
    reconnects: bool = False  # whether compose would only reconnect who is on a renamed network


class Decided(NamedTuple):
    """The decision about one stack. `files` are the changed files that affect it.

    `stacks` are two when the compose project is renamed: the old one is removed, the new one created.
    """

    stacks: tuple[StackPlan, ...]
    files: frozenset[str]


def decide_node(change: NodeChange, *, reconnects: bool = False) -> tuple[Decided, ...]:
    """Decide every stack of a node; `reconnects` as in PlanScope."""
    remade = frozenset(name for stack in change.stacks for name in _remade(stack.old, stack.new))
    held = frozenset(name for stack in change.stacks for name in held_containers(stack.models[0]))
    scope = PlanScope(change.node, change.changed, remade, held=held, reconnects=reconnects)
    return settle(
        [followed(_model(stack.new)["services"], stack.base_images) for stack in change.stacks],
        lambda at, others: decide_stack(
            change.stacks[at], scope._replace(changed=change.changed_for(change.stacks[at]), replaced=others)
        ),
        lambda at, decided: find_replaced(decided.stacks, *change.stacks[at].models, held),
    )


def decide_stack(change: StackChange, scope: PlanScope) -> Decided:
    """Decide what moving one stack from `change.old` to `change.new` does."""
    old, new = change.old, change.new
    if new is not None and isinstance(new.rendering, Unreadable):
        return Decided((_stack_plan(change, new, (), scope.node),), _changed_reads(scope.changed, old, new))
    if old is not None and new is not None and _project(old) != _project(new) and _is_readable(old):
        removed = _decide(replace(change, new=None), scope, ReasonCode.PROJECT)
        added = _decide(replace(change, old=None), scope, ReasonCode.PROJECT)
        return Decided(removed.stacks + added.stacks, removed.files | added.files)
    return _decide(change, scope)


def _decide(change: StackChange, scope: PlanScope, why: ReasonCode | None = None) -> Decided:
    decision = _StackDecision(change, scope, why)
    services = tuple(decision.services())
    shown = change.new or change.old
    if change.new is not None and (problem := find_build_error(change, services)):
        failed = replace(_stack_plan(change, change.new, (), scope.node), error=problem.text, error_at=problem.where)
        return Decided((failed,), _changed_reads(scope.changed, change.old, change.new))
    files = frozenset().union(*(decision.files_of(plan) for plan in services if plan.action is not Action.NONE))
    if decision.before != decision.after or unseen_contents(change.old) != unseen_contents(change.new):
        files |= _changed_reads(scope.changed, change.old, change.new)
    return Decided((_stack_plan(change, shown, services, scope.node),) if shown else (), files)


def _remade(old: Side | None, new: Side | None) -> tuple[str, ...]:
    stays = old and new and _project(old) == _project(new)
    return cascades.remade_networks(_model(old), _model(new)) if stays else ()


def _changed_reads(changed: frozenset[str], *sides: Side | None) -> frozenset[str]:
    """The changed files that compose itself reads."""
    return frozenset(
        path
        for side in sides
        if side and isinstance(side.rendering, Rendered)
        for path in side.rendering.reads
        if path in changed
    )


def _is_readable(side: Side) -> bool:
    return isinstance(side.rendering, Rendered)


def _project(side: Side) -> str:
    return str(_model(side).get("name", ""))


def _model(side: Side | None) -> dict[str, Any]:
    return side.rendering.model if side and isinstance(side.rendering, Rendered) else {"services": {}}


def _shown(side: Side | None) -> dict[str, Any]:
    return side.rendering.for_people if side and isinstance(side.rendering, Rendered) else {"services": {}}


class _StackDecision:
    """The decision about one stack, or about one of its two compose projects."""

    def __init__(self, change: StackChange, scope: PlanScope, why: ReasonCode | None) -> None:
        self.change, self.why = change, why
        self.node, self.changed, self.remade, self.replaced, self.held, self.reconnects = scope
        self.old, self.new = change.old, change.new
        self.before, self.after = _model(self.old), _model(self.new)
        # For people: with the checkout at the path where the node has it.
        self.shown_before = as_node_sees(_shown(self.old), self.node)
        self.shown_after = as_node_sees(_shown(self.new), self.node)

    def services(self) -> Iterator[ServicePlan]:
        """Plan the services of the new version in its order, then the removed ones."""
        then, now = self.before["services"], self.after["services"]
        both = self._causes([name for name in now if name in then])
        certain = find_certain(both)
        for name in [*now, *(name for name in then if name not in now)]:
            causes = both[name] if name in both else list(self._added_or_removed(name))
            action = max((cause.action for cause in causes), key=_ORDER.index, default=Action.NONE)
            yield self._plan(ServiceName(name), action, causes, certain)

    def files_of(self, plan: ServicePlan) -> frozenset[str]:
        """The changed files that a service mounts or is built from."""
        sources = {
            mount.source
            for model in (self.before, self.after)
            if plan.service in model["services"]
            for mount in find_mounts(plan.service, model, self.node)
        }
        paths = {side.places[s].path for side in (self.old, self.new) if side for s in sources if s in side.places}
        return frozenset(changed_under(self.changed, sources | paths)) | frozenset(
            self.change.build_inputs.get(plan.service, ())
        )

    def _plan(self, name: ServiceName, action: Action, causes: list[Cause], certain: frozenset[str]) -> ServicePlan:
        then, now = self.before["services"].get(name), self.after["services"].get(name)
        spec = now if now is not None else then or {}
        scales_down = action is Action.REMOVE and then is not None and now is not None
        if_same, follows = less_if_same(action, causes, certain)
        return ServicePlan(
            service=name,
            action=action,
            reasons=tuple(replace(cause.reason, text=describe(cause, certain)) for cause in causes),
            diff=render_diff(self.shown_before["services"].get(name), self.shown_after["services"].get(name)),
            image=judge_image(spec),
            signal=reload_signal(spec) if action is Action.RELOAD else "",
            remaining=replicas(spec) if scales_down else 0,
            if_same=if_same,
            follows=follows,
        )

    def _added_or_removed(self, name: str) -> Iterator[Cause]:
        side = self.new or self.old
        rendering = side.rendering if side else None
        if name in self.after["services"]:
            yield from self._added(name, rendering)
            return
        where = find_old_source(self.old.rendering if self.old else None, f"services.{name}")
        code, text = ReasonCode.GONE_SERVICE, "no longer defined"
        if self.why is ReasonCode.PROJECT:
            code, text = ReasonCode.PROJECT, f"no longer in the compose project {self.before.get('name')}"
        elif isinstance(rendering, Rendered) and self.new and f"services.{name}.profiles" in rendering.sources:
            where = find_source(rendering, f"services.{name}.profiles")
            code, text = ReasonCode.PROFILE, "no longer in any profile of this node"
        yield Cause(Action.REMOVE, code, text, where)

    def _added(self, name: str, rendering: Rendering | None) -> Iterator[Cause]:
        spec, where = self.after["services"][name], find_source(rendering, f"services.{name}")
        if self.why is ReasonCode.PROJECT:
            text = f"the compose project is now {self.after.get('name')}"
            yield Cause(Action.CREATE, ReasonCode.PROJECT, text, where)
        elif self.old is not None and not _is_readable(self.old):
            text = "because the old version cannot be read"
            yield Cause(Action.RECREATE, ReasonCode.UNKNOWN_BEFORE, f"recreated {text}", where)
            if spec.get("build"):
                yield Cause(Action.REBUILD, ReasonCode.UNKNOWN_BEFORE, f"builds again {text}", where)
        else:
            empty = replicas(spec) == 0
            text = ("first deploy of the stack" if self.old is None else "new service") + ", with no replicas" * empty
            yield Cause(Action.NONE if empty else Action.CREATE, ReasonCode.NEW_SERVICE, text, where)

    def _causes(self, names: list[str]) -> Causes:
        """The causes of the services that exist before and after."""
        if not names or not (self.old and self.new):
            return {}
        rendering = self.new.rendering
        causes: Causes = {name: self._own_causes(name, self.old, self.new) for name in names}
        services = self.after["services"]
        elsewhere = (
            *cascades.resource_causes(self.before, self.after, rendering, self.remade, self.reconnects),
            *built_elsewhere(services, self.change.base_images, rendering, self.replaced),
            *cascades.lender_causes(self.before, self.after, rendering),
        )
        cascades.add_causes(causes, elsewhere)
        rebuilt = [name for name in names if any(c.action is Action.REBUILD for c in causes[name])]
        cascades.add_causes(causes, cascades.image_causes(self.after, rebuilt, rendering, self.change.build_bases))
        cascades.add_causes(causes, follower_causes(services, rendering, {**self._taken_over(), **self.replaced}))
        # A service without a container, before or after, can only be created or removed.
        idle = {name for name in names if 0 in (replicas(self.before["services"][name]), replicas(services[name]))}
        for name in idle:
            causes[name].clear()
        cascades.spread({name: found for name, found in causes.items() if name not in idle}, self.after, rendering)
        for name in names:
            scaled = self._scaled(name, rendering)
            if scaled:
                # Where the other containers change as well, all are recreated together.
                causes[name].append(scaled._replace(action=Action.RECREATE) if causes[name] else scaled)
        return causes

    def _taken_over(self) -> Replaced:
        """The containers of this stack's new services that replace another one of their name."""
        then, now = held_containers(self.before), held_containers(self.after)
        return {name: Action.RECREATE for name in now if name in self.held and then.get(name) != now[name]}

    def _own_causes(self, name: str, old: Side, new: Side) -> list[Cause]:
        then, now = self.before["services"][name], self.after["services"][name]
        shown = self.shown_before["services"][name], self.shown_after["services"][name]
        causes = model_causes(name, (then, now), shown, (old.rendering, new.rendering))
        causes += content_causes(name, old, new, self.changed, self.node)
        if now.get("build"):
            causes += build_causes(ServiceName(name), then.get("build"), now["build"], self.change, new.rendering)
        return causes

    def _scaled(self, name: str, rendering: Rendering) -> Cause | None:
        was, now = replicas(self.before["services"][name]), replicas(self.after["services"][name])
        if was == now:
            return None
        where = find_source(rendering, f"services.{name}.deploy.replicas") or find_source(
            rendering, f"services.{name}.scale"
        )
        action = Action.CREATE if now > was else Action.REMOVE
        return Cause(action, ReasonCode.REPLICAS, f"replicas {was} -> {now}", where)


def _stack_plan(change: StackChange, side: Side, services: tuple[ServicePlan, ...], node: Node) -> StackPlan:
    rendering = side.rendering
    variables = rendering.variables
    gone = side is change.old and change.new is None
    known = {variable.name for variable in change.old.rendering.variables} if change.old else set()
    model = _model(side)
    return StackPlan(
        stack=change.stack,
        folder=change.folder,
        files=side.files,
        profiles=side.profiles,
        project=str(model.get("name", "")),
        services=services,
        variables=tuple(variable.name for variable in variables),
        new_variables=() if gone else tuple(v.name for v in variables if v.name not in known),
        missing_variables=() if gone else find_missing(variables, node),
        remade_networks=_remade(change.old, change.new),
        rendered=hashlib.sha256(json.dumps(_shown(side), sort_keys=True).encode()).hexdigest(),
        error=rendering.message if isinstance(rendering, Unreadable) else None,
        error_at=rendering.where if isinstance(rendering, Unreadable) else None,
        remarks=() if gone else find_remarks(change, services, node),
        old=change.old_pin,
    )
