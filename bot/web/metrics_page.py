"""/metrics: what the process counted, and how the queue stands in the database."""

from __future__ import annotations

import time
from pathlib import Path

from flask import Flask, Response

from bot.observability.meters import CONTENT_TYPE
from bot.queue import depth
from bot.service import metrics
from bot.storage.store import Store, now_ms

_PAGE_BYTES = 4096  # of /proc/self/statm, on every Linux machine that this runs on
_STARTED = time.time()


def register(app: Flask, store: Store) -> None:
    """Serve the page."""

    @app.get("/metrics")
    def show() -> Response:
        refresh(store)
        return Response(metrics.REGISTRY.render(), content_type=CONTENT_TYPE)


def refresh(store: Store) -> None:
    """Bring the gauges of what stands in the database up to date."""
    for state, count in depth.count_open(store).items():
        metrics.OPEN_LOOKS.set(count, state=state)
    due = depth.oldest_due(store)
    metrics.OLDEST.set(max(0, now_ms() - due) / 1000 if due else 0)
    for state, count in depth.count_deliveries(store, ("received", "failed")).items():
        metrics.OPEN_DELIVERIES.set(count, state=state)
    metrics.DISK.set(store.measure(), what="database")
    metrics.STARTED.set(_STARTED)
    statm = Path("/proc/self/statm")
    if statm.exists():
        metrics.MEMORY.set(int(statm.read_text().split()[1]) * _PAGE_BYTES)
