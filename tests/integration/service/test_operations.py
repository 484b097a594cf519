"""The operator's commands on real databases: the queue mended, the memory taken along, the old forgotten."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from bot.cli.main import aios_bot
from bot.domain.errors import BotError
from bot.domain.names import BranchName, CommitSha, DeliveryId, InstallationId, PlanId, RepoName, SubmodulePath
from bot.features.bump.store import PLANS, PlanStore
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import SyncFleet
from bot.features.fleets.store import PinStore
from bot.plan.model import Plan
from bot.queue import lanes
from bot.queue.admin import delete_finished
from bot.queue.inbox import Inbox, RetryPolicy
from bot.queue.lanes import Burst, Delivery
from bot.queue.tables import DELIVERIES, JOBS
from bot.service.database import open_store
from bot.service.router import AnyJob
from bot.storage.migrations import StoreError, migrate
from bot.storage.store import Store, now_ms
from tests.integration.postgres import make_database, postgres_server
from tests.queueing import delivery, handler

QUICK = RetryPolicy(burst=Burst(quiet=50, longest=500), tries_after=(), sweep=0.2)
BAD, GOOD, OTHER = "11110000-0000-4000-8000-000000000000", "22220000-0000-4000-8000-000000000000", "3333"


def job(name: str) -> SyncFleet:
    return SyncFleet(fleet=RepoName(f"acme/{name}"), installation=InstallationId(7))


class Desk:
    """The commands, run in an environment of their own."""

    def __init__(self, data: Path, database: str = "") -> None:
        self.data = data
        self.environment = {"AIOS_BOT_DATA": str(data), "AIOS_BOT_DATABASE_URL": database}

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(aios_bot, arguments, env=self.environment)

    def say(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "data")


def open_database(desk: Desk) -> Store:
    desk.data.mkdir(exist_ok=True)
    return open_store(f"sqlite:///{desk.data}/aios-bot.sqlite3")


def test_what_failed_is_seen_and_tried_again(desk: Desk) -> None:
    broken = {"acme/bad"}

    def work(one: AnyJob) -> None:
        if one.key in broken:
            raise BotError("the world is not ready")

    store = open_database(desk)
    inbox = Inbox(store, policy=QUICK)
    inbox.start(handler(work))
    inbox.store_delivery(delivery(job("bad"), job("good"), guid=BAD))
    inbox.store_delivery(delivery(job("good"), guid=GOOD))
    inbox.store_delivery(Delivery(guid=DeliveryId(OTHER), name="star", event="{}", ignored="unknown_event"))
    assert inbox.wait_until_idle(30)
    lines = desk.say("inbox", "list").splitlines()
    assert [line.split()[2:4] for line in lines] == [[OTHER, "ignored"], [GOOD, "done"], [BAD, "failed"]]
    assert desk.say("inbox", "list", "--state", "failed").count("\n") == 1
    shown = json.loads(desk.say("inbox", "show", "1111", "--json"))
    assert (shown["state"], shown["reason"]) == ("failed", "the world is not ready")
    assert [one["state"] for one in shown["looks"]] == ["failed", "done"]
    assert "the world is not ready" in desk.say("inbox", "show", BAD)

    broken.clear()
    assert "1 to run again" in desk.say("inbox", "retry", "1111")
    assert inbox.wait_until_idle(30)
    assert desk.say("inbox", "list", "--state", "failed") == ""
    inbox.stop()
    store.close()


def test_what_waits_is_cancelled_and_may_be_asked_for_again(desk: Desk) -> None:
    store = open_database(desk)
    lanes.store_delivery(store, delivery(job("a"), job("b"), guid=BAD), Burst())
    assert "2 cancelled" in desk.say("inbox", "cancel", BAD)
    assert "cancelled" in desk.say("inbox", "list")
    ran: list[AnyJob] = []
    inbox = Inbox(store, policy=QUICK)
    inbox.start(handler(ran.append))
    assert inbox.wait_until_idle(30)
    assert ran == []
    assert "2 to run again" in desk.say("inbox", "retry", BAD)
    assert inbox.wait_until_idle(30)
    assert sorted(one.key for one in ran) == ["acme/a", "acme/b"]
    inbox.stop()
    store.close()


def test_a_guid_must_mean_one_delivery(desk: Desk) -> None:
    store = open_database(desk)
    for guid in ("aaaa1", "aaaa2"):
        lanes.store_delivery(store, delivery(guid=guid), Burst())
    store.close()
    for guid, words in (("aaaa", "several"), ("bbbb", "no delivery"), ("a", "at least"), ("%%%%", "no delivery")):
        done = desk.run("inbox", "show", guid)
        assert isinstance(done.exception, BotError)
        assert words in str(done.exception)


def fill(store: Store) -> None:
    lanes.store_delivery(store, delivery(job("a"), guid=BAD), Burst())
    pin = Pinned(
        fleet=RepoName("acme/fleet"),
        installation=InstallationId(7),
        base=BranchName("main"),
        default_branch=BranchName("main"),
        submodule=SubmodulePath("server"),
        upstream=RepoName("acme/server"),
        tracked=BranchName("main"),
        waits_for_checks=False,
    )
    PinStore(store).replace_pins(pin.fleet, [pin])
    PlanStore(store).save(
        Plan(
            id=PlanId("0123456789ab"),
            fleet=None,
            submodule=SubmodulePath("server"),
            upstream=None,
            base=CommitSha("a" * 40),
            old=None,
            new=CommitSha("b" * 40),
            nodes=(),
        )
    )


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_is_restored_elsewhere_and_work_goes_on(desk: Desk, tmp_path: Path, target: str) -> None:
    store = open_database(desk)
    fill(store)
    (desk.data / "keys").mkdir()
    (desk.data / "keys/orders.pem").write_bytes(b"a key")
    file = tmp_path / "backup.tar.gz"
    assert "1 deliveries" in desk.say("backup", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert isinstance(desk.run("backup", str(file)).exception, BotError), "never over another one"
    with postgres_server() as server:
        url = make_database(server, "bot") if target == "postgresql" else ""
        other = Desk(tmp_path / "other", url)
        said = other.say("restore", str(file))
        assert "1 deliveries" in said
        assert "1 looks" in said
        assert (other.data / "keys/orders.pem").read_bytes() == b"a key"
        assert isinstance(other.run("restore", str(file)).exception, BotError), "never over a memory"
        moved = open_store(url) if url else open_database(other)
        assert PlanStore(moved).find(PlanId("0123456789ab")) == PlanStore(store).find(PlanId("0123456789ab"))
        assert PinStore(moved).pins_of(RepoName("acme/fleet")) == PinStore(store).pins_of(RepoName("acme/fleet"))
        ran: list[AnyJob] = []
        inbox = Inbox(moved, policy=QUICK)
        inbox.start(handler(ran.append))
        inbox.store_delivery(delivery(job("b"), guid=GOOD))
        assert inbox.wait_until_idle(60)
        inbox.stop()
        moved.close()
    assert sorted(one.key for one in ran) == ["acme/a", "acme/b"]
    store.close()


def test_what_is_no_backup_is_refused_whole(desk: Desk, tmp_path: Path) -> None:
    store = open_database(desk)
    fill(store)
    file = tmp_path / "backup.tar.gz"
    desk.say("backup", str(file))
    whole = file.read_bytes()
    store.close()
    for damaged in (b"", b"nonsense", whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        other = Desk(tmp_path / f"other-{len(damaged)}")
        assert isinstance(other.run("restore", str(file)).exception, BotError)
        empty = open_database(other)
        with empty.reading() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(DELIVERIES)).scalar() == 0
        empty.close()


def test_only_the_old_and_finished_is_forgotten(desk: Desk) -> None:
    store = open_database(desk)
    fill(store)
    for number in range(1200):
        lanes.store_delivery(
            store,
            delivery(job("old"), guid=f"old-{number:05}") if number % 2 else delivery(guid=f"o{number}"),
            Burst(),
        )
    long_ago = now_ms() - 40 * 86_400_000
    done = {"done_at": long_ago, "state": "done"}

    def age(connection: sa.Connection) -> None:
        connection.execute(sa.update(JOBS).where(JOBS.c.delivery.startswith("old-")).values(**done))
        connection.execute(sa.update(DELIVERIES).where(DELIVERIES.c.guid.startswith("o")).values(**done))
        connection.execute(sa.update(PLANS).values(made_at=long_ago))

    store.write(age)
    assert delete_finished(store, days=30) == (600, 1200)
    assert PlanStore(store).delete_old(days=30) == 0
    assert delete_finished(store, days=1) == (0, 0), "never what GitHub may still list"
    with store.reading() as connection:
        left = connection.execute(sa.select(DELIVERIES.c.guid)).scalars().all()
    assert left == [BAD], "what is not done stays, however old"
    store.close()


def test_an_older_database_is_brought_along_step_by_step_and_a_newer_one_refused(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/db")
    metadata = sa.MetaData()
    meta = sa.Table("meta", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text))
    sa.Table("things", metadata, sa.Column("id", sa.Integer, primary_key=True))
    taken: list[int] = []

    def add_colour(connection: sa.Connection) -> None:
        taken.append(2)
        connection.exec_driver_sql("ALTER TABLE things ADD COLUMN colour TEXT")

    def add_size(connection: sa.Connection) -> None:
        taken.append(3)
        connection.exec_driver_sql("ALTER TABLE things ADD COLUMN size INTEGER")

    def run(*steps: object) -> tuple[int, int]:
        with engine.begin() as connection:
            return migrate(connection, metadata.sorted_tables, meta, steps)  # type: ignore[arg-type]  # functions, as steps are

    assert run() == (0, 1)
    assert run(add_colour) == (1, 2)
    assert run(add_colour, add_size) == (2, 3)
    assert run(add_colour, add_size) == (3, 3)
    assert taken == [2, 3]
    assert {column["name"] for column in sa.inspect(engine).get_columns("things")} == {"id", "colour", "size"}
    with pytest.raises(StoreError, match="newer aios-bot"):
        run(add_colour)
    engine.dispose()
