"""Send one message, with a note before and after it; look what became of those whose second note is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.features.notices.apply.address import NOTICES, NoticeAddress, Posted
from bot.features.notices.decide import Message, NoticeResult
from bot.features.notices.text import AGAIN, MessageText, identify_message, render_message

if TYPE_CHECKING:
    from bot.features.notices.run import NoticeTools


def settle_unsure(tools: NoticeTools, target: NoticeAddress, messages: Sequence[Message], now: int) -> bool:
    """Look which of these `target` has; whether that could be seen of any."""
    known = False
    for message in messages:
        found = target.has(render_message(message), message.since)
        if found:
            tools.outbox.settle(target.key, message.phases, now=now)
            _count(message, NoticeResult.SENT)
        elif found is not None:
            tools.outbox.undo(target.key, message.phases)
        known = known or found is not None
    return known


def send_message(tools: NoticeTools, target: NoticeAddress, message: Message) -> bool:
    """Send `message` to `target`, noted before and at once afterwards; whether it was taken."""
    text = render_message(message)
    message_id = identify_message(target.key, message, text)
    knows_repeats = target.takes_ids()  # also where it does not matter: what is slow is loaded before sending begins
    if message.again and not knows_repeats:
        text = MessageText(text.title, f"{text.body}\n{AGAIN}")
    tools.outbox.begin(target.key, message.phases)
    posted = target.post(text, message.severity, message_id)
    # Nothing may stand between the two: a process that ends here sends the message again.
    if posted is Posted.TAKEN:
        tools.outbox.settle(target.key, message.phases, now=int(tools.now()))
    elif posted is Posted.REFUSED and not message.again:
        tools.outbox.undo(target.key, message.phases)
    _count(message, NoticeResult.SENT if posted is Posted.TAKEN else NoticeResult.FAILED)
    return posted is Posted.TAKEN


def _count(message: Message, result: NoticeResult) -> None:
    for one in (*message.begun, *message.over):
        NOTICES.inc(topic=one.notice.topic, result=result)
