"""Judge from their containers whether services are healthy, have failed, or need more time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.names import ServiceName
from bot.engine.containers import Container
from bot.protocol.outcome import UnhealthyService

Watched = Mapping[str, Sequence[ServiceName]]
"""Services by project."""


def is_healthy(container: Container) -> bool:
    """Whether a sample of a container is good: it runs and is not unhealthy, or it is a one-shot that succeeded."""
    return is_completed(container) or (container.status == "running" and container.health in ("", "healthy"))


def is_completed(container: Container) -> bool:
    """Whether this is a one-shot that did its work."""
    return (
        container.status == "exited" and container.exit_code == 0 and container.restart_policy in ("no", "on-failure")
    )


def find_failure(container: Container, before: Container | None, *, first: bool) -> UnhealthyService | None:
    """Why a container cannot become healthy any more: it exited, keeps restarting, or its healthcheck fails.

    `before` is the sample of it before this one; on the first sample after a change, that of before the change.
    """
    text = ""
    # Between the change and the first sample lies a restart that was ordered.
    restarted = container.restarts > 0 if before is None else not first and container.started != before.started
    if container.status == "restarting" or restarted:
        # Between two restarts the engine shows the running one's code, which is 0.
        text = "keeps restarting" + (f" (exit code {container.exit_code})" if container.exit_code else "")
    elif container.status in ("exited", "dead") and not is_completed(container):
        text = f"exited with code {container.exit_code}"
    elif container.health == "unhealthy":
        text = "its healthcheck fails"
    return UnhealthyService(project=container.project, service=container.service, text=text) if text else None


def find_waiting(watched: Watched, containers: Sequence[Container]) -> list[UnhealthyService]:
    """The watched services that are not healthy yet, each with the reason."""
    waiting = []
    for project, services in watched.items():
        for service in services:
            own = [c for c in containers if (c.project, c.service) == (project, service)]
            late = next((c for c in own if not is_healthy(c)), None)
            if not own:
                waiting.append(UnhealthyService(project=project, service=service, text="has no container"))
            elif late:
                text = f"is still {late.health or late.status}"
                waiting.append(UnhealthyService(project=project, service=service, text=text))
    return waiting
