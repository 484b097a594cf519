"""How fast deliveries are taken in: `python -m bench.intake [--seconds N]`.

Beside a bare Flask handler that only checks the signature, under the same server, in the same run, from the same
client: accepted per second flat out, p50 and p99 of the answer at 50 and 200 a second, the time from the answer
to the start of the work, the runs that a burst of 500 pushes makes, and what an idle service costs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import resource
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from flask import Flask, request

from bot.domain.names import BranchName, InstallationId, RepoName, SubmodulePath
from bot.features.fleets.facts import Pinned
from bot.features.fleets.store import PinStore
from bot.features.rollout.jobs import SyncRollout
from bot.github.webhook import Accepted, accept, sign
from bot.observability.log import configure_logging
from bot.queue import lanes
from bot.queue.inbox import Inbox
from bot.queue.lanes import Burst
from bot.queue.tables import DELIVERIES
from bot.service.database import open_store
from bot.service.server import serve
from bot.service.shutdown import Shutdown
from bot.settings.values import Secret
from tests.integration.postgres import make_database, postgres_server
from tests.queueing import delivery, make_app
from tests.unit.payloads import payload

SECRET = Secret("0123456789abcdef0123456789abcdef")
CLIENTS = 8
MAIN = BranchName("main")
LOADED, SINGLE, BURST = range(50), range(1000, 1060), 5000  # which repositories are pushed to, in which part
Percentiles = tuple[float, float]  # p50 and p99 in milliseconds


def make_body(repository: int) -> bytes:
    """A push of about 8 kB, as GitHub sends them, to a repository that one fleet pins."""
    commits = [{"id": "a" * 40, "message": "x" * 400, "added": [], "modified": ["y" * 40]} for _ in range(14)]
    changes = {"repository": {"full_name": f"acme/repository-{repository}"}, "commits": commits}
    return json.dumps(payload("push", changes)).encode()


# -- the servers, each in a process of its own --------------------------------------------------------------


def run_bare(pipe: Connection, _url: str) -> None:
    configure_logging(level="ERROR")
    app = Flask("bare")

    @app.post("/webhook")
    def receive() -> tuple[str, int]:
        judged = accept(dict(request.headers), request.get_data(cache=False), SECRET)
        return ("accepted", 202) if isinstance(judged, Accepted) else ("", 401)

    serve(app, "127.0.0.1", 0, ready=pipe.send, shutdown=Shutdown())


def run_bot(pipe: Connection, url: str) -> None:
    """Answers what is asked over `pipe`: how many runs, when the last began, CPU and memory."""
    configure_logging(level="ERROR")
    began: list[float] = []
    store = open_store(url)
    for number in (*LOADED, *SINGLE, BURST):
        fleet = RepoName(f"acme/fleet-{number}")
        PinStore(store).replace_pins(fleet, [_pin(fleet, RepoName(f"acme/repository-{number}"))])
    inbox = Inbox(store)
    inbox.start(lambda _look: began.append(time.monotonic()))

    def answer() -> None:
        while True:
            question = pipe.recv()
            if question == "idle":
                inbox.wait_until_idle(120)
            used = resource.getrusage(resource.RUSAGE_SELF)
            pipe.send((len(began), began[-1] if began else 0.0, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))

    def ready(port: int) -> None:
        pipe.send(port)
        threading.Thread(target=answer, daemon=True).start()

    serve(make_app(inbox, SECRET), "127.0.0.1", 0, ready=ready, shutdown=Shutdown())


def _pin(fleet: RepoName, upstream: RepoName) -> Pinned:
    return Pinned(
        fleet=fleet,
        installation=InstallationId(7),
        base=MAIN,
        default_branch=MAIN,
        submodule=SubmodulePath("server"),
        upstream=upstream,
        tracked=MAIN,
        waits_for_checks=False,
    )


class Server:
    """A server in a process of its own."""

    def __init__(self, target: Callable[[Connection, str], None], url: str) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=target, args=(theirs, url), daemon=True)
        self._process.start()
        self.port = int(self._pipe.recv())

    def ask(self, question: str) -> tuple[int, float, float, float]:
        """Runs so far, when the last began, CPU seconds, most memory in MiB."""
        self._pipe.send(question)
        runs, began, cpu, memory = self._pipe.recv()
        return runs, began, cpu, memory

    def stop(self) -> None:
        self._process.terminate()
        self._process.join(15)


@contextmanager
def running(target: Callable[[Connection, str], None], url: str) -> Iterator[Server]:
    server = Server(target, url)
    try:
        yield server
    finally:
        server.stop()


# -- the client ---------------------------------------------------------------------------------------------


class Client:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def deliver(self, body: bytes, signature: str) -> float:
        """Deliver once; the seconds it took."""
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": signature,
        }
        before = time.perf_counter()
        self._connection.request("POST", "/webhook", body, headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 202, answer.status
        return time.perf_counter() - before


class Load(NamedTuple):
    """What was delivered and accepted; the percentiles are from the planned moment, if there was one."""

    accepted: int
    per_second: float
    took: Percentiles


def load(port: int, *, per_second: float | None, seconds: float) -> Load:
    """Deliver from CLIENTS connections."""
    bodies = [(body, sign(body, SECRET)) for body in (make_body(number) for number in LOADED)]
    took: list[float] = []
    start = time.perf_counter() + 0.2

    def work(number: int) -> None:
        client = Client(port)
        turn = number
        while True:
            body, signature = bodies[turn % len(bodies)]
            planned = time.perf_counter() if per_second is None else start + turn / per_second
            if planned - start > seconds:
                return
            time.sleep(max(0.0, planned - time.perf_counter()))
            late = time.perf_counter() - planned  # a slow answer also makes the next one late
            took.append(client.deliver(body, signature) + max(0.0, late))
            turn += CLIENTS

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took.sort()
    return Load(len(took), len(took) / (time.perf_counter() - start), percentiles(took))


def _ms(one: Load) -> str:
    return f"{one.took[0]:.1f}, {one.took[1]:.1f}"


def stored(url: str) -> int:
    """How many deliveries the database holds."""
    store = open_store(url)
    with store.reading() as connection:
        found = int(connection.execute(sa.select(sa.func.count()).select_from(DELIVERIES)).scalar_one())
    store.close()
    return found


def percentiles(seconds: list[float]) -> Percentiles:
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2] * 1000, ordered[int(len(ordered) * 0.99)] * 1000


def time_to_work(server: Server) -> Percentiles:
    """From the answer's arrival to the start of the work, one delivery at a time, each of a lane of its own."""
    waits = []
    client = Client(server.port)
    for number in SINGLE:
        body = make_body(number)
        server.ask("idle")
        client.deliver(body, sign(body, SECRET))
        answered = time.monotonic()
        waits.append(max(0.0, server.ask("idle")[1] - answered))
    return percentiles(waits)


