"""Watch what was touched until it is healthy: good in several samples in a row, and for as long as its watch lasts.

One good sample does not count as healthy: a container that crashes ten seconds after its start is good until then,
and between two restarts. The engine itself counts a container as started once it has run for ten seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from bot.agent.errors import OrderFailedError
from bot.agent.verdicts import Kinds, ServiceKind, Watched, find_failure, find_waiting, is_proven
from bot.engine.containers import Container
from bot.engine.docker import Docker
from bot.engine.podman import HealthChecks
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
    watch: float = 15.0  # seconds after the last change, where no healthcheck passes and the order says no other
    one_shot: float = 1800.0  # seconds for a one-shot that others wait for to end


HEALTH_TIMEOUTS = HealthTimeouts()


class Clock(NamedTuple):
    """Time as the watch sees it, in seconds. Tests give one that does not wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def wait_until_healthy(
    docker: Docker,
    watched: Watched,
    *,
    known: Iterable[Container] = (),
    kinds: Kinds | None = None,
    watch: Mapping[str, float] | None = None,
    timeouts: HealthTimeouts = HEALTH_TIMEOUTS,
    clock: Clock = Clock(),  # noqa: B008 - it holds two functions
) -> tuple[UnhealthyService, ...]:
    """Wait until every watched service is healthy; those that are not, if any.

    That is: good in `timeouts.samples` samples in a row, and until its project's `watch` (seconds; `timeouts.watch`
    for the others) is over, unless its healthcheck passes or it is a one-shot that did its work. Gives up at once
    when one has failed for good, and after `timeouts.limit` seconds. `known` are the containers from before the
    change: how often those had restarted by then does not count.
    """
    if not any(watched.values()):
        return ()
    kinds, watch = kinds or {}, watch or {}
    start, good = clock.now(), 0
    before = {container.id: container for container in known}
    first = True
    checks = HealthChecks(docker, clock.now)
    while True:
        containers = docker.containers(watched)
        now = {c.id: c for c in containers if c.service in watched.get(c.project, ())}
        failed = [u for c in now.values() if (u := find_failure(c, before.get(c.id), kinds=kinds, first=first))]
        if failed:
            return _with_logs(docker, failed, now)
        waiting = find_waiting(watched, list(now.values()), kinds)
        good = 0 if waiting else good + 1
        elapsed = clock.now() - start
        unproven = [watch.get(c.project, timeouts.watch) for c in now.values() if not is_proven(c)]
        if good >= timeouts.samples and elapsed >= max(unproven, default=0.0):
            return ()
        if waiting and elapsed > _limit(timeouts, now.values(), kinds):
            return _with_logs(docker, waiting, now)
        before, first = now, False
        checks.run_due(now.values())
        clock.sleep(timeouts.interval)


def _limit(timeouts: HealthTimeouts, containers: Iterable[Container], kinds: Kinds) -> float:
    """Seconds after which what is still not healthy counts as failed."""
    longest = timeouts.limit
    for container in containers:
        at_work = container.status == "running" and kinds.get((container.project, container.service))
        longest = max(
            longest, container.decides_within, timeouts.one_shot if at_work is ServiceKind.ONE_SHOT else 0.0
        )
    return longest


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
