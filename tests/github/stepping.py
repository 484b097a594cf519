"""The real service beside the embedded GitHub in one process, one job at a time, on a clock that a test moves.

Deliveries are handed to the service's own intake, and its worker runs every job: nothing of the bot is replaced but
the threads of its queue and the time.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bot.cli.serve import Service
from bot.domain.errors import RetryLater
from bot.domain.events import InstallationChanged
from bot.domain.names import DeliveryId, InstallationId, RepoName
from bot.features.fleets.jobs import Job, SyncAllInstallations
from bot.github.job_token import JobClient
from bot.github.webhook import Accepted
from bot.protocol.order import Order as SignedOrder
from bot.protocol.order import parse_order
from bot.protocol.outcome import Difference, DifferenceKind, OrderEnd, Outcome
from bot.protocol.report import render_report
from bot.queue.inbox import Stored
from bot.queue.lanes import Delivery, QueuedJob
from bot.service.database import open_store
from bot.service.intake import Intake
from bot.service.router import decode_job, route
from bot.settings.service import read_settings
from bot.settings.values import Credentials, Secret
from sandbox.app_records import Delivery as HubDelivery
from sandbox.github import EmbeddedGitHub
from sandbox.github import Job as RunnerJob
from sandbox.records import use_clock
from sandbox.world import FLEET, NODE, PERSON, SERVER, AiosWorld, build_world
from tests.acceptance.outside import HEADERS, Outside

INGRESS = "stacks/ingress/docker-compose.yml"
NOWHERE = "http://127.0.0.1:1/webhook"  # nothing listens there: deliveries are taken from GitHub's own list
MOST_JOBS = 200  # within one step; more are an endless loop
LONGEST_WAIT = 120.0  # seconds of a RetryLater that `settle` waits out

log = logging.getLogger(__name__)


class _Collector:
    """In the queue's place: keeps the jobs that deliveries called for. A guid counts once."""

    def __init__(self) -> None:
        self.jobs: list[QueuedJob] = []
        self.seen: set[str] = set()

    def store_delivery(self, delivery: Delivery) -> Stored:
        if delivery.guid in self.seen:
            return Stored.DUPLICATE
        self.seen.add(delivery.guid)
        self.jobs += delivery.jobs
        return Stored.NEW


class Held(NamedTuple):
    """A job and the earliest moment that it may run."""

    due: float
    job: Job


class Order(NamedTuple):
    """An order as the node's runner gets it."""

    job: RunnerJob
    order: dict[str, Any]


