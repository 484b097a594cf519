"""Read the conditions that still are what they were: a fleet or a pin may be gone since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.features.outbox.facts import OpenNotice, parse_pin_scope

if TYPE_CHECKING:
    from bot.features.notices.run import NoticeTools


def read_current(tools: NoticeTools) -> tuple[OpenNotice, ...]:
    """Every condition of the outbox; those of a fleet or pin that the bot does not keep any more are removed."""
    found = tools.outbox.find_all()
    gone = tuple(one for one in found if not _is_kept(tools, one))
    tools.outbox.forget(one.seq for one in gone)
    return tuple(one for one in found if one not in gone)


def _is_kept(tools: NoticeTools, one: OpenNotice) -> bool:
    if one.notice.fleet is None:
        return True
    pins = tools.pins.pins_of(one.notice.fleet)
    about = parse_pin_scope(one.scope)
    return bool(pins) if about is None else about in {(pin.base, pin.submodule) for pin in pins}
