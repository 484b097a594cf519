"""The durable queue, on SQLite and on PostgreSQL: nothing lost, nothing twice, in order."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import BranchName, DeliveryId, InstallationId, RepoName
from bot.features.fleets.jobs import SyncFleet, SyncInstallation
from bot.features.rollout.jobs import SyncRollout
from bot.observability.log import register_secret
from bot.queue import lanes, replicas, turns
from bot.queue.inbox import Inbox, RetryPolicy, Stored
from bot.queue.lanes import Burst, Claimed, Delivery, Wake
from bot.queue.tables import DELIVERIES, DRAINS, JOBS
from bot.queue.timetable import Schedule
from bot.queue.turns import Drain, OpenLane
from bot.service.database import open_store
from bot.service.router import AnyJob
from bot.storage.store import Store
from tests.integration.postgres import make_database, postgres_server
from tests.queueing import delivery, handler, queued

QUICK = RetryPolicy(
    burst=Burst(quiet=300, longest=10_000), tries_after=(0.05, 0.05), crashes=3, sweep=0.5, beat=0.2, dead_after=2.0
)
PATIENT = replace(QUICK, dead_after=120.0)  # where replicas must not take each other for dead on a loaded machine


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/aios-bot.sqlite3"
    else:
        url = make_database(request.getfixturevalue("postgres"), f"t{uuid.uuid4().hex}")
    opened = open_store(url)
    yield opened
    opened.close()


class Work:
    """A handler that notes what it ran, and does what a test says in between."""

    def __init__(self, act: Callable[[AnyJob], None] = lambda _job: None) -> None:
        self.act = act
        self.ran: list[AnyJob] = []
        self.now: dict[str, int] = {}
        self.overlaps = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def __call__(self, job: AnyJob) -> None:
        with self._lock:
            self.now[job.key] = self.now.get(job.key, 0) + 1
            self.overlaps += self.now[job.key] > 1
            self.most_at_once = max(self.most_at_once, sum(self.now.values()))
        try:
            self.act(job)
        finally:
            with self._lock:
                self.now[job.key] -= 1
                self.ran.append(job)


@pytest.fixture
def start(store: Store) -> Iterator[Callable[..., Inbox]]:
    """Starts an inbox on the store; stops whatever the test left running."""
    running: list[Inbox] = []

    def start_one(
        work: Callable[[AnyJob], None],
        *,
        workers: int = 4,
        schedule: Schedule | None = None,
        policy: RetryPolicy = QUICK,
    ) -> Inbox:
        inbox = Inbox(store, workers=workers, policy=policy)
        inbox.start(handler(work), schedules={"test": schedule} if schedule else None)
        running.append(inbox)
        return inbox

    yield start_one
    for inbox in running:
        if inbox.is_alive():
            inbox.stop()


def void(_value: object) -> None:
    """For lambdas that wait."""


def fleet(name: str = "aios-win") -> SyncFleet:
    return SyncFleet(fleet=RepoName(f"acme/{name}"), installation=InstallationId(7))


def rollout(number: int, name: str = "aios-win") -> SyncRollout:
    return SyncRollout(
        fleet=RepoName(f"acme/{name}"), installation=InstallationId(7), base=BranchName(f"release-{number}")
    )


def claim(store: Store, wake: Wake, run: str, *, replica: str = "local") -> Claimed | Wake | None:
    """Claim as the drain of the lane's turn by `replica` does."""
    return lanes.claim(store, Drain(wake.key, wake.turn, replica), run, QUICK.burst)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def states(store: Store) -> dict[str, tuple[str, str]]:
    with store.reading() as connection:
        rows = connection.execute(sa.select(DELIVERIES.c.guid, DELIVERIES.c.state, DELIVERIES.c.reason))
        return {guid: (state, reason) for guid, state, reason in rows}


