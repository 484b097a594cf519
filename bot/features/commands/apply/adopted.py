"""Keep what people decided with the repository that they decided it in, whatever its name is by now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bot.features.commands.jobs import AdoptFleet
from bot.features.fleets.jobs import FleetReplaced, Outcome
from bot.github.client import Client

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools

log = logging.getLogger(__name__)


def adopt_fleet(tools: CommandTools, _client: Client, job: AdoptFleet) -> Outcome:
    """Drop what is stored of the repository that had this name, and take over what this one had under another.

    Notices end with either; what is the case is found again.
    """
    outbox = tools.rollout.outbox
    for name in (job.fleet, *((job.before,) if job.before else ())):
        for scope in outbox.find_scopes(name):
            outbox.replace(name, scope, (), now=int(tools.fleets.now()))
    tools.commands.adopt(job.fleet, job.installation, job.identity, job.before)
    log.warning("%s has what was decided in %s", job.fleet, job.before or "it alone, and nothing of before")
    return (FleetReplaced(job.fleet, job.installation, job.identity, job.before, adopted=True),)