class Stepper:
    """The service, its world, and the jobs that wait."""

    def __init__(self, world: AiosWorld, start: Callable[[], Service], clock: Clock) -> None:
        self.world = world
        self.hub = world.hub
        self._start = start
        self.service = start()
        self.clock = clock
        self.outside = Outside(world)
        self.waiting: list[Held] = []
        self.failed: list[tuple[Job, Exception]] = []
        self.ran: list[Job] = []
        self._collector = _Collector()
        self._intake = self._connect()
        self._taken = 0

    def _connect(self) -> Intake:
        return Intake(self._collector, self.service.intake.pins, self.service.intake.plans)  # type: ignore[arg-type]  # only store_delivery is used

    def restart(self) -> None:
        """Start the service again on the same data: what it kept in memory is gone; the queue's jobs are not."""
        self.service = self._start()
        self._intake = self._connect()

    def begin(self) -> None:
        """Look around once, as at a start, and forget what that took."""
        self.look_around()
        self.hub.requests.clear()
        self.ran.clear()

    def look_around(self) -> None:
        """What the schedule does every six hours."""
        event = InstallationChanged(installation=InstallationId(self.world.installation), action="created")
        self._hold(route(event, self.service.intake.pins))
        self.settle()

    def look_around_everywhere(self) -> None:
        """What the schedule really does then: it begins with the list of installations."""
        self._hold([SyncAllInstallations()])
        self.settle()

    def receive_from_start(self) -> None:
        """Take in the list of deliveries again, after a test removed some: a guid counts once."""
        self._taken = 0
        self.settle()

    def receive(self) -> None:
        """Take in the deliveries that GitHub has made since."""
        deliveries = self.hub.deliveries
        while self._taken < len(deliveries):
            self._taken += 1
            self.deliver(deliveries[self._taken - 1])

    def deliver(self, one: HubDelivery) -> None:
        """Take in one delivery."""
        body = json.dumps(one.payload).encode()
        self._intake.receive(Accepted(guid=DeliveryId(one.guid), name=one.event, body=body))
        found, self._collector.jobs = self._collector.jobs, []
        self._hold(decode_job(one) for one in found)

    def redeliver(self, event: str, action: str) -> None:
        """Take in the newest delivery of `event` once more, as another one: GitHub sends some twice."""
        newest = next(one for one in reversed(self.hub.deliveries) if (one.event, one.action) == (event, action))
        self.deliver(replace(newest, guid=f"{newest.guid}-again"))
        self.settle()

    def settle(self) -> None:
        """Take in deliveries and run every job that is due now, until nothing is left to do at this moment."""
        for _ in range(MOST_JOBS):
            self.receive()
            due = [held for held in self.waiting if held.due <= self.clock.now]
            if not due:
                return
            self._run(min(due, key=lambda held: held.due))
        raise AssertionError(f"still at it after {MOST_JOBS} jobs: {[one.job for one in self.waiting]}")

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass: what falls due meanwhile runs at its time."""
        end = self.clock.now + seconds
        self.settle()
        while True:
            coming = [held.due for held in self.waiting if held.due <= end]
            if not coming:
                break
            self.clock.now = max(self.clock.now, min(coming))
            self.settle()
        self.clock.now = end
        self.settle()

    def _hold(self, jobs: Any, *, due: float = 0.0) -> None:
        known = {held.job for held in self.waiting}
        for job in jobs:
            if job not in known:
                self.waiting.append(Held(max(due, job.starts_at), job))

    def _run(self, held: Held) -> None:
        self.waiting.remove(held)
        self.ran.append(held.job)
        try:
            self._hold(self.service.worker.run(held.job))
        except RetryLater as later:
            self._hold([held.job], due=self.clock.now + max(0.001, later.seconds))
        except Exception as problem:  # noqa: BLE001 - the test looks at what failed
            log.info("%s failed: %s", held.job, problem)
            self.failed.append((held.job, problem))

    # -- what people and nodes do ---------------------------------------------------------------------------

    def push_upstream(self, old: str = "traefik:v3.1", new: str = "traefik:v3.2") -> str:
        """Change one image of the server; the pushed commit."""
        return str(self.world.edit(SERVER, INGRESS, old, new, f"{old} to {new}"))

    def bump(self, old: str = "traefik:v3.1", new: str = "traefik:v3.2") -> dict[str, Any]:
        """Push to the server, and give the pull request that proposes it."""
        pushed = self.push_upstream(old, new)
        self.settle()
        pulls = [one for one in self.outside.pulls(FLEET) if self.outside.pin(FLEET, one["head"]["sha"]) == pushed]
        assert len(pulls) == 1, f"no pull request proposes {pushed}: {self.failed}"
        return dict(pulls[0])

    def merge(self, number: int, *, method: str = "merge") -> str:
        """Merge as a person."""
        return self.hub.merge_pull(FLEET, number, by=PERSON, method=method)

    def take_order(self) -> Order | None:
        """What the node's runner gets next, if anything."""
        job = self.hub.claim_job(["self-hosted", NODE], timeout=0)
        if job is None:
            return None
        return Order(job, json.loads(base64.b64decode(json.loads(job.inputs["order"])["payload"])))

    def report(self, order: Order, state: str) -> None:
        """The node says how its order did; its job ends."""
        url = f"{self.hub.url}/api/v3/repos/{FLEET}/deployments/{order.order['number']}/statuses"
        headers = HEADERS | {"Authorization": f"Bearer {order.job.token}"}
        log_url = f"{self.hub.url}/{FLEET}/actions/runs/{order.job.run_id}"
        for word in ("in_progress", state):
            body = {"state": word, "description": "by the test", "log_url": log_url}
            assert requests.post(url, json=body, headers=headers, timeout=30).ok
        self.hub.finish_job(order.job, "success" if state == "success" else "failure", "")

    def answer(self, order: Order, differences: Iterable[str]) -> None:
        """The node says how it differs from what it was given; its job ends."""
        found = parse_order(json.dumps(order.order).encode())
        assert isinstance(found, SignedOrder)
        differing = tuple(Difference(kind=DifferenceKind.EDITED, text=text) for text in differences)
        outcome = Outcome(end=OrderEnd.SUCCESS, text="looked", order=found, differences=differing)
        JobClient(f"{self.hub.url}/api/v3", order.job.token, FLEET).post_check(
            found.commit, **render_report(found, outcome)._asdict(), details_url=""
        )
        self.report(order, "success")

    def text_of(self, repo: RepoName, path: str, ref: str) -> str:
        """A file of a repository at `ref`."""
        found = self.outside.get(f"/repos/{repo}/contents/{path}", ref=ref)
        return base64.b64decode(found["content"]).decode()

    def check_on(self, repo: RepoName, sha: str, name: str) -> dict[str, Any]:
        """The check run `name` on the commit `sha`, which has to be there."""
        found = self.outside.checks(repo, sha)
        assert name in found, f"no {name} on {sha[:7]}, only {sorted(found)}"
        return dict(found[name])

    def check(self, repo: RepoName, name: str, ref: str = "main") -> dict[str, Any] | None:
        """The check run `name` on a commit, if there is one."""
        sha = self.outside.get(f"/repos/{repo}/commits/{ref}")["sha"]
        found = self.outside.checks(repo, sha).get(name)
        return dict(found) if found else None


class Clock:
    """Seconds since 1970, moved by the test."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


@contextmanager
def stepping(
    folder: Path,
    *,
    prepare: Callable[[EmbeddedGitHub], object] = lambda _hub: None,
    private: bool = False,
    with_stacks: bool = True,
    kind: type[Stepper] = Stepper,
) -> Iterator[Stepper]:
    """A small AIOS and its bot, which has looked around once. `prepare` runs before anything is built."""
    with EmbeddedGitHub(folder / "github") as hub:
        hub.start()
        prepare(hub)
        secret = "0123456789abcdef"
        world = build_world(
            hub,
            folder=folder / "people",
            node_root=folder / "node",
            webhook_url=NOWHERE,
            webhook_secret=secret,
            with_stacks=with_stacks,
        )
        for repo in (SERVER, FLEET) if private else ():
            hub.set_private(repo, private=True)
        settings = read_settings(
            {
                "GITHUB_APP_ID": str(world.app.id),
                "GITHUB_APP_PRIVATE_KEY": world.app.private_key_pem,
                "GITHUB_WEBHOOK_SECRET": secret,
                "GITHUB_API_URL": f"{hub.url}/api/v3",
                "AIOS_BOT_DATA": str(folder / "bot"),
            }
        )
        store = open_store(settings.database_url.reveal())
        credentials = Credentials(
            app_id=world.app.id, private_key=Secret(world.app.private_key_pem), webhook_secret=Secret(secret)
        )
        clock = Clock()
        hub.behaviours.clock = clock
        try:
            with use_clock(clock):
                yield kind(world, lambda: Service(settings, credentials, store, redelivers=True, now=clock), clock)
        finally:
            store.close()
