"""Whether what was touched is well: running, and healthy where it can say so, three times in a row.

One good sample is no health: a container that crashes a second after its start is good in between.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bot.agent.containers import Container
from bot.agent.docker import Docker
from bot.domain.names import ServiceName
from bot.protocol.outcome import UnhealthyService

SAMPLES = 3  # good ones in a row
INTERVAL = 1.0  # seconds between samples
LIMIT = 120.0  # seconds; longer where a healthcheck itself takes longer to decide
LOG_LINES = 20  # of a container that is not well
ENGINE_LIMIT = 300.0  # seconds for an engine that is gone to come back: an update of it takes a minute


Watched = Mapping[str, Sequence[ServiceName]]
"""Services by project."""


class Patience(NamedTuple):
    """How long and how often to look; the tests are less patient."""

    samples: int = SAMPLES
    interval: float = INTERVAL
    limit: float = LIMIT
    engine: float = ENGINE_LIMIT


PATIENCE = Patience()


def wait_until_well(
    docker: Docker, watched: Watched, *, known: Iterable[Container] = (), patience: Patience = PATIENCE
) -> tuple[UnhealthyService, ...]:
    """Wait until every watched service was well in `patience.samples` samples in a row; empty when they were.

    Gives up at once when one has failed for good, and after `patience.limit` seconds. `known` are containers from
    before the change: how often those restarted in their life says nothing.
    """
    if not any(watched.values()):
        return ()
    start, good = time.monotonic(), 0
    before = {container.id: container for container in known}
    first = True
    while True:
        containers = docker.containers(watched)
        now = {c.id: c for c in containers if c.service in watched.get(c.project, ())}
        failed = [u for c in now.values() if (u := _judge_failure(c, before.get(c.id), first=first))]
        if failed:
            return _with_logs(docker, failed, now)
        waiting = _find_waiting(watched, list(now.values()))
        good = 0 if waiting else good + 1
        if good >= patience.samples:
            return ()
        limit = max([patience.limit, *(container.patience for container in now.values())])
        if waiting and time.monotonic() - start > limit:
            return _with_logs(docker, waiting, now)
        before, first = now, False
        time.sleep(patience.interval)


def _judge_failure(container: Container, before: Container | None, *, first: bool) -> UnhealthyService | None:
    """What cannot become well any more: it crashed, it restarts, or its healthcheck says no."""
    text = ""
    # Between the change and the first sample lies an ordered restart.
    restarted = container.restarts > 0 if before is None else not first and container.started != before.started
    if container.status == "restarting" or restarted:
        # Between two restarts the engine shows the running one's code, which is 0.
        text = "keeps restarting" + (f" (exit code {container.exit_code})" if container.exit_code else "")
    elif container.status in ("exited", "dead") and not _is_done(container):
        text = f"exited with code {container.exit_code}"
    elif container.health == "unhealthy":
        text = "its healthcheck fails"
    return UnhealthyService(project=container.project, service=container.service, text=text) if text else None


def _is_done(container: Container) -> bool:
    """A one-shot that did its work."""
    return (
        container.status == "exited" and container.exit_code == 0 and container.restart_policy in ("no", "on-failure")
    )


def _find_waiting(watched: Watched, containers: Sequence[Container]) -> list[UnhealthyService]:
    waiting = []
    for project, services in watched.items():
        for service in services:
            own = [c for c in containers if (c.project, c.service) == (project, service)]
            late = next((c for c in own if not is_well(c)), None)
            if not own:
                waiting.append(UnhealthyService(project=project, service=service, text="has no container"))
            elif late:
                told = f"is still {late.health or late.status}"
                waiting.append(UnhealthyService(project=project, service=service, text=told))
    return waiting


def is_well(container: Container) -> bool:
    """One good sample of one container."""
    return _is_done(container) or (container.status == "running" and container.health in ("", "healthy"))


def _with_logs(
    docker: Docker, unhealthy: Sequence[UnhealthyService], containers: Mapping[str, Container]
) -> tuple[UnhealthyService, ...]:
    told: dict[tuple[str, str], UnhealthyService] = {}
    for one in unhealthy:
        ids = [c.id for c in containers.values() if (c.project, c.service) == (one.project, one.service)]
        log = docker.logs(ids[0], lines=LOG_LINES) if ids else ""
        told[one.project, one.service] = UnhealthyService(
            project=one.project, service=one.service, text=one.text, log=log
        )
    return tuple(told.values())
