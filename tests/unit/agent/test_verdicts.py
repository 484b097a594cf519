"""Whether containers are healthy, have failed, or need more time."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.agent.verdicts import find_failure, find_waiting, is_healthy
from bot.domain.names import ServiceName
from bot.engine.containers import Container
from bot.protocol.outcome import UnhealthyService

WEB = Container(
    id="1",
    project="p",
    service=ServiceName("web"),
    image="sha256:1",
    status="running",
    exit_code=0,
    started="t1",
    restarts=0,
    restart_policy="always",
)


@pytest.mark.parametrize(
    ("changes", "healthy"),
    [
        ({}, True),
        ({"health": "healthy"}, True),
        ({"health": "starting"}, False),
        ({"health": "unhealthy"}, False),
        ({"status": "created"}, False),
        ({"status": "restarting"}, False),
        ({"status": "exited", "restart_policy": "no"}, True),
        ({"status": "exited", "restart_policy": "on-failure"}, True),
        ({"status": "exited", "restart_policy": "always"}, False),
        ({"status": "exited", "restart_policy": "no", "exit_code": 1}, False),
        ({"status": "dead", "restart_policy": "no"}, False),
    ],
)
def test_one_sample(changes: dict[str, object], healthy: bool) -> None:
    assert is_healthy(replace(WEB, **changes)) is healthy


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, None),
        ({"health": "starting"}, None),
        ({"health": "unhealthy"}, "its healthcheck fails"),
        ({"status": "restarting", "exit_code": 7}, "keeps restarting (exit code 7)"),
        ({"status": "restarting"}, "keeps restarting"),
        ({"restarts": 1}, "keeps restarting"),
        ({"status": "exited", "exit_code": 3}, "exited with code 3"),
        ({"status": "dead", "exit_code": 137}, "exited with code 137"),
        ({"status": "exited"}, "exited with code 0"),
        ({"status": "exited", "restart_policy": "no"}, None),
    ],
)
def test_a_new_container_has_failed(changes: dict[str, object], text: str | None) -> None:
    expected = UnhealthyService(project="p", service=ServiceName("web"), text=text) if text else None
    assert find_failure(replace(WEB, **changes), None, first=True) == expected


@pytest.mark.parametrize(("first", "restarts"), [(True, False), (False, True)])
def test_a_known_container_may_start_again_once_because_the_order_restarts_it(first: bool, restarts: bool) -> None:
    now = replace(WEB, started="t2")  # the engine counts from 0 after a restart by hand
    found = find_failure(now, WEB, first=first)
    assert (found is not None) is restarts
    assert find_failure(replace(WEB, restarts=5), replace(WEB, restarts=5), first=first) is None  # it did that before


@pytest.mark.parametrize(("before", "restarts", "failed"), [(0, 1, True), (5, 1, True), (5, 5, False), (5, 0, False)])
def test_a_crash_between_an_ordered_restart_and_the_first_sample(before: int, restarts: int, failed: bool) -> None:
    found = find_failure(replace(WEB, started="t2", restarts=restarts), replace(WEB, restarts=before), first=True)
    assert (found is not None) is failed


def test_what_is_waited_for() -> None:
    late = replace(WEB, id="2", service=ServiceName("late"), health="starting")
    created = replace(WEB, id="3", service=ServiceName("created"), status="created")
    elsewhere = replace(WEB, project="q", service=ServiceName("gone"))
    names = tuple(ServiceName(name) for name in ("web", "late", "created", "gone"))
    found = find_waiting({"p": names}, [WEB, late, created, elsewhere])
    assert [(one.service, one.text) for one in found] == [
        ("late", "is still starting"),
        ("created", "is still created"),
        ("gone", "has no container"),
    ]
