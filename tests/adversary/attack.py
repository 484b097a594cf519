"""What an attack on one guard is, for those of tests.adversary.test_weakened."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Attack(NamedTuple):
    """`guard` is what stops it, as an object and the name of its attribute; `weak` is what a careless build has."""

    attempt: Callable[[], bool]
    guard: tuple[object, str]
    weak: object


def nothing(*_: object, **__: object) -> None:
    """A check that finds nothing."""
