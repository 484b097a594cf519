"""Counts and sizes as people read them."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(count: int) -> str:
    """A number of bytes for people: `512 B`, `1.5 GiB`, `120 GiB`."""
    power = min(max(count.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    number = count / 1024**power
    return f"{number:.{1 if power and number < 10 else 0}f} {_UNITS[power]}"


def plural(number: int, noun: str) -> str:
    """`3 services`, `1 service`; nouns that take an s."""
    return f"{number} {noun}{'s' * (number != 1)}"
