"""Store what the pages show of rollouts beside their state: every order that a node was given, and how each went.

GitHub keeps all of it, in a request for each order; nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from bot.domain.names import (
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    PullNumber,
    RepoName,
    StackName,
    SubmodulePath,
)
from bot.domain.values import StoredValue, Value
from bot.features.audit.store import find_approver
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.store import FLEET_STATES, KEPT, LOGS, RESULTS, RolloutStatus
from bot.protocol.order import OrderKind
from bot.protocol.report import Report
from bot.storage.store import Store

NEWEST = 2**62  # above every order's number

TABLES = sa.MetaData()
ORDERS = sa.Table(
    "order_history",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # seconds since the epoch, of its newest status
    sa.Column("record", sa.Text, nullable=False),  # OrderRecord as JSON
    sa.Index("order_history_by_node", "fleet", "node", "number"),
)
DETAILS = sa.Table(
    "rollout_details",
    TABLES,
    sa.Column("page", sa.Text, primary_key=True),  # as in fleet_states
    sa.Column("base", sa.Text, primary_key=True),
    sa.Column("submodule", sa.Text, primary_key=True),
    sa.Column("details", sa.Text, nullable=False),  # RolloutDetails as JSON
)
_KEEP = sa.text(
    "INSERT INTO order_history (fleet, number, node, stage, at, record) "
    "VALUES (:fleet, :number, :node, :stage, :at, :record) ON CONFLICT (fleet, number) DO UPDATE SET "
    "stage = excluded.stage, at = excluded.at, record = excluded.record"
)
_SAME = sa.and_(*(DETAILS.c[name] == FLEET_STATES.c[name] for name in ("page", "base", "submodule")))
_FIND_ROLLOUTS = (  # made once: it takes longer to make than to run
    sa.select(FLEET_STATES.c.page, FLEET_STATES.c.state, DETAILS.c.details)
    .select_from(FLEET_STATES.outerjoin(DETAILS, _SAME))
    .where(FLEET_STATES.c.page.in_(sa.bindparam("pages", expanding=True)))
    .order_by(FLEET_STATES.c.base, FLEET_STATES.c.submodule)
)
_KEEP_DETAILS = sa.text(
    "INSERT INTO rollout_details (page, base, submodule, details) VALUES (:page, :base, :submodule, :details) "
    "ON CONFLICT (page, base, submodule) DO UPDATE SET details = excluded.details"
)


class OrderRecord(StoredValue, frozen=True):
    """One order of a node, as GitHub tells it. Times are in seconds since the epoch."""

    number: DeploymentId
    node: NodeName
    kind: OrderKind
    submodule: SubmodulePath
    commit: CommitSha
    pin: CommitSha
    stage: Stage
    text: str = ""  # one line of the node's; a stranger's words
    by_merge: bool = False  # and not by a command
    pull: PullNumber | None = None
    stacks: tuple[StackName, ...] = ()  # it was for these alone; empty: for all of the node's
    log_url: str = ""
    queued_at: int = 0
    updated_at: int = 0

    @property
    def at(self) -> int:
        """When the last was heard of it."""
        return self.updated_at or self.queued_at


class OrderEntry(Value, frozen=True):
    """An order with what its node reported; None and "" where it reported nothing that was kept."""

    order: OrderRecord
    report: Report | None = None
    log: str = ""  # the end of what the deploy wrote; a stranger's words


class OrderMark(Value, frozen=True):
    """An order on a timeline."""

    number: DeploymentId
    node: NodeName
    stage: Stage
    at: int


class RefusedPlan(StoredValue, frozen=True):
    """A node that gets no order: its `plan` goes beyond the approved one, and this is how."""

    plan: PlanId
    approved: PlanId
    beyond: str  # the first difference


class NodeDetails(StoredValue, frozen=True):
    """What a fleet's page shows of one node beside where it stands."""

    node: NodeName
    stacks: tuple[StackName, ...] = ()
    behind: int = 0  # commits of the upstream between what it runs and what was merged
    refused: RefusedPlan | None = None


class RolloutDetails(StoredValue, frozen=True):
    """What a fleet's page shows of a rollout beside its state."""

    upstream: RepoName | None = None
    nodes: tuple[NodeDetails, ...] = ()
    merged_by: str = ""  # the login of who merged it; "" where that is not known

    def of(self, node: NodeName) -> NodeDetails:
        """Those of one node; without a word where nothing is known."""
        return next((one for one in self.nodes if one.node == node), NodeDetails(node=node))


def record_of(node: NodeName, order: PastOrder) -> OrderRecord:
    """What is kept of an order."""
    return OrderRecord(
        number=order.number,
        node=node,
        kind=order.kind,
        submodule=order.submodule,
        commit=order.commit,
        pin=order.pin,
        stage=order.stage,
        text=order.description,
        by_merge=order.is_merge,
        pull=order.pull,
        stacks=order.stacks,
        log_url=order.log_url,
        queued_at=order.queued_at,
        updated_at=order.updated_at,
    )


def keep_orders(connection: sa.Connection, fleet: RepoName, orders: Mapping[NodeName, Sequence[PastOrder]]) -> None:
    """Keep these inside the caller's transaction, of each node the newest `KEPT`. What is known costs no write."""
    known: dict[int, str] = {}
    own = (ORDERS.c.fleet == fleet.lower(), ORDERS.c.node.in_(list(orders)))
    for number, record in connection.execute(sa.select(ORDERS.c.number, ORDERS.c.record).where(*own)):
        known[number] = record
    for node, past in orders.items():
        rows = [_row(fleet, node, order) for order in past]
        new = [row for row, order in zip(rows, past, strict=True) if known.get(order.number) != row["record"]]
        if new:
            connection.execute(_KEEP, new)
            _drop_old(connection, fleet, node)