def test_a_delivery_is_run_and_done(store: Store, start: Callable[..., Inbox]) -> None:
    work = Work()
    inbox = start(work)
    one = delivery(fleet(), rollout(3))
    assert inbox.store_delivery(one) is Stored.NEW
    assert inbox.wait_until_idle(10)
    assert work.ran == [fleet(), rollout(3)]
    assert states(store) == {one.guid: ("done", "")}


def test_a_look_starts_soon_after_its_delivery(start: Callable[..., Inbox]) -> None:
    started = threading.Event()
    inbox = start(lambda _job: started.set())
    waits = []
    for number in range(10):
        started.clear()
        inbox.store_delivery(delivery(fleet(f"fleet-{number}")))
        at = time.perf_counter()
        assert started.wait(5)
        waits.append(time.perf_counter() - at)
        time.sleep(0.05)
    assert sorted(waits)[5] < 0.1, waits  # idles at one poll a second; a polled queue would need half of that


def test_the_same_delivery_runs_once(store: Store, start: Callable[..., Inbox]) -> None:
    work = Work()
    inbox = start(work)
    same = delivery(fleet())
    answers: list[Stored] = []
    threads = [threading.Thread(target=lambda: answers.append(inbox.store_delivery(same))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [Stored.DUPLICATE] * 9 + [Stored.NEW]
    assert inbox.wait_until_idle(10)
    assert inbox.store_delivery(same) is Stored.DUPLICATE
    time.sleep(0.5)
    assert work.ran == [fleet()]


def test_what_leads_to_nothing_is_kept_with_its_reason(store: Store, start: Callable[..., Inbox]) -> None:
    inbox = start(Work())
    inbox.store_delivery(
        Delivery(guid=DeliveryId("a"), name="star", event="{}", ignored="unknown_event: star\0.created")
    )
    inbox.store_delivery(Delivery(guid=DeliveryId("b"), name="ping", event="{}"))
    inbox.store_delivery(delivery(guid="c"))
    assert states(store) == {
        "a": ("ignored", "unknown_event: star\\0.created"),
        "b": ("done", ""),
        "c": ("ignored", "no_fleet_concerned"),
    }


def test_one_lane_is_in_order_and_never_overlaps(store: Store, start: Callable[..., Inbox]) -> None:
    work = Work(lambda _job: time.sleep(0.002))
    inbox = start(work, workers=8)
    threads = []
    for name in ("a", "b", "c"):

        def send(name: str = name) -> None:
            for number in range(1, 41):
                inbox.store_delivery(delivery(rollout(number, name)))

        threads.append(threading.Thread(target=send))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inbox.wait_until_idle(60)
    assert work.overlaps == 0
    for name in ("a", "b", "c"):
        assert [job for job in work.ran if job.key == f"acme/{name}"] == [rollout(n, name) for n in range(1, 41)]
    assert {state for state, _ in states(store).values()} == {"done"}


def test_different_lanes_run_side_by_side(start: Callable[..., Inbox]) -> None:
    together = threading.Barrier(4)
    work = Work(lambda _job: void(together.wait(10)))
    inbox = start(work, workers=4)
    inbox.add_jobs(queued(*(fleet(name) for name in "abcd")))
    assert inbox.wait_until_idle(20)
    assert work.most_at_once == 4


def test_a_burst_collapses_into_two_runs(store: Store, start: Callable[..., Inbox]) -> None:
    work = Work()
    inbox = start(work, policy=replace(QUICK, burst=Burst(quiet=3_000, longest=60_000)))  # on a loaded machine
    for _ in range(300):
        inbox.store_delivery(delivery(fleet()))
    assert inbox.wait_until_idle(90)
    assert len(work.ran) == 2  # the first at once, and one for all that came after
    assert len(states(store)) == 300
    assert {state for state, _ in states(store).values()} == {"done"}


def test_told_to_wait_it_waits_and_holds_nobody_up(store: Store, start: Callable[..., Inbox]) -> None:
    told: list[float] = []

    def act(job: AnyJob) -> None:
        if job == fleet() and not told:
            told.append(time.monotonic())
            raise RetryLater("GitHub asks us to wait", seconds=1.5)

    work = Work(act)
    inbox = start(work, workers=1)
    inbox.store_delivery(delivery(fleet()))
    inbox.store_delivery(delivery(rollout(1)))
    assert inbox.wait_until_idle(5)
    assert work.ran == [fleet(), rollout(1)], "another job of the lane goes on meanwhile"
    inbox.store_delivery(delivery(fleet()))
    assert inbox.wait_until_idle(1.2)
    assert work.ran[2:] == [], "the same again waits too, as told"
    deadline = time.monotonic() + 10
    while len(work.ran) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert time.monotonic() - told[0] >= 1.5
    assert inbox.wait_until_idle(5)
    assert work.ran[2:] == [fleet()]
    assert {state for state, _ in states(store).values()} == {"done"}


def test_a_long_wait_holds_no_thread(store: Store, start: Callable[..., Inbox]) -> None:
    told: list[float] = []

    def act(_job: AnyJob) -> None:
        if not told:
            told.append(time.monotonic())
            raise RetryLater("limit", seconds=5.5)

    work = Work(act)
    inbox = start(work)
    inbox.store_delivery(delivery(fleet()))
    deadline = time.monotonic() + 20
    while len(work.ran) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(work.ran) == 2
    assert time.monotonic() - told[0] >= 5.5


def test_failures_are_tried_again_and_then_told(store: Store, start: Callable[..., Inbox]) -> None:
    register_secret("hunter2hunter2")

    def act(job: AnyJob) -> None:
        if job == fleet():
            raise BotError("no way in with hunter2hunter2")

    work = Work(act)
    inbox = start(work)
    bad, good = delivery(fleet()), delivery(rollout(1))
    inbox.store_delivery(bad)
    inbox.store_delivery(good)
    deadline = time.monotonic() + 10
    while states(store)[bad.guid][0] == "received" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert states(store) == {bad.guid: ("failed", "no way in with ***"), good.guid: ("done", "")}
    assert work.ran.count(fleet()) == 3


def test_a_delivery_with_jobs_in_two_lanes_is_done_with_the_last(store: Store, start: Callable[..., Inbox]) -> None:
    go = threading.Event()
    work = Work(lambda job: void(job.key == "acme/slow" and go.wait(10)))
    inbox = start(work)
    both = delivery(fleet("quick"), fleet("slow"), SyncInstallation(installation=InstallationId(7)))
    inbox.store_delivery(both)
    deadline = time.monotonic() + 5
    while len(work.ran) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert states(store)[both.guid][0] == "received"
    go.set()
    assert inbox.wait_until_idle(10)
    assert states(store)[both.guid][0] == "done"


def test_what_is_left_at_a_stop_runs_after_the_next_start(store: Store, start: Callable[..., Inbox]) -> None:
    entered = threading.Event()

    def act(_job: AnyJob) -> None:
        entered.set()
        time.sleep(0.5)

    work = Work(act)
    inbox = start(work, workers=1)
    inbox.add_jobs(queued(rollout(1), rollout(2), rollout(3), fleet("other")))
    assert entered.wait(5)
    before = time.monotonic()
    assert inbox.stop()
    assert time.monotonic() - before < 5
    assert work.ran == [rollout(1)], "the one in flight ends, no other begins"
    again = Work()
    assert start(again).wait_until_idle(10)
    assert sorted(again.ran, key=str) == sorted([rollout(2), rollout(3), fleet("other")], key=str)


def test_a_stop_does_not_wait_for_ever(store: Store, start: Callable[..., Inbox]) -> None:
    go, entered = threading.Event(), threading.Event()

    def act(_job: AnyJob) -> None:
        entered.set()
        go.wait(30)

    inbox = start(act)
    inbox.add_jobs(queued(fleet()))
    assert entered.wait(5)
    before = time.monotonic()
    assert not inbox.stop(timeout=2)
    assert time.monotonic() - before < 4
    go.set()


def test_the_sweep_finds_what_nobody_was_woken_for(store: Store, start: Callable[..., Inbox]) -> None:
    work = Work()
    inbox = start(work)
    lanes.store_delivery(store, delivery(fleet()), QUICK.burst)  # as when the process died before it woke the lane
    assert inbox.wait_until_idle(10)
    assert work.ran == [fleet()]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_replica_is_known_before_it_runs_anything(store: Store, start: Callable[..., Inbox]) -> None:
    lanes.add_jobs(store, queued(fleet()), QUICK.burst)
    known: list[bool] = []

    def act(_job: AnyJob) -> None:
        with store.reading() as connection:
            (runner,) = connection.execute(sa.select(DRAINS.c.replica)).scalars()
        known.append(runner in replicas.living(store))

    assert start(act).wait_until_idle(10)
    assert known == [True]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_the_sweep_leaves_what_a_new_replica_has_begun(
    store: Store, start: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work()
    inbox = start(work, policy=replace(QUICK, sweep=600.0, beat=600.0))
    (wake,) = lanes.add_jobs(store, queued(fleet()), QUICK.burst)
    really = turns.open_lanes

    def found(store: Store, *, beside_dbos: bool) -> tuple[OpenLane, ...]:
        """The lane, which another replica has begun meanwhile."""
        replicas.sign_on(store, "new", dead_after=600.0)
        claim(store, wake, "of the new replica", replica="new")
        return really(store, beside_dbos=beside_dbos)

    monkeypatch.setattr(turns, "open_lanes", found)
    inbox._sweep()
    (lane,) = really(store)
    assert (lane.key, lane.turn, lane.replica) == (wake.key, wake.turn, "new")
    assert work.ran == []


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_what_a_replica_that_is_gone_was_running_runs_again(store: Store, start: Callable[..., Inbox]) -> None:
    work = Work()
    start(work, policy=PATIENT)
    replicas.sign_on(store, "gone", dead_after=600.0)
    (wake,) = lanes.add_jobs(store, queued(fleet()), QUICK.burst)
    assert isinstance(claim(store, wake, "of the replica that is gone", replica="gone"), Claimed)
    time.sleep(1.2)  # two sweeps
    assert work.ran == [], "it is alive"
    replicas.sign_off(store, "gone")
    deadline = time.monotonic() + 10
    while not work.ran and time.monotonic() < deadline:
        time.sleep(0.05)
    assert work.ran == [fleet()]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_replicas_share_lanes_and_never_overlap_in_one(store: Store, start: Callable[..., Inbox]) -> None:
    work = Work(lambda _job: time.sleep(0.002))
    several = [start(work, policy=PATIENT) for _ in range(3)]
    for number in range(1, 31):
        for name in "ab":
            several[number % 3].store_delivery(delivery(rollout(number, name)))
    assert several[0].wait_until_idle(60)
    assert work.overlaps == 0
    for name in "ab":
        assert [job for job in work.ran if job.key == f"acme/{name}"] == [rollout(n, name) for n in range(1, 31)]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_replica_that_stops_ends_no_turn_of_another(store: Store, start: Callable[..., Inbox]) -> None:
    shared, other = rollout(1, "shared"), rollout(1, "other")
    go, go_other = threading.Event(), threading.Event()
    first, second = Work(lambda _job: void(go.wait(20))), Work(lambda _job: void(go_other.wait(20)))
    runs_it = start(first, workers=1, policy=PATIENT)
    runs_it.add_jobs(queued(shared))
    wait_for(lambda: first.now.get(shared.key) == 1)
    stops = start(second, workers=1, policy=PATIENT)
    stops.add_jobs(queued(other))
    wait_for(lambda: second.now.get(other.key) == 1)
    stops.add_jobs(queued(rollout(2, "shared")))  # waits for the one thread that there is
    wait_for(lambda: (shared.key, 1) in stops._active)
    stops.begin_stop()
    go_other.set()
    assert stops.stop()
    (lane,) = [lane for lane in turns.open_lanes(store) if lane.key == shared.key]
    assert (lane.turn, lane.replica) == (1, runs_it._replica)
    go.set()
    assert runs_it.wait_until_idle(10)
    assert first.ran == [shared, rollout(2, "shared")]


def test_a_lane_goes_on_after_the_database_failed(
    store: Store, start: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError("the connection is gone")])
    really = lanes.finish

    def fail_once(store: Store, run: str, *, error: str = "") -> bool:
        for failure in failures:
            raise failure
        return really(store, run, error=error)

    monkeypatch.setattr(lanes, "finish", fail_once)
    work = Work()
    inbox = start(work, policy=replace(QUICK, sweep=600.0))
    one = delivery(fleet())
    inbox.store_delivery(one)
    deadline = time.monotonic() + 10
    while states(store)[one.guid][0] != "done" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert states(store)[one.guid] == ("done", "")
    assert work.ran == [fleet(), fleet()]


def test_nothing_is_kept_of_drains_that_ended(store: Store, start: Callable[..., Inbox]) -> None:
    inbox = start(Work())
    inbox.add_jobs(queued(*(fleet(str(number)) for number in range(5))))
    assert inbox.wait_until_idle(10)
    with store.reading() as connection:
        assert connection.execute(sa.select(DRAINS)).all() == []


def test_a_look_that_was_cut_off_runs_again(store: Store, start: Callable[..., Inbox]) -> None:
    (wake,) = lanes.add_jobs(store, queued(fleet()), QUICK.burst)
    assert isinstance(claim(store, wake, "dead"), Claimed)
    work = Work()
    assert start(work).wait_until_idle(10)
    assert work.ran == [fleet()]


def test_a_look_that_always_kills_us_is_given_up(store: Store, start: Callable[..., Inbox]) -> None:
    poison = delivery(fleet())
    wakes = lanes.store_delivery(store, poison, QUICK.burst)
    assert wakes is not None
    for attempt in range(3):
        claim(store, wakes[0], f"dead {attempt}")
    work = Work()
    assert start(work).wait_until_idle(10)
    assert work.ran == []
    assert states(store)[poison.guid][0] == "failed"


def test_a_claim_that_was_taken_over_settles_nothing(store: Store) -> None:
    (wake,) = lanes.add_jobs(store, queued(fleet()), QUICK.burst)
    claim(store, wake, "paused")
    claim(store, wake, "successor")
    assert not lanes.finish(store, "paused")
    assert not lanes.hold(store, "paused", seconds=1, because="", forget_attempts=False)
    assert lanes.finish(store, "successor")
    assert claim(store, wake, "late") is None
    assert claim(store, wake, "too late") is None, "the turn is over"


def test_a_job_of_a_newer_version_waits_for_it_and_holds_nobody_up(store: Store, start: Callable[..., Inbox]) -> None:
    lanes.add_jobs(store, queued(fleet()), QUICK.burst)
    store.write(lambda connection: connection.execute(sa.update(JOBS).values(look='{"type":"moon"}')))
    work = Work()
    inbox = start(work)
    inbox.add_jobs(queued(rollout(1)))
    assert inbox.wait_until_idle(10)
    assert work.ran == [rollout(1)]
    columns = (JOBS.c.state, JOBS.c.attempts, JOBS.c.error)
    with store.reading() as connection:
        found = connection.execute(sa.select(*columns).where(JOBS.c.look == '{"type":"moon"}')).one()
    assert (found.state, found.attempts) == ("held", 0)
    assert "this version cannot read the job moon" in found.error
    assert "a newer replica may" in found.error


def test_a_schedule_runs(start: Callable[..., Inbox]) -> None:
    ticked = threading.Event()
    start(Work(), schedule=Schedule(1, ticked.set))
    assert ticked.wait(15)
