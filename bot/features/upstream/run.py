"""Tell the pull requests of an upstream what they would do to the fleets that pin it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.names import BranchName, PullNumber
from bot.features.bump.read import PlanTools
from bot.features.fleets.jobs import Outcome, PullsListed
from bot.features.fleets.read import fetch_all
from bot.features.fleets.run import FleetTools
from bot.features.upstream.apply import post_view
from bot.features.upstream.jobs import SyncUpstream, SyncUpstreamPull
from bot.features.upstream.read import find_shown_pins, read_upstream_view
from bot.github.client import Client
from bot.github.endpoints import repository


@dataclass(frozen=True)
class UpstreamTools:
    """What the plans for upstream's pull requests use."""

    fleets: FleetTools
    plans: PlanTools


def sync_upstream(client: Client, job: SyncUpstream) -> Outcome:
    """List the open pull requests; leads to a job for each, and to their reviews."""
    numbers = tuple(PullNumber(pull.number) for pull in repository.find_open_pulls(client, job.upstream))
    upstream, installation = job.upstream, job.installation
    plans = (SyncUpstreamPull(upstream=upstream, installation=installation, number=one) for one in numbers)
    return (*plans, PullsListed(repo=upstream, installation=installation, numbers=numbers))


def sync_upstream_pull(tools: UpstreamTools, client: Client, job: SyncUpstreamPull) -> Outcome:
    """Plan an open pull request for every fleet that may be shown there, and post the result."""
    pull = repository.read_pull(client, job.upstream, job.number)
    if pull.state != "open":
        return ()
    pins = find_shown_pins(tools, client, job, BranchName(pull.base.ref))
    if not pins:
        return ()
    fetch_all(tools.fleets, client, [pin.fleet for pin in pins])
    tools.fleets.mirrors.of(job.upstream).fetch(client.token, pull=job.number)
    view = read_upstream_view(tools, job.upstream, job.number, pull, pins)
    if view is None or not (view.plans or view.broken):
        return ()
    for one in view.plans:
        tools.plans.store.save(one.plan)
    post_view(tools, client, job, view)
    return ()