def _row(fleet: RepoName, node: NodeName, order: PastOrder) -> dict[str, object]:
    record = record_of(node, order)
    return {
        "fleet": fleet.lower(),
        "number": order.number,
        "node": node,
        "stage": record.stage,
        "at": record.at,
        "record": msgspec.json.encode(record).decode(),
    }


def _drop_old(connection: sa.Connection, fleet: RepoName, node: NodeName) -> None:
    own = (ORDERS.c.fleet == fleet.lower(), ORDERS.c.node == node)
    oldest = sa.select(ORDERS.c.number).where(*own).order_by(ORDERS.c.number.desc()).offset(KEPT).limit(1)
    last = connection.execute(oldest).scalar()
    if last is not None:
        gone = sa.select(ORDERS.c.number).where(*own, ORDERS.c.number <= last)
        for table in (LOGS, RESULTS):
            connection.execute(sa.delete(table).where(table.c.fleet == fleet.lower(), table.c.number.in_(gone)))
        connection.execute(sa.delete(ORDERS).where(*own, ORDERS.c.number <= last))


def keep_details(connection: sa.Connection, page: str, status: RolloutStatus, details: RolloutDetails) -> None:
    """Keep the details of a rollout inside the transaction that saves its state, with who merged it."""
    by = find_approver(connection, status.fleet, status.pull) if status.pull else ""
    row = {
        "page": page,
        "base": status.base,
        "submodule": status.submodule,
        "details": msgspec.json.encode(replace(details, merged_by=by)).decode(),
    }
    connection.execute(_KEEP_DETAILS, row)


Rollouts = dict[str, tuple[tuple[RolloutStatus, RolloutDetails], ...]]
"""What is kept of the rollouts of each fleet, by its page."""


class OrderHistory:
    """The orders of all fleets, in the bot's database, for the pages."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find_rollouts(self, page: str) -> tuple[tuple[RolloutStatus, RolloutDetails], ...]:
        """Everything of the fleet whose page this is, by base and submodule."""
        return self.find_all_rollouts([page]).get(page, ())

    def find_all_rollouts(self, pages: Collection[str]) -> Rollouts:
        """The same of several fleets, by their pages. One query."""
        with self._store.reading() as connection:
            rows = connection.execute(_FIND_ROLLOUTS, {"pages": list(pages)}).all()
        found: Rollouts = {}
        for page, state, details in rows:
            status = msgspec.json.decode(state, type=RolloutStatus)
            known = msgspec.json.decode(details, type=RolloutDetails) if details else RolloutDetails()
            found[page] = (*found.get(page, ()), (status, known))
        return found

    def find_orders(
        self, fleet: RepoName, node: NodeName | None = None, *, before: int = NEWEST, most: int = 20
    ) -> tuple[OrderEntry, ...]:
        """The orders of one node or of all, newest first, from the one before number `before` on."""
        result = sa.and_(RESULTS.c.fleet == ORDERS.c.fleet, RESULTS.c.number == ORDERS.c.number)
        log = sa.and_(LOGS.c.fleet == ORDERS.c.fleet, LOGS.c.number == ORDERS.c.number)
        query = (
            sa.select(ORDERS.c.record, RESULTS.c.report, LOGS.c.log)
            .select_from(ORDERS.outerjoin(RESULTS, result).outerjoin(LOGS, log))
            .where(ORDERS.c.fleet == fleet.lower(), ORDERS.c.number < before)
            .order_by(ORDERS.c.number.desc())
            .limit(most)
        )
        if node is not None:
            query = query.where(ORDERS.c.node == node)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            OrderEntry(
                order=msgspec.json.decode(record, type=OrderRecord),
                report=msgspec.json.decode(report, type=Report) if report else None,
                log=log or "",
            )
            for record, report, log in rows
        )

    def find_deploys(
        self, fleet: RepoName, submodule: SubmodulePath, pin: CommitSha, pulls: Collection[PullNumber]
    ) -> tuple[OrderEntry, ...]:
        """The deploys of `pin` that these pull requests called for, newest first, without their logs."""
        result = sa.and_(RESULTS.c.fleet == ORDERS.c.fleet, RESULTS.c.number == ORDERS.c.number)
        query = (
            sa.select(ORDERS.c.record, RESULTS.c.report)
            .select_from(ORDERS.outerjoin(RESULTS, result))
            .where(ORDERS.c.fleet == fleet.lower(), ORDERS.c.record.contains(pin, autoescape=True))
            .order_by(ORDERS.c.number.desc())
            .limit(KEPT)
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        found = []
        for record, report in rows:
            order = msgspec.json.decode(record, type=OrderRecord)
            if (order.submodule, order.pin) == (submodule, pin) and order.pull in pulls and not order.kind.reads_only:
                found_report = msgspec.json.decode(report, type=Report) if report else None
                found.append(OrderEntry(order=order, report=found_report))
        return tuple(found)

    def find_marks(self, fleet: RepoName, *, since: int, most: int = 400) -> tuple[OrderMark, ...]:
        """The orders of all nodes since a moment, newest first, for a timeline."""
        query = (
            sa.select(ORDERS.c.number, ORDERS.c.node, ORDERS.c.stage, ORDERS.c.at)
            .where(ORDERS.c.fleet == fleet.lower(), ORDERS.c.at >= since)
            .order_by(ORDERS.c.number.desc())
            .limit(most)
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            OrderMark(number=DeploymentId(number), node=NodeName(node), stage=Stage(stage), at=at)
            for number, node, stage, at in rows
        )
