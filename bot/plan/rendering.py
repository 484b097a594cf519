"""What compose makes of one stack at one pin for one node, as a value. Already redacted."""

from __future__ import annotations

from typing import Any

from bot.plan.model import SourceLine
from bot.values import Value

CHECKOUT = "/fleet"
"""Where every checkout stands while it is rendered, so that old and new compare path by path."""


class Variable(Value, frozen=True):
    """A variable that the stack's files interpolate. `default` is None when it has none."""

    name: str
    default: str | None = None
    required: bool = False  # `${NAME:?}`: compose refuses to go on without it


class Rendered(Value, frozen=True, tag="rendered"):
    """Compose's canonical model (`docker compose config --format json`), with every secret replaced by its
    fingerprint: equal secrets compare equal, and nothing can be read from it.

    Paths inside the checkout stand under CHECKOUT. `reads` are the files compose read, relative to the
    checkout, sorted. `sources` maps a dotted place of the model ("services.web.image") to its source line.
    """

    model: dict[str, Any]
    reads: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    sources: dict[str, SourceLine] = {}


class Unreadable(Value, frozen=True, tag="unreadable"):
    """Compose (or the check before it) refused the stack: its own message, redacted."""

    message: str
    where: SourceLine | None = None


Rendering = Rendered | Unreadable
