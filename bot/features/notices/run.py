"""Send what is due to one address: read, decide, send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.features.fleets.facts import PinIndex
from bot.features.notices.apply.address import NOTICES, NoticeAddress
from bot.features.notices.apply.message import send_message, settle_unsure
from bot.features.notices.decide import GATHER, NoticeResult, decide_messages, find_settled, find_unsure
from bot.features.notices.read import read_current
from bot.features.outbox.store import Outbox


@dataclass(frozen=True)
class NoticeTools:
    """What sending uses."""

    outbox: Outbox
    pins: PinIndex
    targets: tuple[NoticeAddress, ...]
    now: Callable[[], float]  # seconds since the epoch


def send_notices(tools: NoticeTools, target: NoticeAddress, *, gather: int = GATHER) -> bool:
    """Send to `target` what is due; False when a message was not taken, and the rest waits with it."""
    now = int(tools.now())
    notices = read_current(tools)
    if settle_unsure(tools, target, find_unsure(notices, target.key), now):
        notices = read_current(tools)
    topics = {one.seq: one.notice.topic for one in notices}
    decision = decide_messages(notices, target.key, now=now, gather=gather)
    tools.outbox.give_up(target.key, decision.dropped, now=now)
    for seq, _ in decision.dropped:
        NOTICES.inc(topic=topics[seq], result=NoticeResult.DROPPED)
    for message in decision.messages:
        if not send_message(tools, target, message):
            return False
    tools.outbox.forget(find_settled(tools.outbox.find_all(), [one.key for one in tools.targets], now=now))
    return True
