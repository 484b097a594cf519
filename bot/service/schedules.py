"""What the service does without an event: the jobs it queues at start and on a schedule, and its own upkeep."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.features.bump.store import PlanStore
from bot.features.fleets.jobs import FetchMissedDeliveries, Job, SyncAllInstallations
from bot.git import mirrors
from bot.git.mirrors import Mirrors
from bot.observability.metrics import Gauge
from bot.queue.admin import delete_finished
from bot.queue.inbox import Inbox
from bot.queue.timetable import Schedule
from bot.service.router import encode_job

MINUTE, HOUR = 60, 3600  # seconds
TIDY_EVERY = 3600.0  # seconds

_LOG = logging.getLogger("bot.schedules")

DISK_BYTES = Gauge("aios_bot_disk_bytes", "Disk in use.", {"what": ("mirrors", "renderings", "database")})


@dataclass(frozen=True)
class Schedules:
    """The schedules of one process. Each runs once over all replicas; tidying the disk is each machine's own."""

    inbox: Inbox
    mirrors: Mirrors
    plans: PlanStore
    keep_days: int
    mirrors_bytes: int
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Queue what every start reads: missed deliveries, and every installation. Keep the disk tidy from now on."""
        self._queue(FetchMissedDeliveries(), SyncAllInstallations())
        threading.Thread(target=self._keep_tidy, name="tidy", daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more; does not wait."""
        self._stopping.set()

    def by_name(self) -> Mapping[str, Schedule]:
        """What runs when, once over all replicas."""
        return {
            "backfill": Schedule(5 * MINUTE, lambda: self._queue(FetchMissedDeliveries())),
            "look-around": Schedule(6 * HOUR, lambda: self._queue(SyncAllInstallations()), after=17 * MINUTE),
            "forget": Schedule(24 * HOUR, self.delete_old, after=3 * HOUR + 43 * MINUTE),
        }

    def delete_old(self) -> None:
        """Delete what ended long ago."""
        gone = delete_finished(self.inbox.store, days=self.keep_days)
        plans = self.plans.delete_old(days=self.keep_days)
        _LOG.info("deleted: %d jobs, %d deliveries, %d plans", *gone, plans)

    def tidy_disk(self) -> None:
        """Keep this machine's mirrors within their bound."""
        used = mirrors.shrink(self.mirrors.root, max_bytes=self.mirrors_bytes)
        DISK_BYTES.set(used, what="mirrors")
        DISK_BYTES.set(mirrors.measure(self.mirrors.root.parent / "renderings"), what="renderings")

    def _queue(self, *jobs: Job) -> None:
        self.inbox.add_jobs(encode_job(job) for job in jobs)

    def _keep_tidy(self) -> None:
        while not self._stopping.wait(TIDY_EVERY):
            try:
                self.tidy_disk()
            except Exception:  # noqa: BLE001 - the next time may go better; nothing depends on it
                _LOG.exception("the disk could not be tidied; retrying in %.0f s", TIDY_EVERY)
