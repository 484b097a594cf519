"""GitHub misbehaving: whatever it does to single requests, the world ends up as after a calm run, and once.

AIOS_BOT_STORM_ROUNDS sets how many pushes and merges go through each kind of weather (default 1; `make soak` does 8).
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest
from flask import request

from sandbox.access import read_credential
from sandbox.github import Cut, Fault
from sandbox.world import FLEET
from tests.acceptance.outside import eventually
from tests.faults.flows import Flows, flows

ROUNDS = int(os.environ.get("AIOS_BOT_STORM_ROUNDS", "1"))
PUSHES = 20 if ROUNDS == 1 else 500


def is_the_bots(_method: str = "", _path: str = "") -> bool:
    """Whether the request at hand is the service's: only its credentials have dots in them."""
    return "." in read_credential(request.headers.get("Authorization", ""))


def sometimes(share: float, *methods: str, seed: int) -> Callable[[str, str], bool]:
    """Matches a share of the service's requests to the API."""
    dice = random.Random(seed)

    def matches(method: str, path: str) -> bool:
        api = path.startswith("/api/") and (not methods or method in methods)
        return api and is_the_bots() and dice.random() < share

    return matches


def storm() -> list[Fault]:
    """Every kind of misbehaviour, now and then."""
    retry = {"Retry-After": "1"}
    kinds = [
        Fault(sometimes(0.04, seed=1), 500),
        Fault(sometimes(0.04, seed=2), 502, headers=retry),
        Fault(sometimes(0.08, "POST", "PATCH", seed=3), 502, after_effect=True, headers=retry),
        Fault(sometimes(0.08, "POST", "PATCH", seed=4), cut=Cut.TRANSFER),
        Fault(sometimes(0.03, seed=5), 403, headers=retry, message="You have exceeded a secondary rate limit"),
        Fault(sometimes(0.03, seed=6), 429, headers=retry, message="slow down"),
        Fault(sometimes(0.03, seed=7), cut=Cut.CONNECTION),
        Fault(sometimes(0.03, "GET", seed=8), cut=Cut.BODY),
        Fault(sometimes(0.03, "GET", seed=9), 202, headers=retry),
        Fault(sometimes(0.03, seed=10), stall=0.5),
        Fault(sometimes(0.02, seed=11), 401, message="Bad credentials"),
    ]
    for kind in kinds:
        kind.times = 10**6
    return kinds + (slow_weather() if ROUNDS > 1 else [])


def slow_weather() -> list[Fault]:
    """What makes the service wait for a minute and longer, a few times each."""
    exhausted = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0"}
    exhausted["x-ratelimit-reset"] = str(int(time.time()) + 90)
    return [
        Fault(sometimes(0.05, seed=21), 403, message="You have exceeded a secondary rate limit", times=1),
        Fault(sometimes(0.05, seed=22), 429, message="slow down", times=1),
        Fault(sometimes(0.05, seed=23), 403, headers=exhausted, message="API rate limit exceeded", times=2),
        Fault(sometimes(0.05, seed=24), stall=30, times=2),
    ]


class Calm(NamedTuple):
    """What there is after a run without any misbehaviour, and the writes that it took."""

    made: dict[str, int]
    writes: Counter[str]


@pytest.fixture(scope="module")
def calm() -> Calm:
    """What a run without any misbehaviour makes."""
    with flows() as world:
        world.start()
        world.push_and_merge(ROUNDS)
        world.settle()
        world.check()
        return Calm(made(world), writes(world))


def made(world: Flows) -> dict[str, int]:
    """What there is in the fleet's repository, by kind."""
    outside = world.outside
    pulls = outside.pulls(FLEET, "all")
    found = {
        "pull requests": len(pulls),
        "deployments": len(outside.every(f"/repos/{FLEET}/deployments")),
        "comments": sum(len(outside.comments(FLEET, pull["number"])) for pull in pulls),
    }
    for pull in pulls:
        runs = outside.get(f"/repos/{FLEET}/commits/{pull['head']['sha']}/check-runs")["check_runs"]
        for name, number in Counter(run["name"] for run in runs).items():
            found[f"check runs {name}"] = found.get(f"check runs {name}", 0) + number
    return found


ONCE = ("/pulls", "/check-runs", "/comments", "/deployments", "/reactions")
"""What the routes end in that make something which people see: there must be none too many."""


def writes(world: Flows) -> Counter[str]:
    """What was carried out of the requests that change something, whatever their sender was told."""
    rest = (one for one in world.hub.requests if one.kind == "rest" and one.method != "GET")
    made = (one for one in rest if 200 <= one.done < 300 and not one.route.endswith("/access_tokens"))
    # A reaction that is there already is answered with 200, and nothing came of it.
    return Counter(_name(one.method, one.route) for one in made if one.done != 200 or "reactions" not in one.route)


def _name(method: str, route: str) -> str:
    # The branch of a bump is made, or moved where the one before was not removed yet: either is one bump.
    return "a branch made or moved" if "/git/refs" in route and method != "DELETE" else f"{method} {route}"


def account(calm: Counter[str], stormy: Counter[str], *, faults: int) -> str:
    """Assert that each write of the storm is one of the calm day's, or was repeated for a fault and shows nowhere."""
    seen = [what for what in calm | stormy if what.startswith("POST") and what.endswith(ONCE)]
    assert {what: stormy[what] for what in seen} == {what: calm[what] for what in seen}
    repeated = stormy - calm
    assert repeated.total() <= faults, repeated
    return (
        f"{calm.total()} writes on the calm day, {stormy.total()} in the storm; repeated: {dict(repeated) or 'none'}"
    )


def test_a_storm_ends_as_a_calm_day(calm: Calm) -> None:
    """5xx before and after the effect, limits, lost connections, stalls, broken JSON, 202, ended tokens.

    And deliveries come doubled and out of order.
    """
    with flows() as world:
        world.start()
        world.hub.faults[:] = weather = storm()
        world.hub.disorder_deliveries(random.Random(12), doubled=0.5)
        world.push_and_merge(ROUNDS)
        world.hub.disorder_deliveries(None)
        world.hub.faults.clear()
        world.settle()
        line = world.check()
        assert made(world) == calm.made
        accounts = account(calm.writes, writes(world), faults=sum(one.played for one in weather))
    played = {f"{one.status or one.cut or 'stall'}": one.played for one in weather}
    assert sum(played.values()) >= 5 * ROUNDS, played
    print(f"\nstorm: {played}: {line}\n{accounts}")


def test_an_outage_with_many_pushes_in_it() -> None:
    """GitHub answers the service nothing but 503 while people push, and loses the last delivery without a trace.

    What every start and every few hours looks at finds that one all the same.
    """
    with flows() as world:
        service = world.start()
        eventually("the first look around", lambda: world.states() and "received" not in world.states().values())
        down = Fault(is_the_bots, 503, times=10**6)
        world.hub.faults.append(down)
        for number in range(PUSHES):
            world.push(f"# {number}\n")
        eventually("a refused request", lambda: down.played)
        assert world.hub.wait_for_deliveries(60)
        world.hub.drop_deliveries(on=True)
        pushed = world.push("# lost\n")
        world.hub.drop_deliveries(on=False)
        world.kill(service)
        world.hub.faults.clear()
        world.start()
        world.merge(pushed)
        world.settle()
        print(f"\noutage: {down.played} requests refused, {PUSHES} pushes: {world.check()}")
