"""Counts as people read them: the number and the noun that fits it."""

from __future__ import annotations


def plural(number: int, noun: str) -> str:
    """`3 services`, `1 service`; nouns that take an s."""
    return f"{number} {noun}{'s' * (number != 1)}"
