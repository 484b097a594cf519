"""Sizes and counts as people read them."""

from __future__ import annotations

import pytest

from bot.text.counts import plural, size


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (10 * 1024, "10 KiB"),
        (38 * 1024**3, "38 GiB"),
        (2 * 1024**5, "2.0 PiB"),
        (4096 * 1024**5, "4096 PiB"),
    ],
)
def test_a_size_has_its_unit(count: int, words: str) -> None:
    assert size(count) == words


def test_a_noun_fits_its_number() -> None:
    assert [plural(number, "service") for number in (0, 1, 2)] == ["0 services", "1 service", "2 services"]
