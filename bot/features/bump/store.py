"""Store plans, for their pages and for the commands that refer to them."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa

from bot.domain.names import BranchName, CommitSha, PlanId, PullNumber, RepoName
from bot.plan.model import Plan
from bot.storage.store import DAY_MS, Store, now_ms, read_note, write_note

TABLES = sa.MetaData()
PLANS = sa.Table(
    "plans",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("fleet", sa.Text),
    sa.Column("plan", sa.Text, nullable=False),  # bot.plan.model.Plan as JSON
    sa.Column("made_at", sa.BigInteger, nullable=False),
)
POSTED_PLANS = sa.Table(
    "posted_plans",
    TABLES,
    sa.Column("repo", sa.Text, primary_key=True),  # lower case
    sa.Column("pull", sa.BigInteger, primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
)
HEADS_KEPT = 20  # of our own commits, per branch
SHORTEST_DAYS = 90  # pull requests link to plans for longer than their deliveries are kept
_DELETE = sa.text("DELETE FROM plans WHERE id IN (SELECT id FROM plans WHERE made_at < :before LIMIT :most)")
_SAVE = sa.text(
    "INSERT INTO plans (id, fleet, plan, made_at) VALUES (:id, :fleet, :plan, :made_at) ON CONFLICT (id) DO NOTHING"
)
_POST = sa.text(
    "INSERT INTO posted_plans (repo, pull, plan) VALUES (:repo, :pull, :plan) "
    "ON CONFLICT (repo, pull) DO UPDATE SET plan = excluded.plan"
)


def _note_of(fleet: RepoName, branch: BranchName) -> str:
    return f"pushed {fleet.lower()} {branch}"


def _read_pushed(connection: sa.Connection, fleet: RepoName, branch: BranchName) -> list[str]:
    return read_note(connection, _note_of(fleet, branch)).split()


class PlanStore:
    """Plans by their id, which of them each pull request shows, and the commits that we pushed for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, plan: Plan) -> None:
        """Keep `plan`; the same id again changes nothing (an id covers the content)."""
        row = {"id": plan.id, "fleet": plan.fleet, "plan": msgspec.json.encode(plan).decode(), "made_at": now_ms()}
        self._store.write(lambda connection: connection.execute(_SAVE, row))

    def find(self, plan_id: PlanId) -> Plan | None:
        """The plan with this id, or None."""
        with self._store.reading() as connection:
            text = connection.execute(sa.select(PLANS.c.plan).where(PLANS.c.id == plan_id)).scalar()
        return None if text is None else msgspec.json.decode(text, type=Plan)

    def mark_posted(self, repo: RepoName, pull: PullNumber, plan: PlanId) -> None:
        """From now on this is the plan that the pull request shows."""
        row = {"repo": repo.lower(), "pull": pull, "plan": plan}
        self._store.write(lambda connection: connection.execute(_POST, row))

    def find_posted(self, repo: RepoName, pull: PullNumber) -> PlanId | None:
        """The plan that the pull request shows now."""
        query = sa.select(POSTED_PLANS.c.plan).where(POSTED_PLANS.c.repo == repo.lower(), POSTED_PLANS.c.pull == pull)
        with self._store.reading() as connection:
            found = connection.execute(query).scalar()
        return PlanId(found) if found else None

    def find_all_posted(self, repo: RepoName, pulls: Collection[PullNumber]) -> dict[PullNumber, PlanId]:
        """The plans that these pull requests show now; those that show none are left out."""
        own = (POSTED_PLANS.c.repo == repo.lower(), POSTED_PLANS.c.pull.in_(list(pulls)))
        query = sa.select(POSTED_PLANS.c.pull, POSTED_PLANS.c.plan).join(PLANS, PLANS.c.id == POSTED_PLANS.c.plan)
        with self._store.reading() as connection:
            rows = connection.execute(query.where(*own)).all()
        return {PullNumber(pull): PlanId(plan) for pull, plan in rows}

    def find_pulls(self, repo: RepoName, plan: PlanId) -> frozenset[PullNumber]:
        """The pull requests that show this plan, or did last."""
        query = sa.select(POSTED_PLANS.c.pull).where(POSTED_PLANS.c.repo == repo.lower(), POSTED_PLANS.c.plan == plan)
        with self._store.reading() as connection:
            return frozenset(PullNumber(pull) for pull in connection.execute(query).scalars())

    def note_pushed(self, fleet: RepoName, branch: BranchName, head: CommitSha, *, pin: CommitSha) -> None:
        """Remember, before it is pushed, that `head` is a commit of ours for `branch`, which pins `pin`."""

        def note(connection: sa.Connection) -> None:
            known = [head, pin, *_read_pushed(connection, fleet, branch)]
            write_note(connection, _note_of(fleet, branch), " ".join(known[: 2 * HEADS_KEPT]))

        self._store.write(note)

    def find_pushed(self, fleet: RepoName, branch: BranchName) -> dict[CommitSha, CommitSha]:
        """The newest commits that we pushed to `branch`, each with the pin that it has; empty for none."""
        with self._store.reading() as connection:
            words = _read_pushed(connection, fleet, branch)
        return {CommitSha(head): CommitSha(pin) for head, pin in zip(words[::2], words[1::2], strict=True)}

    def delete_old(self, *, days: int) -> int:
        """Delete plans made over `days` days ago; how many."""
        return self._store.delete_rows(_DELETE, now_ms() - max(days, SHORTEST_DAYS) * DAY_MS)
