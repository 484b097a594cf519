"""Counting for operators: counters, gauges and histograms in Prometheus' text format, with closed labels.

A label's values are a closed list, given when the meter is made; anything else is counted as "other". So nobody
outside can make the number of series grow, and nothing hostile reaches the page. Source of the format:
Prometheus' "Text-based format", version 0.0.4.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

OTHER = "other"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_OPEN_AT_MOST = 1_000  # series of a meter with an open label, such as an installation's number

Key = tuple[str, ...]


class Meter:
    """One meter with its labels. `labels`: name to its closed values, or None for numbers that we know."""

    kind = "untyped"

    def __init__(self, name: str, help_text: str, labels: Mapping[str, Iterable[str] | None] | None = None) -> None:
        self.name, self.help = name, help_text
        self.labels = {label: None if closed is None else tuple(closed) for label, closed in (labels or {}).items()}
        self._values: dict[Key, float] = {}
        self._lock = threading.Lock()

    def value(self, **labels: str) -> float:
        """What it stands at."""
        with self._lock:
            return self._values.get(self._key(labels), 0.0)

    def samples(self) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Name, labels and value of each series."""
        with self._lock:
            found = sorted(self._values.items())
        for key, value in found:
            yield self.name, dict(zip(self.labels, key, strict=True)), value

    def _key(self, given: Mapping[str, str]) -> Key:
        if given.keys() != self.labels.keys():
            raise ValueError(f"{self.name} has the labels {sorted(self.labels)}, not {sorted(given)}")
        return tuple(
            given[label] if closed is None or given[label] in closed else OTHER
            for label, closed in self.labels.items()
        )

    def _put(self, key: Key, value: float) -> None:
        if key in self._values or len(self._values) < _OPEN_AT_MOST:
            self._values[key] = value


class Counter(Meter):
    """Only grows."""

    kind = "counter"

    def count(self, amount: float = 1.0, **labels: str) -> None:
        """Add `amount`."""
        key = self._key(labels)
        with self._lock:
            self._put(key, self._values.get(key, 0.0) + amount)


class Gauge(Meter):
    """Goes up and down."""

    kind = "gauge"

    def set(self, value: float, **labels: str) -> None:
        """It stands at `value` now."""
        key = self._key(labels)
        with self._lock:
            self._put(key, value)


class Histogram(Meter):
    """How long something took, in seconds."""

    kind = "histogram"

    def __init__(self, name: str, help_text: str, labels: Mapping[str, Iterable[str] | None] | None = None) -> None:
        super().__init__(name, help_text, labels)
        self._buckets: dict[Key, list[int]] = {}

    def observe(self, seconds: float, **labels: str) -> None:
        """One more that took `seconds`."""
        key = self._key(labels)
        with self._lock:
            buckets = self._buckets.setdefault(key, [0] * (len(_SECONDS) + 1))
            buckets[next((at for at, most in enumerate(_SECONDS) if seconds <= most), len(_SECONDS))] += 1
            self._put(key, self._values.get(key, 0.0) + seconds)

    def samples(self) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Cumulative buckets, sum and count of each series."""
        with self._lock:
            found = [(key, list(self._buckets[key]), total) for key, total in sorted(self._values.items())]
        for key, buckets, total in found:
            labels = dict(zip(self.labels, key, strict=True))
            below = 0
            for most, count in zip((*map(str, _SECONDS), "+Inf"), buckets, strict=True):
                below += count
                yield f"{self.name}_bucket", {**labels, "le": most}, below
            yield f"{self.name}_sum", labels, total
            yield f"{self.name}_count", labels, below


class Registry:
    """All meters of a process, and what has to be asked before they are shown."""

    def __init__(self, meters: Iterable[Meter]) -> None:
        self.meters = tuple(meters)
        self._refreshers: list[Callable[[], None]] = []

    def before_showing(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` each time before the meters are shown: for gauges of what stands in the database."""
        self._refreshers.append(refresh)

    def render(self) -> str:
        """The page."""
        for refresh in self._refreshers:
            refresh()
        lines = []
        for meter in self.meters:
            lines += [f"# HELP {meter.name} {meter.help}", f"# TYPE {meter.name} {meter.kind}"]
            lines += [_line(name, labels, value) for name, labels, value in meter.samples()]
        return "\n".join(lines) + "\n"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    shown = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
    number = str(int(value)) if value == int(value) else repr(value)
    return f"{name}{{{shown}}} {number}" if shown else f"{name} {number}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
