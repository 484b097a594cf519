"""How long what was touched is watched, on a clock that does not wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bot.agent.health import Clock, HealthTimeouts, wait_until_healthy
from bot.agent.verdicts import Kinds, ServiceKind, find_kinds
from bot.domain.names import ServiceName
from bot.engine.containers import Container
from bot.engine.docker import Docker

WEB = ServiceName("web")
START = Container(
    id="1",
    project="p",
    service=WEB,
    image="sha256:1",
    status="running",
    exit_code=0,
    started="t1",
    restarts=0,
    restart_policy="always",
)
CRASHED = {"status": "running", "restarts": 1, "started": "t2", "exit_code": 0}


class World:
    """An engine with one container, whose state depends on the time alone."""

    host = "unix:///run/docker.sock"

    def __init__(self, state: Callable[[float], Mapping[str, Any]]) -> None:
        self.state = state
        self.now = 0.0
        self.clock = Clock(now=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def server_version(self) -> tuple[str, str]:
        return "Docker Engine", "28.0.0"

    def containers(self, projects: Iterable[str]) -> tuple[Container, ...]:
        assert set(projects) == {"p"}
        return (replace(START, **self.state(self.now)),)

    def logs(self, container: str, *, lines: int) -> str:
        return f"log of {container}, {lines} lines"

    def watch(
        self, *, kinds: Kinds | None = None, watch: Mapping[str, float] | None = None, **timeouts: float
    ) -> list[str]:
        found = wait_until_healthy(
            cast("Docker", self),
            {"p": (WEB,)},
            kinds=kinds,
            watch=watch,
            timeouts=HealthTimeouts(**timeouts),  # type: ignore[arg-type]  # a test states only its difference
            clock=self.clock,
        )
        return [one.text for one in found]


@pytest.mark.parametrize("second", [1, 3, 10, 14])
def test_a_crash_within_the_watch_is_a_failure(second: int) -> None:
    world = World(lambda now: CRASHED if now >= second else {})
    assert world.watch() == ["keeps restarting"]
    assert world.now == second


def test_the_watch_lasts_fifteen_seconds() -> None:
    world = World(lambda _: {})
    assert world.watch() == []
    assert world.now == 15


@pytest.mark.parametrize(("seconds", "until"), [(60, 60), (4, 4), (0, 2)])
def test_a_stack_has_its_own_watch(seconds: float, until: float) -> None:
    world = World(lambda _: {})
    assert world.watch(watch={"p": seconds, "other": 500}) == []
    assert world.now == until


def test_a_passed_healthcheck_ends_the_watch() -> None:
    world = World(lambda now: {"health": "healthy" if now >= 5 else "starting"})
    assert world.watch() == []
    assert world.now == 7  # three samples


def test_a_one_shot_that_did_its_work_ends_the_watch() -> None:
    world = World(lambda now: {"restart_policy": "no", "status": "exited" if now >= 1 else "running"})
    assert world.watch() == []
    assert world.now == 2


def test_an_exit_of_what_others_wait_to_end_is_waited_for() -> None:
    kinds = {("p", WEB): ServiceKind.ONE_SHOT}
    world = World(lambda now: {"restart_policy": "no", "status": "exited" if now >= 400 else "running"})
    assert world.watch(kinds=kinds) == []
    assert world.now == 402


def test_a_one_shot_that_never_ends_is_waited_for_within_a_limit() -> None:
    world = World(lambda _: {"restart_policy": "no"})
    assert world.watch(kinds={("p", WEB): ServiceKind.ONE_SHOT}, one_shot=300) == ["is still running"]
    assert world.now == 301


def test_what_publishes_a_port_does_not_end_well() -> None:
    world = World(lambda now: {"restart_policy": "no", "status": "exited" if now >= 4 else "running"})
    assert world.watch(kinds={("p", WEB): ServiceKind.LASTING}) == ["exited with code 0"]
    assert world.now == 4


def test_what_never_starts_is_waited_for_within_a_limit() -> None:
    world = World(lambda _: {"status": "created"})
    assert world.watch(limit=30) == ["is still created"]
    assert world.now == 31


def test_a_healthcheck_may_need_longer_than_the_limit() -> None:
    world = World(lambda _: {"health": "starting", "decides_within": 200})
    assert world.watch(limit=30) == ["is still starting"]
    assert world.now == 201


def test_the_kinds_of_services() -> None:
    model = {
        "services": {
            "app": {
                "depends_on": {
                    "migrate": {"condition": "service_completed_successfully"},
                    "db": {"condition": "service_healthy"},
                    "cache": {"condition": "service_started"},
                }
            },
            "migrate": {"ports": [{"target": 80}]},
            "db": {},
            "cache": {},
            "web": {"ports": [{"target": 80}]},
            "checked": {"healthcheck": {"test": ["CMD", "true"]}},
            "unchecked": {"healthcheck": {"disable": True, "test": ["CMD", "true"]}},
            "without": {"healthcheck": {"test": ["NONE"]}},
            "model": {"provider": {"type": "model"}},
            "none": {"deploy": {"replicas": 0}},
            "scaled": {"scale": 0},
            "one": {"deploy": {"replicas": 1}, "scale": 0},
        }
    }
    assert {name: kind for (_, name), kind in find_kinds("p", model).items()} == {
        "migrate": ServiceKind.ONE_SHOT,
        "db": ServiceKind.LASTING,
        "web": ServiceKind.LASTING,
        "checked": ServiceKind.LASTING,
        "model": ServiceKind.PROVIDED,
        "none": ServiceKind.SCALED_AWAY,
        "scaled": ServiceKind.SCALED_AWAY,
    }
    assert {project for project, _ in find_kinds("p", model)} == {"p"}
