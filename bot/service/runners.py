"""Which function runs which kind of job."""

from __future__ import annotations

from functools import partial

from bot.features.bump.jobs import SyncBump
from bot.features.bump.run import sync_bump
from bot.features.commands import jobs as command_jobs
from bot.features.commands.run import (
    CommandTools,
    acknowledge_command,
    run_close_out,
    run_command,
    sync_command_orders,
)
from bot.features.drift.jobs import CheckDrift
from bot.features.drift.run import check_drift
from bot.features.fleets.apply import forget_installation, repeat_checks
from bot.features.fleets.jobs import (
    FetchMissedDeliveries,
    ForgetInstallation,
    Job,
    RepeatChecks,
    SyncAllInstallations,
    SyncFleet,
    SyncInstallation,
)
from bot.features.fleets.read import sync_all_installations
from bot.features.fleets.run import sync_fleet, sync_installation
from bot.features.hub.jobs import SyncHub
from bot.features.hub.run import sync_hub
from bot.features.review.jobs import SyncReview
from bot.features.review.run import ReviewTools, sync_review
from bot.features.rollout.jobs import SyncRollout
from bot.features.rollout.run import sync_rollout
from bot.features.upstream.jobs import SyncUpstream, SyncUpstreamPull
from bot.features.upstream.run import UpstreamTools, sync_upstream, sync_upstream_pull
from bot.service.backfill import Backfill
from bot.service.worker import Runner


def make_runners(
    commands: CommandTools, review: ReviewTools, upstream: UpstreamTools, backfill: Backfill
) -> dict[type[Job], Runner]:
    """A runner for every kind of job."""
    fleets = commands.fleets
    return {
        FetchMissedDeliveries: lambda _client, _job: backfill.run_job(),
        SyncAllInstallations: lambda _client, _job: sync_all_installations(fleets.app),
        SyncInstallation: partial(sync_installation, fleets),
        ForgetInstallation: lambda _client, job: forget_installation(fleets, job),
        SyncFleet: partial(sync_fleet, fleets),
        RepeatChecks: repeat_checks,
        SyncBump: partial(sync_bump, commands.bump),
        SyncRollout: partial(sync_rollout, commands.rollout),
        CheckDrift: partial(check_drift, commands.rollout),
        SyncReview: partial(sync_review, review),
        SyncUpstream: sync_upstream,
        SyncUpstreamPull: partial(sync_upstream_pull, upstream),
        SyncHub: partial(sync_hub, fleets),
        command_jobs.AcknowledgeCommand: acknowledge_command,
        command_jobs.RunCommand: partial(run_command, commands),
        command_jobs.SyncCommandOrders: partial(sync_command_orders, commands),
        command_jobs.CloseOutPull: partial(run_close_out, commands),
    }
