"""Meters in Prometheus' text format, with labels nobody outside can add to."""

from __future__ import annotations

import re

import pytest

from bot.observability.meters import Counter, Gauge, Histogram, Registry
from bot.service.metrics import REGISTRY


def test_the_page() -> None:
    asked = Counter("asked_total", "Questions.", {"kind": ("a", "b")})
    left, took = Gauge("left", "What is left.", {"of": None}), Histogram("took_seconds", "How long.")
    registry = Registry((asked, left, took))
    registry.before_showing(lambda: left.set(2.5, of='a "b"\n\\'))
    asked.count(kind="b")
    asked.count(2, kind="hostile\n")
    took.observe(0.3)
    took.observe(1000)
    assert registry.render() == (
        "# HELP asked_total Questions.\n# TYPE asked_total counter\n"
        'asked_total{kind="b"} 1\nasked_total{kind="other"} 2\n'
        "# HELP left What is left.\n# TYPE left gauge\n"
        'left{of="a \\"b\\"\\n\\\\"} 2.5\n'
        "# HELP took_seconds How long.\n# TYPE took_seconds histogram\n"
        'took_seconds_bucket{le="0.1"} 0\ntook_seconds_bucket{le="0.5"} 1\ntook_seconds_bucket{le="1.0"} 1\n'
        'took_seconds_bucket{le="2.5"} 1\ntook_seconds_bucket{le="5.0"} 1\ntook_seconds_bucket{le="10.0"} 1\n'
        'took_seconds_bucket{le="30.0"} 1\ntook_seconds_bucket{le="60.0"} 1\ntook_seconds_bucket{le="300.0"} 1\n'
        'took_seconds_bucket{le="+Inf"} 2\ntook_seconds_sum 1000.3\ntook_seconds_count 2\n'
    )


def test_other_labels_are_a_bug_and_open_ones_are_bounded() -> None:
    gauge = Gauge("left", "What is left.", {"of": None})
    with pytest.raises(ValueError, match="labels"):
        gauge.set(1, wrong="x")
    for number in range(5_000):
        gauge.set(1, of=str(number))
    assert len(list(gauge.samples())) == 1_000


def test_every_meter_is_named_as_prometheus_advises() -> None:
    for meter in REGISTRY.meters:
        assert re.fullmatch(r"(aios_bot|process)_[a-z_]+", meter.name)
        assert meter.name.endswith("_total") == (meter.kind == "counter"), meter.name
        assert meter.help.endswith(".")
        assert not any("\n" in text for text in (meter.name, meter.help))
    names = [meter.name for meter in REGISTRY.meters]
    assert len(names) == len(set(names))
