"""Versions of programs, and what `docker container inspect` prints."""

from __future__ import annotations

import json

import msgspec
import pytest

from bot.domain.errors import BotError
from bot.domain.versions import parse_version, render_version
from bot.engine.containers import Container, HostPort, parse_containers
from bot.engine.programs import OLDEST_COMPOSE

pytestmark = pytest.mark.portable


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v2.40.3-desktop.1", (2, 40, 3)),
        ("2.40.3+ds1-0ubuntu1", (2, 40, 3)),
        ("2.40+1+b", (2, 40)),
        ("5.0.1", (5, 0, 1)),
        ("20.10.24", (20, 10, 24)),
        ("", ()),
        ("dev", ()),
    ],
)
def test_versions(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("text", "enough"), [("2.40.3", True), ("2.40.2", False), ("2.39.9", False), ("5.0.0", True)]
)
def test_the_oldest_compose_is_the_first_without_the_flaw(text: str, enough: bool) -> None:
    assert (parse_version(text) >= OLDEST_COMPOSE) is enough


def test_a_version_as_people_write_it() -> None:
    assert render_version((2, 40, 3)) == "2.40.3"


INSPECTED = {
    "Id": "c1",
    "Image": "sha256:1",
    "RestartCount": 2,
    "State": {
        "Status": "running",
        "ExitCode": 0,
        "StartedAt": "2026-01-01T00:00:00Z",
        "Health": {"Status": "starting"},
    },
    "Config": {
        "Image": "web:1",
        "Labels": {
            "com.docker.compose.project": "p",
            "com.docker.compose.service": "web",
            "com.docker.compose.config-hash": "abc",
        },
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 2_000_000_000, "Timeout": 1_000_000_000, "Retries": 4},
    },
    "HostConfig": {"RestartPolicy": {"Name": ""}},
    "Mounts": [{"Type": "bind", "Source": "/srv/x"}, {"Type": "volume", "Source": "/var/lib"}],
    "NetworkSettings": {
        "Ports": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
            "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}],
            "443/tcp": None,
        }
    },
    "More": "is ignored",
}


def test_a_container_as_it_is_inspected() -> None:
    (found,) = parse_containers(json.dumps([INSPECTED]))
    assert found == Container(
        id="c1",
        project="p",
        service=found.service,
        image="sha256:1",
        status="running",
        exit_code=0,
        started="2026-01-01T00:00:00Z",
        restarts=2,
        restart_policy="no",
        health="starting",
        decides_within=15.0,  # (2 s + 1 s) for each of four tries and one more
        binds=("/srv/x",),
        image_name="web:1",
        config="abc",
        ports=(
            HostPort(number=8080, protocol="tcp"),
            HostPort(number=53, protocol="udp", address="127.0.0.1"),
        ),
    )
    assert found.service == "web"
    assert parse_containers("") == ()


@pytest.mark.parametrize("test", [None, [], ["NONE"]])
def test_no_healthcheck_has_nothing_to_decide(test: list[str] | None) -> None:
    without = INSPECTED | {"Config": {"Healthcheck": {"Test": test}}}
    (found,) = parse_containers(json.dumps([without]))
    assert found.decides_within == 0.0


def test_the_names_in_a_nodes_record_stay() -> None:
    (found,) = parse_containers(json.dumps([INSPECTED]))
    stored = msgspec.json.encode(found)
    assert json.loads(stored)["patience"] == 15.0
    assert msgspec.json.decode(stored, type=Container) == found


@pytest.mark.parametrize("printed", ["<html>", '{"Id": "a"}', '[{"Id": 5}]', "[" * 9])
def test_what_no_inspect_prints_is_an_error_in_words(printed: str) -> None:
    with pytest.raises(BotError, match=r"^`docker container inspect` printed what cannot be read .*install docker"):
        parse_containers(printed)
