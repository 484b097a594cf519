"""How each fleet stood when it was looked at last. GitHub knows it too; here it is at hand for pages and meters."""

from __future__ import annotations

import hashlib
import hmac

import msgspec
import sqlalchemy as sa

from bot.domain.names import BranchName, CommitSha, DeploymentId, NodeName, PullNumber, RepoName, SubmodulePath
from bot.domain.values import StoredValue
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.tables import FLEET_STATES, RESULTS
from bot.protocol.report import Report
from bot.storage.store import Store

_SAVE = sa.text(
    "INSERT INTO fleet_states (page, base, submodule, fleet, state) "
    "VALUES (:page, :base, :submodule, :fleet, :state) "
    "ON CONFLICT (page, base, submodule) DO UPDATE SET state = excluded.state, fleet = excluded.fleet"
)
_SAVE_RESULT = sa.text(
    "INSERT INTO order_results (fleet, number, report) VALUES (:fleet, :number, :report) "
    "ON CONFLICT (fleet, number) DO NOTHING"
)


class NodeNow(StoredValue, frozen=True):
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


class Standings(StoredValue, frozen=True):
    """One submodule of one base branch of a fleet."""

    fleet: RepoName
    base: BranchName
    submodule: SubmodulePath
    commit: CommitSha  # what was merged last
    pin: CommitSha
    pull: PullNumber | None
    reason: RolloutReason
    looked_at: int
    nodes: tuple[NodeNow, ...]


class Fleets:
    """What is known of all fleets, in the bot's database."""

    def __init__(self, store: Store, *, page_key: bytes) -> None:
        """`page_key` makes the addresses of pages, which whoever sees a fleet's pull requests is given."""
        self._store = store
        self._page_key = page_key

    def page_of(self, fleet: RepoName) -> str:
        """The unguessable part of the address of the fleet's page."""
        return hmac.new(self._page_key, b"fleet page " + fleet.lower().encode(), hashlib.sha256).hexdigest()[:32]

    def save(self, standings: Standings) -> None:
        """This is how it stands now."""
        row = {
            "page": self.page_of(standings.fleet),
            "base": standings.base,
            "submodule": standings.submodule,
            "fleet": standings.fleet,
            "state": msgspec.json.encode(standings).decode(),
        }
        self._store.write(lambda connection: connection.execute(_SAVE, row))

    def find(self, page: str) -> tuple[Standings, ...]:
        """Everything of the fleet whose page this is, by base and submodule."""
        query = (
            sa.select(FLEET_STATES.c.state)
            .where(FLEET_STATES.c.page == page)
            .order_by(FLEET_STATES.c.base, FLEET_STATES.c.submodule)
        )
        with self._store.reading() as connection:
            texts = connection.execute(query).scalars().all()
        return tuple(msgspec.json.decode(text, type=Standings) for text in texts)

    def find_result(self, fleet: RepoName, number: DeploymentId) -> Report | None:
        """What a node reported of an order, as it was read once: it does not change."""
        query = sa.select(RESULTS.c.report).where(RESULTS.c.fleet == fleet.lower(), RESULTS.c.number == number)
        with self._store.reading() as connection:
            text = connection.execute(query).scalar()
        return None if text is None else msgspec.json.decode(text, type=Report)

    def save_result(self, fleet: RepoName, report: Report) -> bool:
        """Keep it; False when it was kept before, so that it is counted once."""
        row = {"fleet": fleet.lower(), "number": report.number, "report": msgspec.json.encode(report).decode()}
        return self._store.write(lambda connection: connection.execute(_SAVE_RESULT, row).rowcount > 0)
