"""Prometheus metrics with labels that nobody outside can add to."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.observability.metrics import CONTENT_TYPE, Counter, Gauge, Histogram, Registry
from bot.queue.metrics import RUN_SECONDS, RUNS, RunOutcome
from bot.service.metrics import REGISTRY, declare_job_kinds

ROOT = Path(__file__).parents[3]


def lines(page: bytes) -> list[str]:
    """The page without the metrics of the process."""
    text = page.decode()
    return text[: text.index("# HELP process_")].splitlines()


def test_the_page_is_prometheus_text_format() -> None:
    asked = Counter("asked_total", "Questions.", {"kind": ("a", "b")})
    left, took = Gauge("left", "What is left.", {"of": None}), Histogram("took_seconds", "How long.")
    asked.inc(kind="b")
    asked.inc(2, kind="hostile\n")
    left.set(2.5, of='a "b"\n\\')
    took.observe(0.3)
    took.observe(1000)
    assert lines(Registry((asked, left, took)).render()) == [
        "# HELP asked_total Questions.",
        "# TYPE asked_total counter",
        'asked_total{kind="b"} 1.0',
        'asked_total{kind="other"} 2.0',
        "# HELP left What is left.",
        "# TYPE left gauge",
        'left{of="a \\"b\\"\\n\\\\"} 2.5',
        "# HELP took_seconds How long.",
        "# TYPE took_seconds histogram",
        'took_seconds_bucket{le="0.1"} 0.0',
        *(f'took_seconds_bucket{{le="{most}"}} 1.0' for most in (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)),
        'took_seconds_bucket{le="+Inf"} 2.0',
        "took_seconds_count 2.0",
        "took_seconds_sum 1000.3",
    ]
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"


def test_a_counter_with_few_series_begins_at_zero() -> None:
    few = Counter("few_total", "Few.", {"kind": ("a", "b"), "end": map(str, range(20))})
    many = Counter("many_total", "Many.", {"kind": ("a", "b"), "end": map(str, range(21))})
    open_one, plain = Counter("open_total", "Open.", {"of": None}), Counter("plain_total", "Plain.")
    gauge = Gauge("left", "What is left.", {"kind": ("a",)})
    registry = Registry((few, many, open_one, plain, gauge))
    registry.initialise()
    few.inc(kind="a", end="3")
    registry.initialise()
    shown = [line for line in lines(registry.render()) if not line.startswith("#")]
    assert len(shown) == 41
    assert 'few_total{end="3",kind="a"} 1.0' in shown
    assert 'few_total{end="19",kind="b"} 0.0' in shown
    assert "plain_total 0.0" in shown


def test_other_labels_are_a_bug_and_open_ones_are_bounded() -> None:
    gauge = Gauge("left", "What is left.", {"of": None})
    with pytest.raises(ValueError, match="labels"):
        gauge.set(1, wrong="x")
    for number in range(5_000):
        gauge.set(1, of=str(number))
    gauge.set(7, of="3")
    page = lines(Registry((gauge,)).render())
    assert len(page) == 2 + 1_000
    assert 'left{of="3"} 7.0' in page


def test_a_closed_label_takes_declared_values_only() -> None:
    class Reason(StrEnum):
        LATE = "late"
        EARLY = "early"

    counter = Counter("seen_total", "Seen.", {"job": (), "reason": ()})
    counter.inc(job="bump", reason="late")
    counter.declare(job=("bump",), reason=Reason)
    counter.declare(job=("bump", "drift"))
    counter.inc(job="bump", reason=Reason.LATE)
    counter.inc(job="drift", reason="<script>")
    assert counter.labels == {"job": (), "reason": ()}, "the reference page shows the same whatever was imported"
    assert lines(Registry((counter,)).render())[2:] == [
        'seen_total{job="other",reason="other"} 1.0',
        'seen_total{job="bump",reason="late"} 1.0',
        'seen_total{job="drift",reason="other"} 1.0',
    ]


def test_a_negative_amount_counts_nothing() -> None:
    counter = Counter("seen_total", "Seen.")
    counter.inc(2)
    counter.inc(-5)
    assert lines(Registry((counter,)).render())[2:] == ["seen_total 2.0"]


def test_every_metric_is_named_as_prometheus_advises() -> None:
    for metric in REGISTRY.metrics:
        assert re.fullmatch(r"aios_bot_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.help.endswith(".")
        assert not any("\n" in text for text in (metric.name, metric.help))
    names = [metric.name for metric in REGISTRY.metrics]
    assert len(names) == len(set(names))


def test_every_metric_of_the_service_is_on_the_page() -> None:
    declared = [
        name
        for path in sorted((ROOT / "bot").rglob("*.py"))
        for name in re.findall(r"\b(?:Counter|Gauge|Histogram)\(\s*\"(\w+)\"", path.read_text())
    ]
    assert len(declared) > 15
    assert sorted(declared) == sorted(metric.name for metric in REGISTRY.metrics)


def test_runs_are_counted_by_the_kinds_of_jobs_that_the_service_declares() -> None:
    declare_job_kinds()
    for kind in ("rollout", "a kind of a newer version"):
        RUNS.inc(look=kind, fate=RunOutcome.HELD)
        RUN_SECONDS.observe(0.2, look=kind)
    page = REGISTRY.render().decode()
    for kind in ("rollout", "other"):
        assert re.search(rf'^aios_bot_looks_total{{fate="held",look="{kind}"}} ', page, re.MULTILINE)
        assert f'aios_bot_look_seconds_count{{look="{kind}"}} ' in page
    assert "newer version" not in page


def test_the_page_shows_each_metric_by_exactly_its_name() -> None:
    """prometheus_client adds and takes away suffixes; dashboards know the names in the reference."""
    page = REGISTRY.render().decode()
    shown = re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE)
    ours = [(metric.name, metric.kind) for metric in REGISTRY.metrics]
    assert shown[: len(ours)] == ours
    assert all(name.startswith("process_") for name, _ in shown[len(ours) :])
    assert "_created" not in page
    assert list(text_string_to_metric_families(page))


def test_the_memory_of_the_process_is_right_on_every_page_size() -> None:
    page = Registry(()).render().decode()
    shown = float(re.findall(r"^process_resident_memory_bytes (\S+)$", page, re.MULTILINE)[0])
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    assert shown == pytest.approx(pages * resource.getpagesize(), rel=0.05)
    assert "process_start_time_seconds " in page


WITHOUT = """
import sys
sys.modules["prometheus_client"] = None  # as where it is not installed
from bot.observability.metrics import INSTALLED, Counter, Gauge, Histogram, Registry
counter, gauge, took = Counter("a_total", "A.", {"x": ("1",)}), Gauge("b", "B."), Histogram("c", "C.")
counter.inc(x="1"), gauge.set(2), took.observe(3)
try:
    counter.inc(y="1")
except ValueError:
    print("labels are still checked")
print(INSTALLED, Registry((counter, gauge, took)).render())
"""


def test_nothing_is_counted_where_prometheus_client_is_not_installed() -> None:
    assert prometheus_client
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "labels are still checked\nFalse b''\n"
