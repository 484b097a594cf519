"""Pushes, merges and deployments through the real service in the embedded GitHub, while something goes wrong.

What is asserted afterwards is the world outside and the service's own table: everything happened, and once.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from bot.queue.tables import DELIVERIES
from sandbox.github import EmbeddedGitHub, Job
from sandbox.service import Service, free_port, new_secret, start_service
from sandbox.world import FLEET, NODE, PERSON, SERVER, AiosWorld, build_world
from tests.acceptance.outside import Outside, eventually
from tests.upgrade.versions import environment_of

HEADERS = "stacks/ingress/dynamic/headers.yml"
PATIENCE = 240.0  # seconds for one step, in which the service may be killed several times


class Node:
    """Takes the node's jobs and says that they went well; refuses an order it had before, as the real one does."""

    def __init__(self, world: AiosWorld) -> None:
        self._hub = world.hub
        self._stopped = threading.Event()
        self.orders: Counter[int] = Counter()  # runs that came for each order
        self.envelopes: list[str] = []  # what those runs were given
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopped.is_set():
            job = self._hub.claim_job(["self-hosted", NODE], 0.3)
            if job is not None:
                number = int(job.inputs["deployment_id"])
                self.orders[number] += 1
                self.envelopes.append(job.inputs["order"])
                if self.orders[number] == 1:
                    for state in ("in_progress", "success"):
                        self._say(job, number, state)
                self._hub.finish_job(job, "success" if self.orders[number] == 1 else "failure", "")

    def _say(self, job: Job, number: int, state: str) -> None:
        url = f"{self._hub.url}/api/v3/repos/{job.repo}/deployments/{number}/statuses"
        head = {"Authorization": f"Bearer {job.token}"}
        for _ in range(100):
            answer = requests.post(url, json={"state": state}, headers=head, timeout=30)
            if answer.status_code == 201:
                return
            time.sleep(0.1)
        raise AssertionError(f"the node could not report: {answer.status_code} {answer.text}")


