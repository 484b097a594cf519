"""What each request of the API reads, as the values that it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

from werkzeug.exceptions import NotFound

from bot.domain.names import NodeName
from bot.domain.values import Value
from bot.features.audit.store import find_records
from bot.features.bump.store import PlanStore
from bot.features.rollout.history import OrderEntry
from bot.features.visitors.facts import Sight, VisibleFleet
from bot.queue.admin import LaneRow, list_lane
from bot.web.api import values
from bot.web.guard import Guard, Visitor
from bot.web.reading import FleetStores, ShownFleet, ShownNode, ShownRollout, read_fleet
from bot.web.why import Obstacle

V = TypeVar("V", bound=Value)


class Numbered(Protocol):
    """An entry of a list that is in the order of its numbers."""

    @property
    def number(self) -> int: ...


class Named(Protocol):
    """An entry of a list that is in the order of its names."""

    @property
    def name(self) -> str: ...


E = TypeVar("E", bound=Numbered)
N = TypeVar("N", bound=Named)


class ApiTools(NamedTuple):
    """What requests read from, and who may see what."""

    stores: FleetStores
    plans: PlanStore
    guard: Guard


class ApiRequest(NamedTuple):
    """One request: who sent it, for which address, with the parts of its path and its query as they were parsed."""

    visitor: Visitor
    address: str
    path: dict[str, str]
    query: dict[str, str | int]

    @property
    def most(self) -> int:
        """How many entries the answer holds at most."""
        return int(self.query["most"])

    @property
    def before(self) -> int:
        """The number that every entry of the answer is below."""
        return int(self.query["before"])

    def next(self, **changes: str | int) -> str:
        """The address of the next page."""
        query = {name: value for name, value in {**self.query, **changes}.items() if value != ""}
        return f"{self.address}?{urlencode(query)}"

    def below(self, number: int | None) -> str | None:
        """The address of the entries below `number`; None for no number."""
        return None if number is None else self.next(before=number)

    def cut(self, entries: Sequence[E]) -> tuple[Sequence[E], str | None]:
        """Of `most` + 1 entries the page, and the address of what is before its last."""
        shown = entries[: self.most]
        more = self.next(before=shown[-1].number) if len(entries) > self.most else None
        return shown, more

    def cut_by_name(self, entries: Sequence[N]) -> tuple[Sequence[N], str | None]:
        """The page behind `after` of entries that are sorted by name, and the address of the next."""
        after = fold(str(self.query["after"]))
        rest = [entry for entry in entries if fold(entry.name) > after]
        shown = rest[: self.most]
        more = self.next(after=shown[-1].name) if len(rest) > self.most else None
        return shown, more


def require_fleet(tools: ApiTools, request: ApiRequest) -> VisibleFleet:
    """The fleet that the address names, if it may be seen; else 404."""
    return tools.guard.require_fleet(f"{request.path['owner']}/{request.path['name']}")


def read_fleets(tools: ApiTools, request: ApiRequest) -> values.ApiFleets:
    """The fleets that the visitor may see."""
    seen, complete = tools.guard.list_fleets(request.visitor)
    shown, more = request.cut_by_name(seen)
    found = tuple(values.ApiFleet(name=one.name, url=f"/api/v1/fleets/{one.name}") for one in shown)
    return values.ApiFleets(fleets=found, complete=complete, next=more)


def read_state(tools: ApiTools, request: ApiRequest) -> values.ApiFleetState:
    """What the fleet's page shows."""
    view, logs = _view(tools, request)
    words, gravity = view.summarise()
    return values.ApiFleetState(
        name=view.fleet.name,
        summary=words,
        gravity=gravity,  # type: ignore[arg-type]  # one of its three words
        rollouts=tuple(_rollout(one, logs=logs) for one in view.rollouts),
        pulls=tuple(copy_fields(values.ApiPull, pull) for pull in view.waiting.pulls),
        notices=tuple(
            copy_fields(
                values.ApiNotice,
                one.notice,
                number=one.number,
                since=one.since,
                muted_until=one.muted_until or None,
            )
            for one in view.waiting.notices
        ),
    )


def read_nodes(tools: ApiTools, request: ApiRequest) -> values.ApiNodes:
    """The fleet's nodes."""
    view, logs = _view(tools, request)
    names = sorted({node.status.node for one in view.rollouts for node in one.nodes}, key=fold)
    shown, more = request.cut_by_name([_node(view, name, logs=logs) for name in names])
    return values.ApiNodes(nodes=tuple(shown), next=more)


def read_node(tools: ApiTools, request: ApiRequest) -> values.ApiNode:
    """One node."""
    view, logs = _view(tools, request)
    if not view.of_node(request.path["node"]):
        raise NotFound("this fleet has no such node, or the bot never deployed to it")
    return _node(view, request.path["node"], logs=logs)


def read_stacks(tools: ApiTools, request: ApiRequest) -> values.ApiStacks:
    """The fleet's stacks."""
    view, logs = _view(tools, request)
    names = sorted(view.stacks, key=fold)
    shown, more = request.cut_by_name([_stack(view, name, logs=logs) for name in names])
    return values.ApiStacks(stacks=tuple(shown), next=more)


def read_stack(tools: ApiTools, request: ApiRequest) -> values.ApiStack:
    """One stack."""
    view, logs = _view(tools, request)
    if not view.of_stack(request.path["stack"]):
        raise NotFound("no node of this fleet has such a stack, as far as the plans tell")
    return _stack(view, request.path["stack"], logs=logs)


