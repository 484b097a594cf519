"""The reference page of the meters, made from the list of them (bot.service.metrics)."""

from __future__ import annotations

from bot.observability.meters import Meter
from bot.service.metrics import REGISTRY

_SHOWN = 7  # values of a label that are written out; longer lists are those of looks, events and reasons

_HEAD = """\
# Metrics

What `GET /metrics` shows, in Prometheus' text format. Made from the code by `make docs`. Labels have closed lists of
values (one that is not on its list is counted as `other`), except the number of an installation.

| name | kind | labels | what it tells |
|---|---|---|---|
"""


def render_metrics() -> str:
    """docs/reference/metrics.md."""
    rows = [f"| `{meter.name}` | {meter.kind} | {_labels(meter)} | {meter.help} |" for meter in REGISTRY.meters]
    return _HEAD + "\n".join(rows) + "\n"


def _labels(meter: Meter) -> str:
    told = []
    for label, values in meter.labels.items():
        shown = values is not None and len(values) <= _SHOWN
        told.append(f"`{label}`: {', '.join(values or ())}" if shown else f"`{label}`")
    return "; ".join(told)
