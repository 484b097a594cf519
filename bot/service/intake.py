"""Turn an accepted delivery into its event and jobs, and store both in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from bot.features.commands.jobs import RunCommand
from bot.features.fleets.jobs import Job
from bot.features.fleets.store import PinStore
from bot.github.events import Event, Ping, parse_event
from bot.github.ignored import Ignored, IgnoredReason
from bot.github.webhook import Accepted
from bot.observability.log import hide_secrets
from bot.planner.store import PlanStore
from bot.queue.inbox import Inbox, Receipt
from bot.queue.ledger import Delivery
from bot.service import metrics
from bot.service.metrics import Way
from bot.service.router import encode_job, route


@dataclass(frozen=True)
class Intake:
    """The way of every delivery into the queue: by webhook, and fetched from GitHub's list."""

    inbox: Inbox
    pins: PinStore
    plans: PlanStore

    def receive(self, accepted: Accepted) -> tuple[Receipt, str]:
        """Store a delivery that came by webhook; the second value says why nothing follows, or is empty."""
        return self._store(accepted, Way.WEBHOOK)

    def receive_fetched(self, accepted: Accepted) -> tuple[Receipt, str]:
        """Store a delivery that was fetched from GitHub's list."""
        return self._store(accepted, Way.FETCHED)

    def _store(self, accepted: Accepted, way: Way) -> tuple[Receipt, str]:
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
        receipt = self.inbox.store_delivery(delivery)
        _count(event, ignored, receipt, way)
        return receipt, event.reason if isinstance(event, Ignored) else ""

    def _bind_plan(self, job: Job) -> Job:
        """Bind a comment's command to the plan that its pull request shows now: a later one was never read."""
        if not isinstance(job, RunCommand) or job.number is None:
            return job
        return msgspec.structs.replace(job, bound=self.plans.find_posted(job.fleet, job.number))


def _why_ignored(event: Event | Ignored, jobs: tuple[Job, ...]) -> str:
    if isinstance(event, Ignored):
        return f"{event.reason}: {event.detail}" if event.detail else event.reason
    return "" if jobs or isinstance(event, Ping) else IgnoredReason.NO_FLEET_CONCERNED


def _count(event: Event | Ignored, ignored: str, receipt: Receipt, way: Way) -> None:
    if receipt is Receipt.DUPLICATE:
        metrics.DUPLICATES.count(way=way)
        return
    metrics.DELIVERIES.count(event=str(event.__struct_config__.tag), way=way)
    if ignored:
        metrics.IGNORED.count(reason=event.reason if isinstance(event, Ignored) else ignored)
