"""What the pages cost with 200 fleets of 20 nodes, and whether 200 open ones hold the server. `python -m bench page`.

Server time by the application itself, without network; then a real server on loopback.
"""

from __future__ import annotations

import gzip
import json
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import requests
import sqlalchemy as sa
from flask import Flask

import bot.web
from bot.features.rollout.store import RolloutStore
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.service.server import serve
from bot.service.shutdown import Shutdown
from bot.settings.values import Secret
from bot.storage.store import Store
from tests.browser.states import Fleets, history_of, node, waiting
from tests.queueing import make_app

FLEETS, NODES, ROUNDS = 200, 20, 100
POLLERS, HALF_OPEN, FLOOD = 200, 250, 2_500
SECRET = Secret("a secret of this measurement")
PAGES = {
    "fleet": "/fleets/acme/fleet-{0}",
    "state": "/fleets/acme/fleet-{0}/state",
    "node": "/fleets/acme/fleet-{0}/nodes/node-07",
    "stack": "/fleets/acme/fleet-{0}/stacks/ingress",
    "deliveries": "/fleets/acme/fleet-{0}/deliveries",
    "audit": "/fleets/acme/fleet-{0}/audit",
}
LIMITS = {"ms": 100, "queries": 6, "kB": 25, "script kB": 14, "poll MB": 10, "p99 ratio": 2, "flood s": 7}


def main() -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory(prefix="aios-bench-") as folder:
        store = open_store(f"sqlite:///{folder}/bot.sqlite3")
        fill(store)
        app = make_app(Inbox(store), SECRET)
        print(f"{FLEETS} fleets of {NODES} nodes; {ROUNDS} requests of each page\n")
        limits = f"(limits {LIMITS['ms']}, {LIMITS['queries']}, {LIMITS['kB']})"
        print(f"{'page':12}{'p50 ms':>8}{'p95 ms':>8}{'of CPU':>8}{'queries':>9}{'kB':>7}   {limits}")
        for name, path in PAGES.items():
            times, spent, queries, size = measure(app, store, path)
            p95, cpu = (statistics.quantiles(values, n=20)[-1] for values in (times, spent))
            print(f"{name:12}{statistics.median(times):8.1f}{p95:8.1f}{cpu:8.1f}{queries:9}{size / 1000:7.1f}")
        static = Path(bot.web.__path__[0]) / "static"
        script = sum(len(gzip.compress(file.read_bytes(), 9)) for file in static.glob("*.js"))
        print(f"\nscript, compressed: {script / 1000:.1f} kB (limit {LIMITS['script kB']})")
        print_under_load(app)
        store.close()


def fill(store: Store) -> None:
    """Fleets in which most is well, one node failed, and two pull requests wait."""
    fleets = Fleets(store, RolloutStore(store, page_key=b"key"))
    names = [f"node-{number:02}" for number in range(NODES)]
    orders = history_of(names)
    pulls = [waiting(number, "Bump server from d1f2 to e5a1 (7 commits)", days=number) for number in (3, 4)]
    for number in range(FLEETS):
        nodes = [node(name, text="runs server@e5e5e5e: 1 recreated, 9 untouched") for name in names]
        fleets.add(f"fleet-{number}", nodes, orders=orders, pulls=pulls)


def measure(app: Flask, store: Store, path: str) -> tuple[list[float], list[float], int, int]:
    """Of each request milliseconds and those of the CPU; the most queries of one, and the largest answer's bytes."""
    client, counted, most, largest = app.test_client(), [0], 0, 0
    client.get(path.format(0))

    def count(*_about: object) -> None:
        counted[0] += 1

    sa.event.listen(store.engine, "before_cursor_execute", count)
    times, spent = [], []
    for number in range(ROUNDS):
        counted[0] = 0
        began, busy = time.perf_counter(), time.thread_time()
        answer = client.get(path.format(number % FLEETS))
        times.append((time.perf_counter() - began) * 1000)
        spent.append((time.thread_time() - busy) * 1000)
        assert answer.status_code == 200, answer.data
        most, largest = max(most, counted[0]), max(largest, len(answer.data))
    sa.event.remove(store.engine, "before_cursor_execute", count)
    return times, spent, most + 1, largest  # pages are open here: a session costs one query more


