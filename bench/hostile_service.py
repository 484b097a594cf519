"""A fleet with worst-case files and clients that never end, beside the service's other work.

Part of `python -m bench hostile`. The real service, its database and the embedded GitHub, all on this machine.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

import requests

from bench.fleets import World, run_world, wait_until_quiet

LIMITS = {"healthz ms": 200, "webhook p99 ms": 1000}
LONG = 250 * 1024  # characters; a compose file may hold 256 KiB
SERVICE = "services:\n  web:\n    image: web:2\n"
HALF_OPEN, DRIPPING, WEBHOOKS = 125, 125, 200
WAIT = 300.0  # seconds

FILES = {
    "letters": SERVICE + f"    environment:\n      VALUE: {'b' * LONG}\n",
    "base64": SERVICE
    + "    configs: [one]\nconfigs:\n  one:\n    content: "
    + base64.b64encode(b"\x93" * (LONG * 3 // 4)).decode()
    + "\n",
    "nested": SERVICE + f"    environment:\n      VALUE: '{'${A:-' * 3_000}{'}' * 3_000}'\n",
    "ports": SERVICE + "    ports: ['1-12000:1-12000']\n",
    "anchors": "x-0: &a0 [b, b]\n"
    + "".join(f"x-{at}: &a{at} [*a{at - 1}, *a{at - 1}]\n" for at in range(1, 60))
    + SERVICE
    + "    labels: {one: x}\nx-end: *a59\n",
    "users": SERVICE + f"    environment:\n      VALUE: 'a://{'b:' * (LONG // 2)}'\n",
    "passwords": SERVICE + "    environment:\n" + "".join(f"      PASSWORD_{at}: p{at:07}\n" for at in range(6_000)),
}


class Watched(NamedTuple):
    """Milliseconds of each `/healthz` while something went on, and how many had no answer."""

    times: list[float]
    lost: list[str]


def print_beside_others() -> None:
    """Run and print."""
    with run_world(2) as (world, service, secret):
        with watch(service.url) as calm:
            alone = seconds_of_a_bump(world)
        print(f"{'stack of another fleet':24}{'healthz median':>15}{'longest ms':>12}{'no answer':>11}{'bump s':>9}")
        print_row("none", calm, alone)
        for name, text in FILES.items():
            wait_until_quiet(service.url)
            with watch(service.url) as seen:
                world.push_files("lonely", {"stacks/web/compose.yml": text})
                beside = seconds_of_a_bump(world)
                wait_until_quiet(service.url)
            print_row(name, seen, beside)
        print(f"(limit {LIMITS['healthz ms']} ms, 0 without an answer; the bump is another fleet's, push to check)\n")
        times = webhooks_beside_slow_clients(service.url, secret)
        print(
            f"{HALF_OPEN} half-open and {DRIPPING} dripping connections: {WEBHOOKS} webhooks, all accepted; ", end=""
        )
        print(
            f"median {statistics.median(times):.0f} ms, p99 {statistics.quantiles(times, n=100)[-1]:.0f} ms", end=""
        )
        print(f" (limit {LIMITS['webhook p99 ms']})")


def print_row(name: str, seen: Watched, bump: float) -> None:
    """One line of the table."""
    median, most = statistics.median(seen.times), max(seen.times)
    print(f"{name:24}{median:15.0f}{most:12.0f}{len(seen.lost):11}{bump:9.1f}", flush=True)


def seconds_of_a_bump(world: World) -> float:
    """From a push to `shared`, which fleet 1 pins, to its pull request with a check on the newest head."""
    world.close_pulls(1)
    began = time.monotonic()
    world.push("shared")
    while not world.pulls([1]):
        if time.monotonic() - began > WAIT:
            raise TimeoutError(f"no pull request in {WAIT} s")
        time.sleep(0.05)
    return time.monotonic() - began


@contextmanager
def watch(url: str) -> Iterator[Watched]:
    """Ask for `/healthz` twenty times a second until the block ends.

    In a process of its own: this one also runs the embedded GitHub.
    """
    seen = Watched([], [])
    with subprocess.Popen(
        [sys.executable, "-c", _WATCH, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as asking:
        try:
            yield seen
        finally:
            answer, _ = asking.communicate("stop\n", timeout=60)
    found = json.loads(answer)
    seen.times.extend(found["times"])
    seen.lost.extend(found["lost"])


_WATCH = """
import json, sys, threading, time
import requests
stop, times, lost = threading.Event(), [], []
threading.Thread(target=lambda: (sys.stdin.readline(), stop.set())).start()
with requests.Session() as session:
    while not stop.wait(0.05):
        began = time.perf_counter()
        try:
            session.get(f"{sys.argv[1]}/healthz", timeout=5).raise_for_status()
        except requests.RequestException as error:
            lost.append(str(error))
        times.append((time.perf_counter() - began) * 1000)
print(json.dumps({"times": times, "lost": lost}))
"""


def webhooks_beside_slow_clients(url: str, secret: str) -> list[float]:
    """Milliseconds of signed deliveries while others hold their connections open, half of them a byte at a time."""
    body = b'{"zen": "hold"}'
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    head = b"POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    stop, port = threading.Event(), int(url.rpartition(":")[2])
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(HALF_OPEN + DRIPPING)
        ]
        for one in opened[:HALF_OPEN]:
            one.sendall(head[:20])

        def drip() -> None:
            for at in itertools.count():
                for one in opened[HALF_OPEN:]:
                    with suppress(OSError):  # the service may have closed it
                        one.sendall(head[at : at + 1] or b"x")
                if stop.wait(0.2):
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        times = []
        with requests.Session() as session:
            for number in range(WEBHOOKS):
                headers = {
                    "X-GitHub-Event": "ping",
                    "X-GitHub-Delivery": f"00000000-0000-0000-0000-{number:012}",
                    "X-Hub-Signature-256": signature,
                    "Content-Type": "application/json",
                }
                began = time.perf_counter()
                session.post(f"{url}/webhook", data=body, headers=headers, timeout=30).raise_for_status()
                times.append((time.perf_counter() - began) * 1000)
                time.sleep(0.02)
        stop.set()
        dripping.join(30)
    return times
