"""Which messages to send to one address now. Pure.

What began and ended unnoticed is not in the outbox any more; what is there is still so, or its end has to be sent.
A process may end between the receiver's answer and the note of it. What was on its way then is sent again by itself:
while nothing in it changed, it is the same message, and a receiver that looks at ids drops it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum

from bot.domain.notices import NoticeSeverity, is_quiet
from bot.domain.values import Value
from bot.features.outbox.facts import OpenNotice, Phase

GATHER = 120  # seconds that what happens in a fleet is gathered into one message
KEPT = 86_400  # seconds after which a message that could not be sent is dropped


class NoticeResult(StrEnum):
    """What became of a notice, for one address."""

    SENT = "sent"
    FAILED = "failed"  # tried again later
    DROPPED = "dropped"  # could not be sent for a day


class Message(Value, frozen=True):
    """One message: about one fleet (None: the service), of one severity."""

    fleet: str | None
    severity: NoticeSeverity
    begun: tuple[OpenNotice, ...] = ()
    over: tuple[OpenNotice, ...] = ()
    again: bool = False  # it may have arrived before

    @property
    def phases(self) -> tuple[tuple[int, Phase], ...]:
        """What is sent with it."""
        begun = ((one.seq, Phase.BEGUN) for one in self.begun)
        return (*begun, *((one.seq, Phase.OVER) for one in self.over))

    @property
    def since(self) -> int:
        """When the last of it happened: the message is not older than that."""
        return max([*(one.opened_at for one in self.begun), *(one.ended_at or 0 for one in self.over)])


class NoticesDecision(Value, frozen=True):
    """`dropped` is too old to be sent; `settled`: nobody is to hear of these again."""

    messages: tuple[Message, ...] = ()
    dropped: tuple[tuple[int, Phase], ...] = ()


def decide_messages(notices: Sequence[OpenNotice], target: str, *, now: int, gather: int = GATHER) -> NoticesDecision:
    """The messages that are due for the address `target`."""
    pending = [(one, phase) for one in notices if (phase := _next_phase(one, target, now)) is not None]
    dropped = tuple(
        (one.seq, Phase.DROPPED if phase is Phase.BEGUN else Phase.OVER)
        for one, phase in pending
        if now - _since(one, phase) >= KEPT
    )
    gone = {seq for seq, _ in dropped}
    alive = [(one, phase) for one, phase in pending if one.seq not in gone]
    loud = [(one, p) for one, p in alive if not (_waits_in_quiet(one, p) and is_quiet(one.notice.quiet, now))]
    again, fresh = _by_fleet(loud, target, unsure=True), _by_fleet(loud, target, unsure=False)
    messages = [message for fleet, found in again.items() for message in _by_severity(fleet, found, again=True)]
    for fleet, found in fresh.items():
        if now - min(_since(one, phase) for one, phase in found) >= gather:
            messages += _by_severity(fleet, found)
    return NoticesDecision(messages=tuple(messages), dropped=dropped)


def find_unsure(notices: Sequence[OpenNotice], target: str) -> tuple[Message, ...]:
    """The messages to `target` of which it is not known whether they arrived, as they were sent."""
    found: dict[str | None, list[tuple[OpenNotice, Phase]]] = defaultdict(list)
    for one in notices:
        phases = {phase for name, phase in one.unsure if name == target}
        if phases:
            found[one.notice.fleet].append((one, Phase.OVER if Phase.OVER in phases else Phase.BEGUN))
    return tuple(message for fleet, ones in found.items() for message in _by_severity(fleet, ones, again=True))


def find_settled(notices: Sequence[OpenNotice], targets: Sequence[str], *, now: int) -> tuple[int, ...]:
    """Those that ended and of whose end no address of `targets` has still to hear."""
    return tuple(
        one.seq
        for one in notices
        if one.ended_at is not None and all(_next_phase(one, target, now) is None for target in targets)
    )


def _next_phase(one: OpenNotice, target: str, now: int) -> Phase | None:
    sent = {phase for name, phase in one.sent if name == target}
    if one.ended_at is not None and (target, Phase.BEGUN) in one.unsure:
        sent.add(Phase.BEGUN)  # its end is sent rather than not: a word too much is better than none
    if Phase.DROPPED in sent or Phase.OVER in sent:
        return None
    if Phase.BEGUN in sent:
        return None if one.ended_at is None else Phase.OVER
    return Phase.BEGUN if one.ended_at is None and max(one.due_at, one.muted_until) <= now else None


def _since(one: OpenNotice, phase: Phase) -> int:
    return max(one.opened_at, one.due_at, one.muted_until) if phase is Phase.BEGUN else one.ended_at or 0


def _waits_in_quiet(one: OpenNotice, phase: Phase) -> bool:
    return phase is Phase.OVER or one.notice.topic.severity is not NoticeSeverity.URGENT


def _by_fleet(
    found: Sequence[tuple[OpenNotice, Phase]], target: str, *, unsure: bool
) -> dict[str | None, list[tuple[OpenNotice, Phase]]]:
    fleets: dict[str | None, list[tuple[OpenNotice, Phase]]] = defaultdict(list)
    for one, phase in found:
        if ((target, phase) in one.unsure) is unsure:
            fleets[one.notice.fleet].append((one, phase))
    return fleets


def _by_severity(
    fleet: str | None, found: Sequence[tuple[OpenNotice, Phase]], *, again: bool = False
) -> list[Message]:
    messages = []
    for severity in NoticeSeverity:
        own = [(one, phase) for one, phase in found if one.notice.topic.severity is severity]
        if own:
            begun = tuple(one for one, phase in own if phase is Phase.BEGUN)
            over = tuple(one for one, phase in own if phase is Phase.OVER)
            messages.append(Message(fleet=fleet, severity=severity, begun=begun, over=over, again=again))
    return messages
