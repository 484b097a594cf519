"""All metrics of the service, gathered for /metrics and for docs/reference/metrics.md."""

from __future__ import annotations

from typing import get_args

from bot.features.notices.apply.address import NOTICES
from bot.features.notices.apply.conditions import CONDITIONS
from bot.features.outbox.store import Outbox
from bot.features.rollout.apply.rollout import PREDICTIONS
from bot.github.connection import metrics as github
from bot.observability.metrics import DECISIONS, Registry
from bot.queue import metrics as queue
from bot.service import intake
from bot.service.backfill import BACKFILLS
from bot.service.router import AnyJob
from bot.service.schedules import DISK_BYTES
from bot.storage.store import Store, now_ms
from bot.web.webhook import REFUSED

REGISTRY = Registry(
    (
        *(intake.DELIVERIES, intake.DUPLICATES, intake.IGNORED, REFUSED, queue.DELIVERIES),
        *(queue.RUNS, queue.RUN_SECONDS, DECISIONS, PREDICTIONS, queue.OPEN_JOBS, queue.OLDEST_DUE),
        *(github.REQUESTS, github.TOKENS, github.DEFERRALS, github.SPACING_SECONDS),
        *(github.BUDGET, github.BUDGET_LEFT, github.BUDGET_RESET),
        *(BACKFILLS, DISK_BYTES, CONDITIONS, NOTICES),
    )
)


def declare_job_kinds() -> None:
    """Tell the queue's metrics what kinds of jobs there are: at the start, before a job runs."""
    queue.declare(str(kind.__struct_config__.tag) for kind in get_args(AnyJob))
    REGISTRY.initialise()


def render_metrics(store: Store) -> bytes:
    """The page, with the gauges of the queue and of the database as they are now."""
    queue.refresh(store)
    DISK_BYTES.set(store.measure(), what="database")
    for topic, count in Outbox(store).count_open(now=now_ms() // 1000).items():
        CONDITIONS.set(count, topic=topic)
    return REGISTRY.render()
