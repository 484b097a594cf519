"""What people read in a message: plain text that hostile words cannot make more of. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from bot.features.notices.decide import Message
from bot.features.outbox.facts import OpenNotice
from bot.text import markdown as md

MOST_LINES = 20
LONGEST = 300  # characters of what a node or a person wrote
# Signs of which chat programs, mail programs or their Markdown make a mention, a link or markup.
_MARKUP = re.compile(r"[@#<\[\]*`~|\\&]|:(?=//)|www(?=\.)")
_ZERO_WIDTH = "\u200b"


class MessageText(NamedTuple):
    """A message, both parts plain text."""

    title: str
    body: str


AGAIN = "This may have reached you before: the bot could not note whether it did."
TEST = MessageText("aios-bot: a test message", "Notices about your fleets will be sent here. No action is needed.")


def render_message(message: Message) -> MessageText:
    """The title says how grave it is, whose it is and, of one thing, what; the body has a line for each."""
    where = plain(message.fleet) if message.fleet else "aios-bot"
    lines = [*(_line(one) for one in message.begun), *(f"resolved: {_line(one)}" for one in message.over)]
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return MessageText(f"[{_grade(message)}] {where}: {_summary(message)}", "\n".join(lines[:MOST_LINES] + more))


def identify_message(target: str, message: Message, text: MessageText) -> str:
    """The id of what is sent to `target`: the same for a repeat, another one when any of it changed."""
    about = [f"{one.seq} {one.opened_at} {one.ended_at}" for one in (*message.begun, *message.over)]
    return hashlib.sha256("\n".join([target, *about, *text]).encode()).hexdigest()[:32]


def plain(hostile: str) -> str:
    """`hostile` on one line, without controls, with nothing in it that a chat or mail program acts upon."""
    return _MARKUP.sub(lambda found: found.group() + _ZERO_WIDTH, md.cut(md.one_line(hostile), LONGEST))


def _grade(message: Message) -> str:
    return str(message.severity) if message.begun else "resolved"


def _summary(message: Message) -> str:
    conditions = message.begun or message.over
    if len(conditions) == 1:
        notice = conditions[0].notice
        where = f" ({plain(notice.subject)})" if notice.subject else ""
        return f"{notice.topic.words}{where}"
    return f"{len(conditions)} things " + ("need attention" if message.begun else "resolved")


def _line(one: OpenNotice) -> str:
    notice = one.notice
    where = f"{plain(notice.subject)}: " if notice.subject else ""
    text = f": {plain(notice.text)}" if notice.text else ""
    url = f" {notice.url}" if md.is_linkable(notice.url) else ""
    return f"{where}{notice.topic.words}{text}{url}"