class Flows:
    """A world, its node, and the services that keep it."""

    def __init__(self, folder: Path, hub: EmbeddedGitHub, database: str) -> None:
        self.hub, self._folder = hub, folder
        hub.hourly = 10**9  # the people here ask all the time
        self._port, self._secret = free_port(), new_secret()
        self.world = build_world(
            hub,
            folder=folder / "people",
            node_root=folder / "node",
            webhook_url=f"http://127.0.0.1:{self._port}/webhook",
            webhook_secret=self._secret,
        )
        self.outside = Outside(self.world)
        self.node = Node(self.world)
        self._url = database
        self.services: list[Service] = []
        self.merged: list[str] = []
        self.commands: list[tuple[int, int]] = []  # pull request, and comment

    def start(self, *, port: int | None = None, program: Path | None = None) -> Service:
        """One more service; the first one is where GitHub delivers to. `program` is the folder of another version."""
        settings = {
            "GITHUB_APP_ID": str(self.world.app.id),
            "GITHUB_APP_PRIVATE_KEY": self.world.app.private_key_pem,
            "GITHUB_WEBHOOK_SECRET": self._secret,
            "GITHUB_API_URL": f"{self.hub.url}/api/v3",
            "AIOS_BOT_DATA": str(self._folder / "bot"),
            "PORT": str(port or self._port),
        }
        if self._url:
            settings["AIOS_BOT_DATABASE_URL"] = self._url
        if program is not None:
            settings |= environment_of(program)
        service = start_service(settings)
        self.services.append(service)
        return service

    def kill(self, service: Service) -> None:
        """End it as a power cut would."""
        service.process.kill()
        service.process.wait()
        self.services.remove(service)

    def end(self, service: Service) -> None:
        """Ask it to end, and wait for that."""
        service.stop()
        self.services.remove(service)

    def stop(self) -> None:
        self.node.stop()
        for service in self.services:
            service.process.kill()
            service.process.wait()

    # -- what people do -------------------------------------------------------------------------------------

    def push_and_merge(self, rounds: int) -> None:
        """Push, wait for the pull request, merge it, wait for the node; so many times."""
        for _ in range(rounds):
            self.merge(self.push(f"http:\n  middlewares:\n    headers-{len(self.merged)}: {{}}\n"))

    def push(self, text: str) -> str:
        """Push to the upstream; the commit."""
        return self.world.push(SERVER, {HEADERS: text}, "Headers")

    def wait_for_proposal(self, pushed: str) -> int:
        """Wait for the pull request of `pushed` with its checks; its number."""
        return int(eventually("the pull request", lambda: self._proposal(pushed), seconds=PATIENCE)["number"])

    def merge(self, pushed: str) -> None:
        """Wait for the pull request of `pushed`, ask for its status, merge it, wait for the node."""
        number = self.wait_for_proposal(pushed)
        asked = self.hub.comment(FLEET, number, "/status", by=PERSON)
        self.commands.append((number, asked))
        eventually("the answer", lambda: self._replies(number, asked), seconds=PATIENCE)
        commit = self.hub.merge_pull(FLEET, number, by=PERSON)
        self.merged.append(commit)
        eventually("the node", lambda: self._went_well(commit), seconds=PATIENCE)

    def _proposal(self, pushed: str) -> Any:
        for pull in self.outside.pulls(FLEET):
            if self.outside.pin(FLEET, pull["head"]["sha"]) == pushed:
                # A person reads both; a review look that comes after the merge has nothing to say any more.
                checks = self.outside.checks(FLEET, pull["head"]["sha"])
                return pull if {"aios/plan", "aios/review"} <= checks.keys() else None
        return None

    def _replies(self, number: int, asked: int) -> int:
        marker = f"<!-- aios-bot:reply comment:{asked} "
        return sum(marker in comment["body"] for comment in self.outside.comments(FLEET, number))

    def _went_well(self, commit: str) -> bool:
        # A node as quick as this one may speak before the service says that its order is queued.
        return "success" in self.outside.deployment_states(FLEET, commit).get(NODE, [])

    # -- what must hold -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until every delivery that GitHub lists has been worked on."""
        assert self.hub.wait_for_deliveries(60)

        def done() -> bool:
            listed = {delivery.guid for delivery in self.hub.deliveries}
            states = self.states()
            return listed <= states.keys() and "received" not in states.values()

        eventually("every delivery", done, seconds=PATIENCE * 2)

    def states(self) -> dict[str, str]:
        """The service's table of deliveries: guid to state."""
        if self._url:
            engine = sa.create_engine(self._url)
            with engine.connect() as connection:
                rows = connection.execute(sa.select(DELIVERIES.c.guid, DELIVERIES.c.state)).all()
            engine.dispose()
            return {row.guid: row.state for row in rows}
        with sqlite3.connect(self._folder / "bot/aios-bot.sqlite3") as database:
            return dict(database.execute("SELECT guid, state FROM deliveries").fetchall())

    def check(self) -> str:
        """Assert that everything happened once, and give the line of the table."""
        pulls = self.outside.pulls(FLEET, "all")
        assert len(pulls) == len(self.merged), [pull["title"] for pull in pulls]
        assert all(pull["merged_at"] for pull in pulls)
        for pull in pulls:
            said = [c["body"] for c in self.outside.comments(FLEET, pull["number"])]
            assert sum("aios-bot:rollout" in body for body in said) == 1, said
            checks = self.outside.get(f"/repos/{FLEET}/commits/{pull['head']['sha']}/check-runs")["check_runs"]
            plans = Counter(run["external_id"] for run in checks if run["name"] == "aios/plan")
            assert set(plans.values()) == {1}, plans
        assert [self._replies(*command) for command in self.commands] == [1] * len(self.commands)
        orders = self.outside.every(f"/repos/{FLEET}/deployments")
        assert sorted(order["sha"] for order in orders) == sorted(self.merged), "one order per merge"
        states = Counter(self.states().values())
        assert set(states) <= {"done", "ignored"}, states
        repeated = sum(self.node.orders.values()) - len(self.node.orders)
        return (
            f"{len(pulls)} pull requests, {len(self.commands)} commands answered once, {len(orders)} orders "
            f"({repeated} runs started twice, refused by the node), "
            f"{sum(states.values())} deliveries, none lost"
        )


@contextmanager
def flows(database: str = "") -> Iterator[Flows]:
    """A world of its own; SQLite unless a database is given."""
    with tempfile.TemporaryDirectory(prefix="aios-flows-") as name:
        folder = Path(name)
        with EmbeddedGitHub(folder / "github") as hub:
            hub.start()
            made = Flows(folder, hub, database)
            try:
                yield made
            finally:
                made.stop()


def in_background(act: Any) -> tuple[threading.Thread, list[BaseException]]:
    """Run `act` in a thread; what it raised is in the list."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as problem:  # noqa: BLE001 - raised by the test
            problems.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, problems


def pause(most: float) -> None:
    """A random moment."""
    time.sleep(random.uniform(0, most))
