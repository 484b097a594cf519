"""The job that asks nodes whether they still run what was deployed, and what triggers it."""

from __future__ import annotations

from bot.domain.events import DeploymentChanged, Event, WorkflowRunCompleted
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import FleetRead, FoundEvent, Job, PinsJob


class CheckDrift(PinsJob, frozen=True, tag="drift"):
    """Check whether the nodes still run what was deployed. Leads to read-only orders, and to issues."""


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for.

    A drift check whose node never answers ends only with its workflow run; one that found its node busy goes on
    when the other order has ended.
    """
    match event:
        case WorkflowRunCompleted():
            fleet, bases = event.repo, [pin.base for pin in index.pins_of(event.repo)]
        case DeploymentChanged() if event.task.startswith("drift:"):
            fleet, bases = event.repo, [pin.base for pin in index.pins_of(event.repo)]
        case FleetRead():
            fleet, bases = event.fleet, list(event.bases)
        case _:
            return []
    return [CheckDrift(fleet=fleet, installation=event.installation, base=base) for base in dict.fromkeys(bases)]