def print_under_load(app: Flask) -> None:
    """Polling pages and half-open connections, on the service's own server."""
    with serving(app) as url:
        alone = percentile_of(url, 0)
        before, threads = resident(), threading.active_count()
        watched = percentile_of(url, POLLERS)
        held = threading.active_count() - threads
        added = (resident() - before) / 1e6
        print(f"{POLLERS} pages polled once each five seconds: {held} threads more, {added:+.1f} MB", end="")
        print(f" (limit {LIMITS['poll MB']}); p99 of a webhook {alone:.0f} to {watched:.0f} ms", end="")
        print(f" (limit {LIMITS['p99 ratio']}x)")
        host, port = url.removeprefix("http://").split(":")
        opened = [socket.create_connection((host, int(port))) for _ in range(HALF_OPEN)]
        lost = sum(not answers(url) for _ in range(20))
        for one in opened:
            one.close()
        print(f"{HALF_OPEN} half-open connections: {lost} of 20 requests lost (limit 0)")
        print(f"{FLOOD} at once: answers again after {flood(url):.1f} s (limit {LIMITS['flood s']})")


def flood(url: str) -> float:
    """Seconds from the last of `FLOOD` connections that stop within their requests until a request is answered."""
    host, port = url.removeprefix("http://").split(":")
    with subprocess.Popen(
        [sys.executable, "-c", _FLOOD, host, port, str(FLOOD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as clients:
        assert clients.stdout is not None
        clients.stdout.readline()
        began = time.monotonic()
        while not answers(url) and time.monotonic() < began + 60:
            time.sleep(0.05)
        taken = time.monotonic() - began
        clients.kill()
    return taken


_FLOOD = """
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
opened = []
for _ in range(int(sys.argv[3])):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex((sys.argv[1], int(sys.argv[2])))
    opened.append(one)
for one in opened:
    one.setblocking(True)
    one.settimeout(3)
    try:
        one.send(b"GET / HTTP/1.1\\r\\nHost: a")
    except OSError:
        pass
print("opened", flush=True)
sys.stdin.read()
"""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The application on a port of this machine."""
    shutdown, ports, ready = Shutdown(), [0], threading.Event()

    def note(port: int) -> None:
        ports[0] = port
        ready.set()

    thread = threading.Thread(target=serve, args=(app, "127.0.0.1", 0), kwargs={"ready": note, "shutdown": shutdown})
    thread.start()
    ready.wait(30)
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        shutdown.begin()
        thread.join(30)


def percentile_of(url: str, pollers: int) -> float:
    """The 99th percentile (ms) of 200 webhooks while so many pages are open, which poll each five seconds."""
    with polling(url, pollers) if pollers else nullcontext():
        return percentile_of_webhooks(url)


@contextmanager
def polling(url: str, pollers: int) -> Iterator[None]:
    """Pages that are open during the block, in a process of its own: each with a connection and an ETag."""
    command = [sys.executable, "-c", _POLL, url, str(pollers), str(FLEETS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as pages:
        assert pages.stdout is not None
        pages.stdout.readline()  # all were opened
        yield
        printed, _ = pages.communicate("stop\n", timeout=60)
    print(f"\nopen pages: {printed.strip()}")


_POLL = """
import collections, sys, threading
import requests
url, pollers, fleets = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sessions, etags, answers = [requests.Session() for _ in range(pollers)], [""] * pollers, collections.Counter()
def poll(number):
    answer = sessions[number].get(
        f"{url}/fleets/acme/fleet-{number % fleets}/state", headers={"If-None-Match": etags[number]}, timeout=30
    )
    etags[number] = answer.headers["ETag"]
    return answer.status_code
for number in range(pollers):
    poll(number)
print("opened", flush=True)
stop, turn = threading.Event(), 0
threading.Thread(target=lambda: (sys.stdin.readline(), stop.set())).start()
while not stop.wait(5 / pollers):
    answers[poll(turn % pollers)] += 1
    turn += 1
print(", ".join(f"{many} answers {code}" for code, many in sorted(answers.items())))
"""


def percentile_of_webhooks(url: str) -> float:
    """The 99th percentile (ms) of signed deliveries, sent from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _SEND, url, SECRET.reveal()], capture_output=True, text=True, check=True
    )
    times: list[float] = json.loads(done.stdout)
    return statistics.quantiles(times, n=100)[-1]


_SEND = """
import hashlib, hmac, json, sys, time, uuid
import requests
url, body, times = sys.argv[1], b'{"zen": "hold"}', []
signature = "sha256=" + hmac.new(sys.argv[2].encode(), body, hashlib.sha256).hexdigest()
with requests.Session() as session:
    for _ in range(200):
        headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": str(uuid.uuid4()),
                   "X-Hub-Signature-256": signature, "Content-Type": "application/json"}
        began = time.perf_counter()
        session.post(f"{url}/webhook", data=body, headers=headers, timeout=30).raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
        time.sleep(0.02)
print(json.dumps(times))
"""


def answers(url: str) -> bool:
    """Whether a request is answered within two seconds."""
    with suppress(requests.RequestException):
        return requests.get(f"{url}/healthz", timeout=2).ok
    return False


def resident() -> int:
    """The most bytes of memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
