"""Turn events into jobs, jobs into what the queue stores, and find the function that runs each kind of job."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from bot.domain.errors import RetryLater
from bot.domain.events import Event
from bot.features.bump import jobs as bump
from bot.features.bump.group import plan_group
from bot.features.bump.left import close_left_bump
from bot.features.bump.pull import plan_pull
from bot.features.bump.run import sync_bump
from bot.features.commands import jobs as commands
from bot.features.commands.apply.adopted import adopt_fleet
from bot.features.commands.run import (
    CommandTools,
    acknowledge_command,
    run_close_out,
    run_command,
    sync_command_orders,
)
from bot.features.drift import jobs as drift
from bot.features.drift.run import check_drift
from bot.features.fleets import jobs as fleets
from bot.features.fleets.apply import forget_installation, repeat_checks
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import FoundEvent, Job, Outcome
from bot.features.fleets.read import sync_all_installations
from bot.features.fleets.run import sync_fleet, sync_installation
from bot.features.hub import jobs as hub
from bot.features.hub.run import sync_hub
from bot.features.notices import jobs as notices
from bot.features.notices.apply.conditions import end_waiting, note_access
from bot.features.review import jobs as review
from bot.features.review.run import ReviewTools, review_group, sync_review
from bot.features.rollout import jobs as rollout
from bot.features.rollout.run import sync_rollout
from bot.features.upstream import jobs as upstream
from bot.features.upstream.run import UpstreamTools, sync_upstream, sync_upstream_pull
from bot.features.visitors import jobs as visitors
from bot.features.visitors.run import end_sessions
from bot.features.visitors.store import SessionStore
from bot.github.client import Client
from bot.queue.lanes import QueuedJob

AnyJob = (
    hub.SyncHub
    | bump.SyncBump
    | bump.PlanGroup
    | bump.PlanPull
    | bump.CloseLeftBump
    | rollout.SyncRollout
    | drift.CheckDrift
    | fleets.SyncFleet
    | fleets.SyncInstallation
    | fleets.SyncAllInstallations
    | fleets.ForgetInstallation
    | fleets.RepeatChecks
    | fleets.FetchMissedDeliveries
    | upstream.SyncUpstreamPull
    | upstream.SyncUpstream
    | commands.RunCommand
    | commands.AcknowledgeCommand
    | review.SyncReview
    | review.ReviewGroup
    | commands.CloseOutPull
    | commands.AdoptFleet
    | commands.SyncCommandOrders
    | visitors.EndSessions
    | notices.NoteAccess
    | notices.EndWaiting
)
"""Every kind of job, each stored under its tag."""

Runner = Callable[[Client, Any], Outcome]
"""Runs one kind of job, which is its second argument."""

# In the order in which one event's jobs run: after a merge the nodes come before the next bump.
_FEATURES = (commands, rollout, bump, fleets, drift, review, upstream, hub, notices, visitors)
_DECODER: msgspec.json.Decoder[AnyJob] = msgspec.json.Decoder(AnyJob)
_UNKNOWN_KIND_WAITS = 60.0  # seconds, in which a newer replica may take the job


def route(event: Event | FoundEvent, index: PinIndex) -> tuple[Job, ...]:
    """The jobs that `event` calls for, of all features; empty when no fleet is concerned."""
    return tuple(dict.fromkeys(job for feature in _FEATURES for job in feature.triggers(event, index)))


def encode_job(job: Job) -> QueuedJob:
    """What the queue stores of `job`."""
    kind = str(job.__struct_config__.tag)
    return QueuedJob(key=job.key, kind=kind, body=msgspec.json.encode(job).decode())


def decode_job(queued: QueuedJob) -> AnyJob:
    """The job that was stored. RetryLater for a kind that only a newer replica knows."""
    try:
        return _DECODER.decode(queued.body)
    except msgspec.ValidationError as problem:
        text = f"this version cannot read the job {queued.kind} ({problem}); a newer replica may"
        raise RetryLater(text, seconds=_UNKNOWN_KIND_WAITS) from None


def make_runners(
    tools: CommandTools,
    reviews: ReviewTools,
    upstreams: UpstreamTools,
    sessions: SessionStore,
    fetch_missed: Callable[[], Outcome],
) -> dict[type[Job], Runner]:
    """A runner for every kind of job."""
    return {
        fleets.FetchMissedDeliveries: lambda _client, _job: fetch_missed(),
        fleets.SyncAllInstallations: lambda _client, _job: sync_all_installations(tools.fleets),
        fleets.SyncInstallation: partial(sync_installation, tools.fleets),
        fleets.ForgetInstallation: lambda _client, job: forget_installation(tools.fleets, job),
        fleets.SyncFleet: partial(sync_fleet, tools.fleets),
        fleets.RepeatChecks: repeat_checks,
        bump.SyncBump: partial(sync_bump, tools.bump),
        bump.PlanGroup: partial(plan_group, tools.bump),
        bump.PlanPull: partial(plan_pull, tools.bump),
        bump.CloseLeftBump: partial(close_left_bump, tools.bump),
        rollout.SyncRollout: partial(sync_rollout, tools.rollout),
        drift.CheckDrift: partial(check_drift, tools.rollout),
        review.SyncReview: partial(sync_review, reviews),
        review.ReviewGroup: partial(review_group, reviews),
        upstream.SyncUpstream: sync_upstream,
        upstream.SyncUpstreamPull: partial(sync_upstream_pull, upstreams),
        hub.SyncHub: partial(sync_hub, tools.fleets),
        notices.NoteAccess: lambda _client, job: note_access(tools.rollout.outbox, tools.fleets.now, job),
        notices.EndWaiting: lambda _client, job: end_waiting(
            tools.rollout.outbox, reviews.waiting, tools.fleets.now, job
        ),
        commands.AcknowledgeCommand: partial(acknowledge_command, tools),
        commands.RunCommand: partial(run_command, tools),
        commands.SyncCommandOrders: partial(sync_command_orders, tools),
        commands.CloseOutPull: partial(run_close_out, tools),
        commands.AdoptFleet: partial(adopt_fleet, tools),
        visitors.EndSessions: partial(end_sessions, sessions),
    }
