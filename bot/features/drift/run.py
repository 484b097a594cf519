"""Ask the nodes whether they still run what was deployed, and keep an issue for each difference."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from bot.domain.errors import RetryLater
from bot.features.drift.apply import check_pin
from bot.features.drift.jobs import CheckDrift
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.read import fetch_fleet
from bot.features.rollout.run import RolloutTools
from bot.github.client import Client
from bot.github.endpoints import issues

log = logging.getLogger(__name__)


def check_drift(tools: RolloutTools, client: Client, job: CheckDrift) -> Outcome:
    """Check each node that is due. Leads to the same job again at the time of the next check."""
    at, pins = fetch_fleet(tools.fleets, client, job.fleet, job.base)
    wanted = [pin for pin in pins if job.submodule in (None, pin.submodule)]
    if at is None or not at.file.nodes:
        return ()
    known = issues.find_issues_of(client, at.repo, tools.fleets.app.login())
    times: list[int] = []
    follow_up: list[CheckDrift] = []
    for pinned in wanted:
        try:
            times += check_pin(tools, client, at, pinned, known)
        except RetryLater:
            raise  # it holds for the whole installation
        except Exception:
            if len(wanted) == 1:
                raise
            log.exception("drift of %s on %s of %s failed; retried by itself", pinned.submodule, job.base, job.fleet)
            follow_up.append(replace(job, submodule=pinned.submodule, not_before=0))
    if times:
        follow_up.append(replace(job, not_before=min(times)))
    return tuple(follow_up)