def read_pulls(tools: ApiTools, request: ApiRequest) -> values.ApiPulls:
    """The pull requests that wait for a person."""
    fleet = require_fleet(tools, request)
    waiting = tools.stores.waiting.find(fleet.name, now=int(time.time()))
    rest = [pull for pull in waiting.pulls if pull.number > int(request.query["above"])]
    shown = sorted(rest, key=lambda pull: pull.number)[: request.most]
    more = request.next(above=shown[-1].number) if len(rest) > request.most else None
    return values.ApiPulls(pulls=tuple(copy_fields(values.ApiPull, pull) for pull in shown), next=more)


def read_orders(tools: ApiTools, request: ApiRequest) -> values.ApiOrders:
    """The orders of the fleet, or of one node."""
    fleet = require_fleet(tools, request)
    logs = _shows_logs(tools, fleet, request)
    node = NodeName(str(request.query["node"])) if request.query["node"] else None
    found = tools.stores.history.find_orders(fleet.name, node, before=request.before, most=request.most + 1)
    shown, more = request.cut([_order(entry, logs=logs) for entry in found])
    return values.ApiOrders(orders=tuple(shown), next=more)


def read_deliveries(tools: ApiTools, request: ApiRequest) -> values.ApiDeliveries:
    """The deliveries that called for jobs on the fleet."""
    fleet = require_fleet(tools, request)
    found, more = list_lane(tools.stores.database, fleet.name, before=request.before, most=request.most)
    deliveries = tuple(_delivery(one) for one in found)
    return values.ApiDeliveries(deliveries=deliveries, next=request.below(more))


def read_audit(tools: ApiTools, request: ApiRequest) -> values.ApiAudit:
    """The fleet's audit trail."""
    fleet, words = require_fleet(tools, request), str(request.query["words"])
    found, more = find_records(tools.stores.database, fleet.name, words, before=request.before, most=request.most)
    records = tuple(copy_fields(values.ApiAuditRecord, line.record, number=line.seq) for line in found)
    return values.ApiAudit(records=records, next=request.below(more))


def copy_fields(kind: type[V], source: object, **others: object) -> V:
    """A value of `kind`: `others`, and for every other field the one of `source` that is called so."""
    make: Callable[..., V] = kind
    return make(**{name: getattr(source, name) for name in kind.__struct_fields__ if name not in others}, **others)


def _view(tools: ApiTools, request: ApiRequest) -> tuple[ShownFleet, bool]:
    fleet = require_fleet(tools, request)
    return read_fleet(tools.stores, fleet, now=time.time()), _shows_logs(tools, fleet, request)


def _shows_logs(tools: ApiTools, fleet: VisibleFleet, request: ApiRequest) -> bool:
    return tools.guard.may_see(request.visitor, fleet, Sight.LOGS)


def _rollout(one: ShownRollout, *, logs: bool) -> values.ApiRollout:
    return copy_fields(
        values.ApiRollout,
        one.status,
        upstream=one.upstream,
        merged_by=one.merged_by,
        obstacles=tuple(map(_obstacle, one.holds)),
        nodes=tuple(_node_state(one, node, logs=logs) for node in one.nodes),
    )


def _node_state(one: ShownRollout, node: ShownNode, *, logs: bool) -> values.ApiNodeState:
    return copy_fields(
        values.ApiNodeState,
        node.status,
        base=one.status.base,
        submodule=one.status.submodule,
        wanted=one.status.commit,
        wanted_pin=one.status.pin,
        behind=node.details.behind,
        stacks=node.details.stacks,
        deployed_at=node.status.deployed_at or None,
        obstacles=tuple(map(_obstacle, node.obstacles)),
        log_url=(node.status.log_url or None) if logs else None,
    )


def _obstacle(one: Obstacle) -> values.ApiObstacle:
    return copy_fields(values.ApiObstacle, one, until=one.until or None)


def _node(view: ShownFleet, name: str, *, logs: bool) -> values.ApiNode:
    found = view.of_node(name)
    states = tuple(_node_state(one, node, logs=logs) for one, node in found)
    return values.ApiNode(name=name, platform=found[0][1].status.platform, rollouts=states)


def _stack(view: ShownFleet, name: str, *, logs: bool) -> values.ApiStack:
    states = tuple(_node_state(one, node, logs=logs) for one, node in view.of_stack(name))
    return values.ApiStack(name=name, nodes=states)


def _order(entry: OrderEntry, *, logs: bool) -> values.ApiOrder:
    order, report = entry.order, entry.report
    told = report and copy_fields(
        values.ApiReport,
        report,
        space=tuple(copy_fields(values.ApiSpace, disk) for disk in report.space),
        services=tuple(copy_fields(values.ApiService, service) for service in report.services),
    )
    return copy_fields(
        values.ApiOrder,
        order,
        queued_at=order.queued_at or None,
        updated_at=order.updated_at or None,
        report=told,
        log=(entry.log or None) if logs else None,
        log_url=(order.log_url or None) if logs else None,
    )


def _delivery(one: LaneRow) -> values.ApiDelivery:
    jobs = tuple(
        copy_fields(values.ApiJob, job, not_before=job.not_before // 1000 if job.not_before else None)
        for job in one.jobs
    )
    return copy_fields(values.ApiDelivery, one, event=one.name, jobs=jobs, received_at=one.received_at // 1000)


def fold(name: str) -> tuple[str, str]:
    """What names are sorted by: without regard to case, and those that differ in nothing else by case."""
    return name.lower(), name
