"""Turn events into jobs, and jobs into what the queue stores."""

from __future__ import annotations

import msgspec

from bot.domain.errors import RetryLater
from bot.domain.events import Event
from bot.features.bump import jobs as bump
from bot.features.commands import jobs as commands
from bot.features.drift import jobs as drift
from bot.features.fleets import jobs as fleets
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import FoundEvent, Job
from bot.features.hub import jobs as hub
from bot.features.review import jobs as review
from bot.features.rollout import jobs as rollout
from bot.features.upstream import jobs as upstream
from bot.queue.ledger import QueuedJob

AnyJob = (
    hub.SyncHub
    | bump.SyncBump
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
    | commands.CloseOutPull
    | commands.SyncCommandOrders
)
"""Every kind of job, each stored under its tag."""

_FEATURES = (bump, fleets, commands, rollout, drift, review, upstream, hub)
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
