"""The reference page of the service's metrics."""

from __future__ import annotations

from collections.abc import Mapping

from bot.service.metrics import REGISTRY

_MAX_SHOWN = 7  # values of one label; the longer lists are those of jobs, events and reasons

_HEAD = """\
# Metrics

What `GET /metrics` shows, in Prometheus' text format. Made from the code by `make docs`. Labels have closed lists of
values (any other value is counted as `other`), except the number of an installation. `look` is the kind of a job.

| name | kind | labels | what it counts |
|---|---|---|---|
"""

_FOOT = """
On Linux, also the metrics of the process that every Prometheus client has: `process_virtual_memory_bytes`,
`process_resident_memory_bytes`, `process_start_time_seconds`, `process_cpu_seconds_total`, `process_open_fds`,
`process_max_fds`.
"""


def render_metrics() -> str:
    """docs/reference/metrics.md."""
    rows = [f"| `{m.name}` | {m.kind} | {_render_labels(m.labels)} | {m.help} |" for m in REGISTRY.metrics]
    return _HEAD + "\n".join(rows) + "\n" + _FOOT


def _render_labels(labels: Mapping[str, tuple[str, ...] | None]) -> str:
    return "; ".join(
        f"`{label}`: {', '.join(values)}" if values and len(values) <= _MAX_SHOWN else f"`{label}`"
        for label, values in labels.items()
    )
