"""What the service does by itself: what it looks at when it starts, on a schedule, and when a look says so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from bot.domain.errors import RetryLater
from bot.features.fleets.jobs import FetchMissedDeliveries, SyncAllInstallations
from bot.features.world import World
from bot.git import mirrors
from bot.git.git import GitError
from bot.queue.engine import Schedule
from bot.queue.inbox import Inbox
from bot.queue.retention import forget_finished
from bot.service import metrics
from bot.service.backfill import Backfill
from bot.service.router import Look

TIDY_EVERY = 3600.0  # seconds

_LOG = logging.getLogger("bot.routine")


class Routine:
    """The handler of looks, and the schedules. One in a process."""

    def __init__(
        self,
        world: World,
        inbox: Inbox,
        look_again: Callable[[World, Look], tuple[Look, ...]],
        *,
        keep_days: int,
        mirrors_bytes: int,
        redelivers: bool,
    ) -> None:
        """`redelivers`: whether GitHub can reach this service by webhook."""
        self._world, self._inbox, self._look_again = world, inbox, look_again
        self._keep_days, self._mirrors_bytes = keep_days, mirrors_bytes
        self._stopping = threading.Event()
        self.backfill = Backfill(world.app.client, inbox, redelivers=redelivers)

    def handle(self, look: Look) -> None:
        """Do what `look` asks for, and queue what follows from it."""
        began = time.monotonic()
        try:
            if isinstance(look, FetchMissedDeliveries):
                self.backfill.run()
            else:
                self._inbox.add_looks(self._look_again(self._world, look))
        except GitError as problem:
            self._throw_damaged_away(look, problem)
            raise
        finally:
            metrics.RUN_SECONDS.observe(time.monotonic() - began, look=str(look.__struct_config__.tag))

    def start(self) -> None:
        """Queue what every start looks at: what was missed, and the whole world. Keep the disk tidy from now on."""
        self._inbox.add_looks((FetchMissedDeliveries(), SyncAllInstallations()))
        threading.Thread(target=self._keep_tidy, name="tidy", daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more; does not wait."""
        self._stopping.set()

    def schedules(self) -> Mapping[str, Schedule]:
        """What happens when, once over all replicas."""
        return {
            "backfill": Schedule(cron="*/5 * * * *", task=lambda: self._inbox.add_looks((FetchMissedDeliveries(),))),
            "look-around": Schedule(
                cron="17 */6 * * *", task=lambda: self._inbox.add_looks((SyncAllInstallations(),))
            ),
            "forget": Schedule(cron="43 3 * * *", task=self.forget),
        }

    def forget(self) -> None:
        """Forget what is finished for long. Runs in one replica; each tidies its own disk."""
        gone = forget_finished(self._inbox.store, days=self._keep_days)
        _LOG.info("forgotten: %d looks, %d deliveries, %d plans", *gone)

    def tidy_disk(self) -> None:
        """Keep this machine's mirrors within their bound."""
        used = mirrors.shrink(self._world.mirrors, max_bytes=self._mirrors_bytes)
        metrics.DISK.set(used, what="mirrors")
        metrics.DISK.set(mirrors.measure(self._world.mirrors.parent / "renderings"), what="renderings")

    def _keep_tidy(self) -> None:
        while not self._stopping.wait(TIDY_EVERY):
            try:
                self.tidy_disk()
            except Exception:  # noqa: BLE001 - the next time may go better; nothing depends on it
                _LOG.exception("the disk could not be tidied")

    def _throw_damaged_away(self, look: Look, problem: GitError) -> None:
        """A read that failed may have met a damaged mirror: then RetryLater, to clone it anew."""
        fleet = getattr(look, "fleet", None)
        if fleet is None:
            return
        repos = {fleet, *(pin.upstream for pin in self._world.memory.pins_of(fleet))}
        gone = mirrors.remove_damaged(self._world.mirror(repo) for repo in sorted(repos))
        if gone:
            _LOG.warning("damaged, and cloned anew: %s (%s)", ", ".join(gone), problem)
            raise RetryLater(f"the mirrors {', '.join(gone)} were damaged", seconds=1) from None
