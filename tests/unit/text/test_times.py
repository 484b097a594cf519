"""Times round trip, and what is none is 0."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.times import iso_time, parse_time


@given(st.integers(0, 253_402_300_799))  # to the last second of the year 9999
def test_a_moment_survives_being_written(seconds: int) -> None:
    assert parse_time(iso_time(seconds)) == seconds


@given(st.integers(0, 4_000_000_000), st.floats(0, 0.999))
def test_a_part_of_a_second_is_dropped(seconds: int, part: float) -> None:
    assert iso_time(seconds + part) == iso_time(seconds)


def test_times_as_github_writes_them() -> None:
    assert iso_time(1_784_000_000) == "2026-07-14T03:33:20Z"
    assert parse_time("2026-07-14T03:33:20Z") == 1_784_000_000
    assert parse_time("2026-07-14T05:33:20.900+02:00") == 1_784_000_000


def test_a_time_is_utc_wherever_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert iso_time(1_784_000_000) == "2026-07-14T03:33:20Z"
        assert parse_time("2026-07-14T03:33:20Z") == 1_784_000_000
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "1784000000x", "0001-01-01T00:00:00"])
def test_what_is_no_time_is_0(text: str) -> None:
    assert parse_time(text) == 0


@given(st.text(max_size=40))
def test_nothing_raises(text: str) -> None:
    assert isinstance(parse_time(text), int)
