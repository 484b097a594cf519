"""Store how each rollout stands and what nodes reported, for the fleet page and to count each report once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from bot.domain.names import BranchName, CommitSha, DeploymentId, NodeName, PullNumber, RepoName, SubmodulePath
from bot.domain.values import StoredValue
from bot.domain.versions import NodeVersions, is_version
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.observability.log import hide_secrets
from bot.plan.engine_versions import read_engine
from bot.protocol.report import Report
from bot.storage.store import Store

TABLES = sa.MetaData()
FLEET_STATES = sa.Table(
    "fleet_states",
    TABLES,
    sa.Column("page", sa.Text, primary_key=True),  # the unguessable part of the fleet page's address
    sa.Column("base", sa.Text, primary_key=True),
    sa.Column("submodule", sa.Text, primary_key=True),
    sa.Column("fleet", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # RolloutStatus as JSON
)

RESULTS = sa.Table(
    "order_results",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("report", sa.Text, nullable=False),  # bot.protocol.report.Report as JSON
)

LOGS = sa.Table(
    "order_logs",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("log", sa.Text, nullable=False),
)
ORDERS_MADE = sa.Table(
    "orders_made",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),  # seconds since the epoch
)
NODE_STARTS = sa.Table(
    "node_starts",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("base", sa.Text, primary_key=True),
    sa.Column("submodule", sa.Text, primary_key=True),
    sa.Column("commit_sha", sa.Text, nullable=False),  # of the fleet
)
NODE_VERSIONS = sa.Table(
    "node_versions",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),  # of the order with whose report they came
    sa.Column("compose", sa.Text, nullable=False),
)
NODE_ENGINES = sa.Table(
    "node_engines",
    TABLES,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),  # of the order with whose report it came
    sa.Column("engine", sa.Text, nullable=False),  # "Docker Engine 28.5.1"
)
KEPT = 200  # orders of one node, with what it reported of each; more than are looked at for a decision
LISTED_AFTER = 600  # seconds, after which GitHub's list shows every deployment for certain

_SAVE = sa.text(
    "INSERT INTO fleet_states (page, base, submodule, fleet, state) "
    "VALUES (:page, :base, :submodule, :fleet, :state) "
    "ON CONFLICT (page, base, submodule) DO UPDATE SET state = excluded.state, fleet = excluded.fleet"
)
_SAVE_RESULT = sa.text(
    "INSERT INTO order_results (fleet, number, report) "
    "SELECT :fleet, CAST(:number AS BIGINT), :report WHERE (SELECT COUNT(*) FROM order_history AS newer "
    "WHERE newer.fleet = :fleet AND newer.node = :node AND newer.number > :number) < :kept "
    "ON CONFLICT (fleet, number) DO NOTHING"
)
_KEEP_START = sa.text(
    "INSERT INTO node_starts (fleet, node, base, submodule, commit_sha) "
    "VALUES (:fleet, :node, :base, :submodule, :commit_sha) ON CONFLICT (fleet, node, base, submodule) DO NOTHING"
)
_SAVE_ENGINE = sa.text(
    "INSERT INTO node_engines (fleet, node, number, engine) VALUES (:fleet, :node, :number, :engine) "
    "ON CONFLICT (fleet, node) DO UPDATE SET number = excluded.number, engine = excluded.engine "
    "WHERE excluded.number > node_engines.number"
)
_SAVE_VERSION = sa.text(
    "INSERT INTO node_versions (fleet, node, number, compose) VALUES (:fleet, :node, :number, :compose) "
    "ON CONFLICT (fleet, node) DO UPDATE SET number = excluded.number, compose = excluded.compose "
    "WHERE excluded.number > node_versions.number"
)

_KEEP_LOG = sa.text(
    "INSERT INTO order_logs (fleet, number, log) VALUES (:fleet, :number, :log) "
    "ON CONFLICT (fleet, number) DO NOTHING"
)
LONGEST_LOG = 12_000  # characters, of its end


class NodeStatus(StoredValue, frozen=True):
    """One node. Times are in seconds since the epoch."""

    node: NodeName
    platform: str
    wave: int
    standing: Standing
    text: str
    log_url: str = ""
    runs: CommitSha | None = None  # the fleet's commit that it deployed last with success
    runs_pin: CommitSha | None = None
    deployed_at: int = 0
    planned: int = 0  # services in the newest result
    surprises: int = 0  # of them, not as planned
    rolled_back: bool = False  # by a person; its standing is then FAILED


class RolloutStatus(StoredValue, frozen=True):
    """One submodule of one base branch of a fleet."""

    fleet: RepoName
    base: BranchName
    submodule: SubmodulePath
    commit: CommitSha  # what was merged last
    pin: CommitSha
    pull: PullNumber | None
    reason: RolloutReason
    looked_at: int
    nodes: tuple[NodeStatus, ...]


class RolloutStore:
    """The rollouts of all fleets as they were last read, in the bot's database."""

    def __init__(self, store: Store, *, page_key: bytes) -> None:
        """`page_key` makes the addresses of pages, which whoever sees a fleet's pull requests is given."""
        self._store = store
        self._page_key = page_key

    def page_of(self, fleet: RepoName) -> str:
        """The unguessable part of the address of the fleet's page."""
        return hmac.new(self._page_key, b"fleet page " + fleet.lower().encode(), hashlib.sha256).hexdigest()[:32]

    def save(self, status: RolloutStatus, *, also: Callable[[sa.Connection], None] = lambda _: None) -> None:
        """Replace the status of this submodule of this base; `also` is written in the same transaction."""
        row = {
            "page": self.page_of(status.fleet),
            "base": status.base,
            "submodule": status.submodule,
            "fleet": status.fleet,
            "state": msgspec.json.encode(status).decode(),
        }

        def write(connection: sa.Connection) -> None:
            connection.execute(_SAVE, row)
            also(connection)

        self._store.write(write)

    def find(self, page: str) -> tuple[RolloutStatus, ...]:
        """Everything of the fleet whose page this is, by base and submodule."""
        query = (
            sa.select(FLEET_STATES.c.state)
            .where(FLEET_STATES.c.page == page)
            .order_by(FLEET_STATES.c.base, FLEET_STATES.c.submodule)
        )
        with self._store.reading() as connection:
            texts = connection.execute(query).scalars().all()
        return tuple(msgspec.json.decode(text, type=RolloutStatus) for text in texts)

    def note_order(self, fleet: RepoName, node: NodeName, number: DeploymentId, *, now: int) -> None:
        """Note that `node` was given an order, whose deployment GitHub may not list yet."""
        row = {"fleet": fleet.lower(), "number": number, "node": node, "made_at": now}
        old = sa.delete(ORDERS_MADE).where(ORDERS_MADE.c.made_at < now - LISTED_AFTER)

        def write(connection: sa.Connection) -> None:
            connection.execute(old)
            connection.execute(sa.insert(ORDERS_MADE), row)

        self._store.write(write)

    def forget_order(self, fleet: RepoName, number: DeploymentId) -> None:
        """Its deployment was deleted: no list will show it."""
        gone = sa.delete(ORDERS_MADE).where(ORDERS_MADE.c.fleet == fleet.lower(), ORDERS_MADE.c.number == number)
        self._store.write(lambda connection: connection.execute(gone))

    def find_new_orders(self, fleet: RepoName, node: NodeName, *, now: int) -> tuple[DeploymentId, ...]:
        """The orders that `node` was given a short while ago, newest first."""
        query = (
            sa.select(ORDERS_MADE.c.number)
            .where(ORDERS_MADE.c.fleet == fleet.lower(), ORDERS_MADE.c.node == node)
            .where(ORDERS_MADE.c.made_at >= now - LISTED_AFTER)
            .order_by(ORDERS_MADE.c.number.desc())
        )
        with self._store.reading() as connection:
            return tuple(DeploymentId(number) for number in connection.execute(query).scalars())

    def keep_start(
        self, fleet: RepoName, node: NodeName, base: BranchName, submodule: SubmodulePath, commit: CommitSha
    ) -> CommitSha:
        """What `node` is taken to run until an order for all of its stacks succeeds: `commit`, unless one is kept."""
        key = {"fleet": fleet.lower(), "node": node, "base": base, "submodule": submodule}
        table = NODE_STARTS.c
        query = sa.select(table.commit_sha).where(
            table.fleet == key["fleet"], table.node == node, table.base == base, table.submodule == submodule
        )
        with self._store.reading() as connection:
            kept = connection.execute(query).scalar()
        if kept is None:
            self._store.write(lambda connection: connection.execute(_KEEP_START, {**key, "commit_sha": commit}))
        return CommitSha(kept or commit)

    def find_result(self, fleet: RepoName, number: DeploymentId) -> Report | None:
        """What a node reported of an order, as it was read once: it does not change."""
        query = sa.select(RESULTS.c.report).where(RESULTS.c.fleet == fleet.lower(), RESULTS.c.number == number)
        with self._store.reading() as connection:
            text = connection.execute(query).scalar()
        return None if text is None else msgspec.json.decode(text, type=Report)

    def save_result(self, fleet: RepoName, node: NodeName, report: Report, *, log: str = "") -> bool:
        """Keep it, with the end of the deploy's `log`; True once, so that it is counted once.

        False, too, for an order that is older than the node's `KEPT` newest: what was reported of those was counted,
        and is forgotten.
        """
        about = {"fleet": fleet.lower(), "node": node, "number": report.number}
        row = {**about, "report": msgspec.json.encode(report).decode(), "kept": KEPT}
        words = hide_secrets(log)[-LONGEST_LOG:]

        def write(connection: sa.Connection) -> bool:
            if is_version(report.compose):
                connection.execute(_SAVE_VERSION, {**about, "compose": report.compose})
            if read_engine(report.engine):
                connection.execute(_SAVE_ENGINE, {**about, "engine": report.engine})
            is_new = connection.execute(_SAVE_RESULT, row).rowcount > 0
            if is_new and words:
                connection.execute(_KEEP_LOG, {**about, "log": words})
            return is_new

        return self._store.write(write)

    def find_versions(self, fleet: RepoName) -> dict[NodeName, NodeVersions]:
        """The versions of compose and of the engine that each node of `fleet` reported last."""
        composes, engines = (
            sa.select(table.c.node, value).where(table.c.fleet == fleet.lower())
            for table, value in ((NODE_VERSIONS, NODE_VERSIONS.c.compose), (NODE_ENGINES, NODE_ENGINES.c.engine))
        )
        with self._store.reading() as connection:
            found = [connection.execute(query).fetchall() for query in (composes, engines)]
        compose, engine = ({str(node): str(version) for node, version in rows} for rows in found)
        return {NodeName(n): NodeVersions(compose.get(n, ""), engine.get(n, "")) for n in sorted({*compose, *engine})}

    def all_compose_versions(self) -> tuple[str, ...]:
        """Every version of compose that any node reported last."""
        query = sa.select(NODE_VERSIONS.c.compose).distinct().order_by(NODE_VERSIONS.c.compose)
        with self._store.reading() as connection:
            return tuple(connection.execute(query).scalars())
