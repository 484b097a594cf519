"""Run the health checks of Podman's containers where systemd, which runs them otherwise, is missing.

Podman keeps a health check as a timer of systemd. In a container, or on a machine without systemd, nothing runs it,
and each container stays "starting" until its watch is over (containers/podman#19326).
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from bot.domain.errors import BotError
from bot.engine.containers import Container
from bot.engine.docker import Docker, DockerError
from bot.engine.process import ChildError, run_child

CHECK_LIMIT = 60  # seconds for one check to end
DEFAULT_INTERVAL = 30.0  # seconds, as the engine's
SYSTEMD = Path("/run/systemd/system")


def find_podman(docker: Docker) -> str:
    """Podman's client, if the engine is this machine's Podman and no systemd runs its health checks; else "".

    Raises BotError if it is, and there is no such client.
    """
    if SYSTEMD.is_dir() or not docker.host.startswith("unix://") or docker.server_version()[0] != "Podman":
        return ""
    found = shutil.which("podman", path=docker.environment.get("PATH"))
    if found is None:
        raise BotError(
            "systemd runs Podman's health checks, and this machine has none: install the program `podman`, so that a "
            "deploy can run them"
        )
    return found


class HealthChecks:
    """The health checks that are due while containers are watched. Where something else runs them, none is."""

    def __init__(self, docker: Docker, now: Callable[[], float]) -> None:
        self._docker = docker
        self._now = now
        self._podman: str | None = None  # not looked for yet
        self._due: dict[str, float] = {}
        self._intervals: dict[str, float] = {}

    def run_due(self, containers: Iterable[Container]) -> None:
        """Run the check of each running container that has one, as often as it wants. The engine keeps the result."""
        checked = [one for one in containers if one.health and one.status == "running"]
        if not checked or not self._find():
            return
        for one in checked:
            if self._now() < self._due.get(one.id, 0.0):
                continue
            command = [self._podman, "--url", self._docker.host, "healthcheck", "run", one.id]
            with contextlib.suppress(ChildError):  # it stays as it is, and the watch ends it
                run_child(command, environment=self._docker.environment, seconds=CHECK_LIMIT)
            self._due[one.id] = self._now() + self._interval(one.id)

    def _find(self) -> str:
        if self._podman is None:
            try:
                self._podman = find_podman(self._docker)
            except BotError:
                self._podman = ""  # `node doctor` says what is missing
        return self._podman

    def _interval(self, container: str) -> float:
        if container not in self._intervals:
            form = "{{json .Config.Healthcheck.Interval}}"
            try:
                found = self._docker.run("container", "inspect", "--format", form, container)
            except DockerError:
                found = ""
            self._intervals[container] = int(found) / 1e9 if found.isdecimal() and int(found) else DEFAULT_INTERVAL
        return self._intervals[container]
