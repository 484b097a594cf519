"""Judge from their containers whether services are healthy, have failed, or need more time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from bot.domain.names import ServiceName
from bot.engine.containers import Container
from bot.protocol.outcome import UnhealthyService

Watched = Mapping[str, Sequence[ServiceName]]
"""Services by project."""


class ServiceKind(StrEnum):
    """What a service's own file says it is, as far as it does."""

    LASTING = "lasting"  # it publishes a port or has a healthcheck: it does not end by itself
    ONE_SHOT = "one_shot"  # another service waits until it ended well
    PROVIDED = "provided"  # a program of the node provides it: it never has a container
    SCALED_AWAY = "scaled_away"  # scaled to no container


Kinds = Mapping[tuple[str, ServiceName], ServiceKind]
"""Kinds of services by project and name; of a service that is not there its file says nothing."""


def find_kinds(project: str, model: Mapping[str, Any]) -> dict[tuple[str, ServiceName], ServiceKind]:
    """The kinds of a resolved model's services."""
    kinds: dict[tuple[str, ServiceName], ServiceKind] = {}
    services = model["services"]
    conditions = {
        (name, (spec or {}).get("condition"))
        for service in services.values()
        for name, spec in (service.get("depends_on") or {}).items()
    }
    for name, spec in services.items():
        check = spec.get("healthcheck") or {}
        checked = bool(check.get("test")) and not check.get("disable") and check["test"][0] != "NONE"
        if spec.get("provider"):
            kinds[project, name] = ServiceKind.PROVIDED
        elif _replicas(spec) == 0:
            kinds[project, name] = ServiceKind.SCALED_AWAY
        elif (name, "service_completed_successfully") in conditions:
            kinds[project, name] = ServiceKind.ONE_SHOT
        elif spec.get("ports") or checked or (name, "service_healthy") in conditions:
            kinds[project, name] = ServiceKind.LASTING
    return kinds


def _replicas(spec: Mapping[str, Any]) -> object:
    deployed = spec.get("deploy")
    return deployed.get("replicas", 1) if isinstance(deployed, dict) else spec.get("scale", 1)


def is_healthy(container: Container) -> bool:
    """Whether a sample of a container is good: it runs and is not unhealthy, or it is a one-shot that succeeded."""
    return is_completed(container) or (container.status == "running" and container.health in ("", "healthy"))


def is_completed(container: Container) -> bool:
    """Whether this is a one-shot that did its work."""
    return (
        container.status == "exited" and container.exit_code == 0 and container.restart_policy in ("no", "on-failure")
    )


def is_proven(container: Container) -> bool:
    """Whether a container needs no further watch: its healthcheck passes, or it is a one-shot that did its work."""
    return container.health == "healthy" or is_completed(container)


def find_failure(
    container: Container, before: Container | None, *, kinds: Kinds | None = None, first: bool
) -> UnhealthyService | None:
    """Why a container cannot become healthy any more: it exited, keeps restarting, or its healthcheck fails.

    `before` is the sample of it before this one; on the first sample after a change, that of before the change.
    """
    text = ""
    lasts = (kinds or {}).get((container.project, container.service)) is ServiceKind.LASTING
    completed = is_completed(container) and not lasts
    if before is None:
        restarted = container.restarts > 0
    elif first:
        # In between lies a restart that was ordered, after which the engine counts from 0.
        restarted = container.started != before.started and container.restarts not in (0, before.restarts)
    else:
        restarted = container.started != before.started
    if container.status == "restarting" or restarted:
        # Between two restarts the engine shows the running one's code, which is 0.
        text = "keeps restarting" + (f" (exit code {container.exit_code})" if container.exit_code else "")
    elif container.status in ("exited", "dead") and not completed:
        text = f"exited with code {container.exit_code}"
    elif container.health == "unhealthy":
        text = "its healthcheck fails"
    return UnhealthyService(project=container.project, service=container.service, text=text) if text else None


def find_waiting(
    watched: Watched, containers: Sequence[Container], kinds: Kinds | None = None
) -> list[UnhealthyService]:
    """The watched services that are not healthy yet, each with the reason; a one-shot is when it has ended."""
    waiting = []
    for project, services in watched.items():
        for service in services:
            own = [c for c in containers if (c.project, c.service) == (project, service)]
            ends = (kinds or {}).get((project, service)) is ServiceKind.ONE_SHOT
            late = next((c for c in own if not (is_completed(c) if ends else is_healthy(c))), None)
            if not own:
                waiting.append(UnhealthyService(project=project, service=service, text="has no container"))
            elif late:
                text = f"is still {late.health or late.status}"
                waiting.append(UnhealthyService(project=project, service=service, text=text))
    return waiting
