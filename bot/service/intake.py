"""Turn an accepted delivery into its event and jobs, and store both in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

import msgspec

from bot.domain.events import Event, Ping
from bot.features.bump.store import PlanStore
from bot.features.commands.jobs import RunCommand
from bot.features.fleets.jobs import Job
from bot.features.fleets.store import PinStore
from bot.github.events import parse_event
from bot.github.ignored import Ignored, IgnoredReason
from bot.github.webhook import Accepted
from bot.observability.log import hide_secrets
from bot.observability.metrics import Counter
from bot.queue.inbox import Inbox, Stored
from bot.queue.lanes import Delivery
from bot.service.router import encode_job, route
from bot.web.webhook import Receipt


class DeliverySource(StrEnum):
    """How a delivery reached the service."""

    WEBHOOK = "webhook"
    FETCHED = "fetched"  # from GitHub's list: it was missed, or the service has no ingress


DELIVERIES = Counter(
    "aios_bot_deliveries_total",
    "Deliveries stored, by source.",
    {"event": [str(kind.__struct_config__.tag) for kind in get_args(Event)], "way": DeliverySource},
)
DUPLICATES = Counter(
    "aios_bot_deliveries_known_total", "Deliveries that were stored before.", {"way": DeliverySource}
)
IGNORED = Counter(
    "aios_bot_deliveries_ignored_total",
    "Stored deliveries that lead to no job, by reason.",
    {"reason": IgnoredReason},
)


@dataclass(frozen=True)
class Intake:
    """The way of every delivery into the queue: by webhook, and fetched from GitHub's list."""

    inbox: Inbox
    pins: PinStore
    plans: PlanStore

    def receive(self, accepted: Accepted, source: DeliverySource = DeliverySource.WEBHOOK) -> Receipt:
        """Store a delivery with the jobs that it calls for."""
        event = parse_event(accepted.name, accepted.body)
        jobs = () if isinstance(event, Ignored) else tuple(map(self._bind_plan, route(event, self.pins.snapshot())))
        ignored = _why_ignored(event, jobs)
        text = msgspec.json.encode(event).decode()
        delivery = Delivery(
            guid=accepted.guid,
            name=accepted.name,
            action=str(getattr(event, "action", "")),
            event=hide_secrets(text) if isinstance(event, Ignored) else text,
            ignored=ignored,
            jobs=tuple(encode_job(job) for job in jobs),
        )
        stored = self.inbox.store_delivery(delivery)
        _count(event, ignored, stored, source)
        return Receipt(stored, event.reason if isinstance(event, Ignored) else "")

    def _bind_plan(self, job: Job) -> Job:
        """Bind a comment's command to the plan that its pull request shows now: a later one was never read."""
        if not isinstance(job, RunCommand) or job.number is None:
            return job
        return msgspec.structs.replace(job, bound=self.plans.find_posted(job.fleet, job.number))


def _why_ignored(event: Event | Ignored, jobs: tuple[Job, ...]) -> str:
    if isinstance(event, Ignored):
        return f"{event.reason}: {event.detail}" if event.detail else event.reason
    return "" if jobs or isinstance(event, Ping) else IgnoredReason.NO_FLEET_CONCERNED


def _count(event: Event | Ignored, ignored: str, stored: Stored, source: DeliverySource) -> None:
    if stored is Stored.DUPLICATE:
        DUPLICATES.inc(way=source)
        return
    DELIVERIES.inc(event=str(event.__struct_config__.tag), way=source)
    if ignored:
        IGNORED.inc(reason=event.reason if isinstance(event, Ignored) else ignored)
