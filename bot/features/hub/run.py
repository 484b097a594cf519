"""Keep the pull request with a hub's documents: read the fleets, render, propose."""

from __future__ import annotations

import logging

from bot.domain.names import BranchName
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.read import fetch_all
from bot.features.fleets.run import FleetTools
from bot.features.hub.apply import propose_documents, read_documents
from bot.features.hub.jobs import SyncHub
from bot.features.hub.read import read_hub, read_listed_fleets, update_listed_fleets
from bot.features.hub.text import DECIDING, README, render_documents, render_title
from bot.fleetfile.problems import YamlFileError
from bot.github.client import Client
from bot.github.endpoints import repository

log = logging.getLogger(__name__)

BRANCH = BranchName("aios-bot/fleet-documents")


def sync_hub(tools: FleetTools, client: Client, job: SyncHub) -> Outcome:
    """Keep the hub's one pull request; once more, with access to them, when the hub's own file lists other fleets."""
    found = repository.find_repository(client, job.hub)
    if found is None:
        log.info("hub %s: the App has no access to it", job.hub)
        return ()
    fetch_all(tools, client, [job.hub])
    mirror = tools.mirrors.of(job.hub)
    start = mirror.resolve(f"refs/heads/{found.default_branch}")
    if start is None:
        log.info("hub %s: %s has no commit yet", job.hub, found.default_branch)
        return ()
    try:
        listed = read_listed_fleets(tools, client, job.hub, start)
    except YamlFileError:
        return ()  # told on the hub's head; until it is put right, nothing changes
    if update_listed_fleets(tools, job, listed or frozenset()):
        return (job,)
    pins = tuple(pin for pin in tools.pins.pins_shown_by(job.hub) if pin.installation == job.installation)
    fetch_all(tools, client, [*(pin.fleet for pin in pins), *(pin.upstream for pin in pins)])
    view = read_hub(tools, client, job.hub, pins, listed=listed, hub_private=found.private)
    done = propose_documents(
        client,
        job.hub,
        mirror,
        base=BranchName(found.default_branch),
        branch=BRANCH,
        files=render_documents(view, read_documents(mirror, start, (README, DECIDING))),
        title=render_title(view),
        body="What the fleets pin and run now. The bot keeps this pull request up to date; merge it when you like.",
        login=tools.app.login(),
        pins=tools.pins,
    )
    log.info("hub %s: %s", job.hub, done)
    return ()
