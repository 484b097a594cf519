"""Wait until what was touched is healthy: good in several samples in a row.

One good sample does not count as healthy: a container that crashes a second after its start is good in between.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bot.agent.failures import OrderFailedError
from bot.agent.verdicts import Watched, find_failure, find_waiting
from bot.engine.containers import Container
from bot.engine.docker import Docker
from bot.protocol.outcome import FailureReason, UnhealthyService, render_unhealthy

LOG_LINES = 20  # of a container that is not healthy


class UnhealthyError(OrderFailedError):
    """What was brought up is not healthy."""

    def __init__(self, unhealthy: tuple[UnhealthyService, ...]) -> None:
        super().__init__(FailureReason.UNHEALTHY, render_unhealthy(unhealthy))
        self.unhealthy = unhealthy


class HealthTimeouts(NamedTuple):
    """How often to sample, and for how long at most. Tests use shorter ones."""

    samples: int = 3  # good ones in a row
    interval: float = 1.0  # seconds between samples
    limit: float = 120.0  # seconds; longer where a healthcheck itself takes longer to decide
    engine: float = 300.0  # seconds for an engine that is gone to come back: an update of it takes a minute


HEALTH_TIMEOUTS = HealthTimeouts()


def wait_until_healthy(
    docker: Docker, watched: Watched, *, known: Iterable[Container] = (), timeouts: HealthTimeouts = HEALTH_TIMEOUTS
) -> tuple[UnhealthyService, ...]:
    """Wait until every watched service was good in `timeouts.samples` samples in a row; those that were not, if any.

    Gives up at once when one has failed for good, and after `timeouts.limit` seconds. `known` are the containers
    from before the change: how often those had restarted by then does not count.
    """
    if not any(watched.values()):
        return ()
    start, good = time.monotonic(), 0
    before = {container.id: container for container in known}
    first = True
    while True:
        containers = docker.containers(watched)
        now = {c.id: c for c in containers if c.service in watched.get(c.project, ())}
        failed = [u for c in now.values() if (u := find_failure(c, before.get(c.id), first=first))]
        if failed:
            return _with_logs(docker, failed, now)
        waiting = find_waiting(watched, list(now.values()))
        good = 0 if waiting else good + 1
        if good >= timeouts.samples:
            return ()
        limit = max([timeouts.limit, *(container.decides_within for container in now.values())])
        if waiting and time.monotonic() - start > limit:
            return _with_logs(docker, waiting, now)
        before, first = now, False
        time.sleep(timeouts.interval)


def _with_logs(
    docker: Docker, unhealthy: Sequence[UnhealthyService], containers: Mapping[str, Container]
) -> tuple[UnhealthyService, ...]:
    """One entry for each service, with the last lines of its first container's log."""
    found: dict[tuple[str, str], UnhealthyService] = {}
    for one in unhealthy:
        ids = [c.id for c in containers.values() if (c.project, c.service) == (one.project, one.service)]
        log = docker.logs(ids[0], lines=LOG_LINES) if ids else ""
        found[one.project, one.service] = UnhealthyService(
            project=one.project, service=one.service, text=one.text, log=log
        )
    return tuple(found.values())
