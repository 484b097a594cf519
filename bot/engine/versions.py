"""The versions of a node's engine and compose, as an order finds them and its report has them."""

from __future__ import annotations

from typing import NamedTuple

from bot.domain.errors import BotError
from bot.domain.versions import parse_version, render_version
from bot.engine.docker import Docker, DockerError
from bot.engine.programs import OLDEST_COMPOSE, OLDEST_ENGINE, OLDEST_PODMAN


class UnfitEngineError(BotError):
    """The engine or its compose is missing, or too old."""


class UnreachableEngineError(UnfitEngineError):
    """The engine does not answer."""


class EngineVersions(NamedTuple):
    """Name and version of the engine ("Docker Engine 28.1.1"), and compose's version ("2.40.3"); "" if not read."""

    engine: str = ""
    compose: str = ""

    def __str__(self) -> str:
        return f"{self.engine}, compose {self.compose}" if self.compose else self.engine


def read_versions(docker: Docker) -> EngineVersions:
    """The versions of engine and compose as they are now; "" for what cannot be read."""
    try:
        engine = " ".join(docker.server_version())
    except DockerError:
        engine = ""
    try:
        compose = docker.compose_version().removeprefix("v")
    except DockerError:
        compose = ""
    return EngineVersions(engine, compose)


def check_versions(docker: Docker, *, needs_compose: bool = True) -> EngineVersions:
    """The versions of engine and compose, or UnfitEngineError. Compose is only checked when it is needed."""
    try:
        name, engine = docker.server_version()
    except DockerError as problem:
        raise UnreachableEngineError(f"the Docker Engine cannot be reached: {problem}") from None
    _check(name, engine, OLDEST_PODMAN if name == "Podman" else OLDEST_ENGINE)
    if not needs_compose:
        return EngineVersions(f"{name} {engine}")
    try:
        compose = docker.compose_version()
    except DockerError:
        raise UnfitEngineError("`docker compose` is missing: install the docker-compose-plugin package") from None
    _check("docker compose", compose, OLDEST_COMPOSE)
    return EngineVersions(f"{name} {engine}", compose.removeprefix("v"))


def _check(what: str, found: str, oldest: tuple[int, ...]) -> None:
    if not parse_version(found):
        raise UnfitEngineError(f"{what} does not say which version it is ({found[:80]!r}): install it again")
    if parse_version(found) < oldest:
        raise UnfitEngineError(f"{what} {found} is too old: install {render_version(oldest)} or newer")
