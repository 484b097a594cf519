"""Ask the nodes whether they still run what was deployed, and keep an issue for each difference."""

from __future__ import annotations

from msgspec.structs import replace

from bot.features.drift.apply import check_pin
from bot.features.drift.jobs import CheckDrift
from bot.features.fleets.apply import work_pin_by_pin
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.read import fetch_fleet
from bot.features.rollout.run import RolloutTools
from bot.github.client import Client
from bot.github.endpoints import issues


def check_drift(tools: RolloutTools, client: Client, job: CheckDrift) -> Outcome:
    """Check each node that is due. Leads to the same job again at the time of the next check."""
    at, pins = fetch_fleet(tools.fleets, client, job.fleet, job.base)
    if at is None or not at.file.nodes:
        return ()
    known = issues.find_issues_of(client, at.repo, tools.fleets.app.login())
    times: list[int] = []
    alone = work_pin_by_pin(job, pins, lambda pinned: times.extend(check_pin(tools, client, at, pinned, known)))
    return (*alone, *([replace(job, not_before=min(times))] if times else []))