def burst(server: Server) -> tuple[int, float]:
    """500 pushes to one repository at once: the runs they made, and the seconds until all is quiet."""
    body = make_body(BURST)
    runs_before = server.ask("idle")[0]
    before = time.monotonic()
    threads = []
    for _ in range(CLIENTS):

        def send() -> None:
            client = Client(server.port)
            for _ in range(500 // CLIENTS + 1):
                client.deliver(body, sign(body, SECRET))

        threads.append(threading.Thread(target=send))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return server.ask("idle")[0] - runs_before, time.monotonic() - before


def backlog(url: str, deliveries: int = 10_000) -> str:
    """Deliveries that wait when the service starts: how fast they are worked off, and what memory that takes."""
    store = open_store(url)
    for number in range(deliveries):
        job = SyncRollout(
            fleet=RepoName(f"acme/fleet-{number % 200}"),
            installation=InstallationId(7),
            base=BranchName(f"release-{number}"),  # each job its own: nothing collapses
        )
        lanes.store_delivery(store, delivery(job), Burst())
    store.close()
    with running(run_bot, url) as server:
        began, memory_before = time.monotonic(), server.ask("now")[3]
        runs = 0
        while runs < deliveries:
            runs, _, _, memory = server.ask("idle")
        took = time.monotonic() - began
    return (
        f"{deliveries:,} deliveries in 200 lanes worked off in {took:.0f} s ({deliveries / took:.0f} a second); "
        f"memory {memory_before:.0f} MiB at the start, at most {memory:.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each load lasts")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder, postgres_server() as postgres:
        kinds: list[tuple[str, Callable[[Connection, str], None], str]] = [
            ("bare Flask, signature only", run_bare, ""),
            ("aios-bot, SQLite", run_bot, f"sqlite:///{Path(folder)}/bot.sqlite3"),
            ("aios-bot, PostgreSQL", run_bot, make_database(postgres, "bench")),
        ]
        print("| set-up | flat out /s | p50, p99 ms | 50/s: p50, p99 ms | 200/s: reached, p50, p99 ms | lost |")
        print("|---|---|---|---|---|---|")
        more = []
        for name, target, url in kinds:
            with running(target, url) as server:
                flat = load(server.port, per_second=None, seconds=seconds)
                if target is run_bot:
                    server.ask("idle")
                low = load(server.port, per_second=50, seconds=seconds)
                high = load(server.port, per_second=200, seconds=seconds)
                lost = str(sum(one.accepted for one in (flat, low, high)) - stored(url)) if url else ""
                print(
                    f"| {name} | {flat.per_second:.0f} | {_ms(flat)} | {_ms(low)} "
                    f"| {high.per_second:.0f}, {_ms(high)} | {lost} |",
                    flush=True,
                )
                if target is run_bot:
                    wait_50, wait_99 = time_to_work(server)
                    runs, lasted = burst(server)
                    _, _, cpu_before, _ = server.ask("idle")
                    time.sleep(seconds)
                    _, _, cpu, memory = server.ask("idle")
                    more.append(
                        f"{name}: work begins {wait_50:.1f} ms (p99 {wait_99:.1f}) after the answer; 500 pushes at "
                        f"once: {runs} runs, quiet after {lasted:.1f} s; idle: "
                        f"{(cpu - cpu_before) / seconds * 100:.1f} % of one core; at most {memory:.0f} MiB"
                    )
        for name, url in (
            ("SQLite", f"sqlite:///{Path(folder)}/backlog.sqlite3"),
            ("PostgreSQL", make_database(postgres, "backlog")),
        ):
            more.append(f"aios-bot, {name}: {backlog(url)}")
        print("\n" + "\n".join(more))


if __name__ == "__main__":
    main()
