"""Deploys and failures over the last days, as a picture that the server draws (SVG). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.values import Value
from bot.features.rollout.facts import Stage
from bot.features.rollout.history import OrderMark
from bot.text.counts import plural

DAYS = 14
WIDTH = 960
ROW = 22  # pixels of one node
MOST_ROWS = 25
_LEFT, _RIGHT, _TOP, _BOTTOM = 150, 22, 8, 22
_DAY = 86_400
_KINDS = {Stage.FAILED: "risky", Stage.ABANDONED: "risky", Stage.WITHDRAWN: "dim"}
_WORDS = {
    Stage.FAILED: "failed",
    Stage.ABANDONED: "ended without a report",
    Stage.WITHDRAWN: "withdrawn",
}


class TimelineDot(Value, frozen=True):
    """One order: where it is drawn, in what colour, and what it is."""

    x: int
    y: int
    kind: str
    title: str
    href: str


class Tick(Value, frozen=True):
    """One node's line, or one day's."""

    at: int
    label: str


class Timeline(Value, frozen=True):
    """A picture of the orders of a fleet or of a node; all in pixels."""

    height: int
    rows: tuple[Tick, ...]
    days: tuple[Tick, ...]
    good: str  # an SVG path with a dot for each order that succeeded: most do, and a page has to stay small
    dots: tuple[TimelineDot, ...]  # the others
    hidden: int  # nodes that are not drawn
    summary: str  # the same for people who cannot see it

    width: int = WIDTH
    left: int = _LEFT
    right: int = WIDTH - _RIGHT


def draw_timeline(marks: Sequence[OrderMark], *, now: int, link: str) -> Timeline:
    """The orders of the last `DAYS` days up to `now` (seconds). `link` is the address before a node's name."""
    begin = now - DAYS * _DAY
    shown = [mark for mark in marks if begin <= mark.at <= now]
    names = sorted({mark.node for mark in shown}, key=str.lower)
    rows = {name: _TOP + ROW * index + ROW // 2 for index, name in enumerate(names[:MOST_ROWS])}
    dots = tuple(
        TimelineDot(
            x=_place(mark.at, begin, now),
            y=rows[mark.node],
            kind=_KINDS.get(mark.stage, "notice"),
            title=f"{mark.node}, order {mark.number}: {_WORDS.get(mark.stage, 'under way')}, {_clock(mark.at)}",
            href=f"{link}{mark.node}#order-{mark.number}",
        )
        for mark in reversed(shown)
        if mark.node in rows and mark.stage is not Stage.SUCCEEDED
    )
    good = (mark for mark in reversed(shown) if mark.node in rows and mark.stage is Stage.SUCCEEDED)
    failed = sum(_KINDS.get(mark.stage) == "risky" for mark in shown)
    return Timeline(
        height=_TOP + ROW * max(len(rows), 1) + _BOTTOM,
        rows=tuple(Tick(at=y, label=name if len(name) <= 18 else f"{name[:17]}…") for name, y in rows.items()),
        days=tuple(_days(begin, now)),
        good="".join(f"M{_place(mark.at, begin, now)} {rows[mark.node]}h0" for mark in good),
        dots=dots,
        hidden=len(names) - len(rows),
        summary=f"{plural(len(shown), 'order')} in the last {DAYS} days, {failed} of them failed",
    )


def _place(at: int, begin: int, now: int) -> int:
    return _LEFT + (at - begin) * (WIDTH - _RIGHT - _LEFT) // max(now - begin, 1)


def _days(begin: int, now: int) -> list[Tick]:
    first = (begin // _DAY + 1) * _DAY
    days = range(first, now + 1, _DAY)
    return [
        Tick(at=_place(day, begin, now), label=datetime.fromtimestamp(day, UTC).strftime("%-d %b") if n % 2 else "")
        for n, day in enumerate(days)
    ]


def _clock(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
