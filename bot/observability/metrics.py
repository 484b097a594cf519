"""Prometheus metrics with closed label sets.

The values of a label are a closed list, and any other value is counted as "other". A label without a list (None)
takes numbers of our own, such as an installation's, up to MAX_SERIES series of the metric. So nobody outside can
make the number of series grow, and no hostile text reaches the page.

Where prometheus_client is not installed, as on a node, every call does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import product
from math import prod
from typing import Generic, TypeVar

try:
    import prometheus_client as prometheus
except ModuleNotFoundError:
    INSTALLED = False
else:
    INSTALLED = True
    # A second series for each counter, with the time of its first value: no dashboard reads them.
    prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]  # not annotated there

OTHER = "other"
MAX_SERIES = 1_000  # of one metric
CONTENT_TYPE = prometheus.CONTENT_TYPE_PLAIN_0_0_4 if INSTALLED else "text/plain"
MOST_INITIALISED = 40  # series of one counter that are shown before there is anything to count
_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

_T = TypeVar("_T", bound="prometheus.metrics.MetricWrapperBase")


class Metric(Generic[_T]):
    """A metric of a service: its name, its help text, and its labels as they were given."""

    kind = "untyped"

    def __init__(self, name: str, help_text: str, labels: Mapping[str, Iterable[str] | None] | None = None) -> None:
        """`labels`: name to the closed list of its values, or None for numbers of our own.

        A list may be empty here and filled by `declare`.
        """
        self.name, self.help = name, help_text
        self.labels: dict[str, tuple[str, ...] | None] = {
            label: None if values is None else tuple(map(str, values)) for label, values in (labels or {}).items()
        }
        self._allowed = dict(self.labels)
        self._series: dict[tuple[str, ...], _T] = {}
        self._lock = threading.Lock()
        self.collector: _T | None = self._create() if INSTALLED else None

    def _create(self) -> _T:
        raise NotImplementedError

    def declare(self, **labels: Iterable[str]) -> None:
        """Add values to the closed lists: for a metric whose values are known only to the packages above its own."""
        for label, values in labels.items():
            self._allowed[label] = tuple(dict.fromkeys([*(self._allowed[label] or ()), *map(str, values)]))

    def initialise(self) -> None:
        """Begin every series at 0 where there are few: a rate knows nothing of a series that begins at 1."""
        values = [self._allowed[label] or () for label in self.labels]
        if 0 < prod(map(len, values)) <= MOST_INITIALISED and self.kind == "counter":
            for key in product(*values):
                self._find_series(dict(zip(self.labels, key, strict=True)))

    def _find_series(self, given: Mapping[str, str]) -> _T | None:
        """The series with these labels; None where it would be one too many. ValueError for other label names."""
        if given.keys() != self.labels.keys():
            raise ValueError(f"{self.name} has the labels {sorted(self.labels)}, not {sorted(given)}")
        key = tuple(
            str(given[label]) if values is None or given[label] in values else OTHER
            for label, values in self._allowed.items()
        )
        if self.collector is None:
            return None
        with self._lock:
            if key not in self._series and len(self._series) < MAX_SERIES:
                self._series[key] = self.collector.labels(*key) if key else self.collector
            return self._series.get(key)


class Counter(Metric["prometheus.Counter"]):
    """A number that only grows."""

    kind = "counter"

    def _create(self) -> prometheus.Counter:
        return prometheus.Counter(self.name, self.help, tuple(self.labels), registry=None)

    def inc(self, amount: float = 1.0, **labels: str) -> None:
        """Add `amount`; nothing when it is negative, for which prometheus_client would raise ValueError."""
        series = self._find_series(labels)
        if series is not None:
            series.inc(max(amount, 0.0))


class Gauge(Metric["prometheus.Gauge"]):
    """A number that goes up and down."""

    kind = "gauge"

    def _create(self) -> prometheus.Gauge:
        return prometheus.Gauge(self.name, self.help, tuple(self.labels), registry=None)

    def set(self, value: float, **labels: str) -> None:
        """Set it to `value`."""
        series = self._find_series(labels)
        if series is not None:
            series.set(value)


class Histogram(Metric["prometheus.Histogram"]):
    """A distribution of durations in seconds."""

    kind = "histogram"

    def _create(self) -> prometheus.Histogram:
        return prometheus.Histogram(self.name, self.help, tuple(self.labels), registry=None, buckets=_SECONDS)

    def observe(self, seconds: float, **labels: str) -> None:
        """Count one that took `seconds`."""
        series = self._find_series(labels)
        if series is not None:
            series.observe(seconds)


class Registry:
    """The metrics that one page shows, in their order, and after them those of the process itself.

    Not prometheus_client's registry: to that a counter `deliveries_total` and a gauge `deliveries` are one name
    twice, as they are in the OpenMetrics format, which is therefore not offered.
    """

    def __init__(self, metrics: Iterable[Counter | Gauge | Histogram]) -> None:
        self.metrics = tuple(metrics)

    def initialise(self) -> None:
        """Begin the series of counters with few of them at 0."""
        for metric in self.metrics:
            metric.initialise()

    def render(self) -> bytes:
        """The page in Prometheus' text format, version 0.0.4."""
        if not INSTALLED:
            return b""
        collectors = [metric.collector for metric in self.metrics if metric.collector is not None]
        return b"".join(map(prometheus.generate_latest, (*collectors, prometheus.ProcessCollector(registry=None))))


DECISIONS = Counter("aios_bot_decisions_total", "Decisions, by reason.", {"look": (), "reason": ()})


def decision_counter(look: str, reasons: type[StrEnum]) -> Callable[[StrEnum], None]:
    """A function that counts one decision by its reason, which is one of `reasons`. Each feature makes its own.

    count_decision = decision_counter("bump", BumpReason)
    count_decision(decision.reason)
    """
    DECISIONS.declare(look=(look,), reason=reasons)
    return lambda reason: DECISIONS.inc(look=look, reason=reason)
