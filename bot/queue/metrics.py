"""Metrics of the queue: runs of jobs, and what waits in the database."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from bot.observability.metrics import Counter, Gauge, Histogram
from bot.queue import admin
from bot.storage.store import Store, now_ms


class RunOutcome(StrEnum):
    """How one run of a job ended."""

    DONE = "done"
    HELD = "held"  # put back: GitHub or a node told it to wait
    TRIED_AGAIN = "tried_again"
    FAILED = "failed"


RUNS = Counter("aios_bot_looks_total", "Runs of jobs, by outcome.", {"look": (), "fate": RunOutcome})
RUN_SECONDS = Histogram("aios_bot_look_seconds", "Duration of a run of a job.", {"look": ()})
OPEN_JOBS = Gauge("aios_bot_queue_looks", "Jobs in the queue.", {"state": ("waiting", "held", "running")})
OLDEST_DUE = Gauge("aios_bot_queue_oldest_seconds", "Age of the oldest job that is due and not done.")
DELIVERIES = Gauge("aios_bot_deliveries", "Deliveries in the database.", {"state": ("received", "failed")})


def declare(job_kinds: Iterable[str]) -> None:
    """Set the values of the label `look`: the queue itself does not know what kinds of jobs there are."""
    kinds = tuple(job_kinds)
    RUNS.declare(look=kinds)
    RUN_SECONDS.declare(look=kinds)


def refresh(store: Store) -> None:
    """Read what the gauges show from the database."""
    for state, count in admin.count_open(store).items():
        OPEN_JOBS.set(count, state=state)
    due = admin.oldest_due(store)
    OLDEST_DUE.set(max(0, now_ms() - due) / 1000 if due else 0)
    for state, count in admin.count_deliveries(store, ("received", "failed")).items():
        DELIVERIES.set(count, state=state)
