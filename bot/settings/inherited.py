"""Descriptors that child programs hold with us: a lock on one of them lives for as long as any of its holders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_handed_on: list[int] = []


@contextmanager
def hand_on(descriptor: int) -> Iterator[None]:
    """Let children that start from now on inherit `descriptor`. Not on Windows, where none can be."""
    if os.name == "nt":
        yield
        return
    _handed_on.append(descriptor)
    try:
        yield
    finally:
        _handed_on.remove(descriptor)


def inherited() -> tuple[int, ...]:
    """What a child program inherits beside its standard streams."""
    return tuple(_handed_on)
