"""Find what is left to do where every image that is built comes out as it was. Pure.

A service whose own image comes out the same is not recreated for the build's sake. Neither is a service that only
follows it: one that shares its network, or names it in `depends_on` with `restart: true`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from bot.domain.names import ServiceName
from bot.plan.causes import Cause
from bot.protocol.action import Action


def find_certain(causes: Mapping[str, Sequence[Cause]]) -> frozenset[str]:
    """The services to which something happens whatever comes out of the builds; `causes` are by service."""
    found: frozenset[str] = frozenset()
    while True:
        more = {name for name, own in causes.items() if any(is_certain(cause, found) for cause in own)}
        if more == found:
            return found
        found = frozenset(more)


def is_certain(cause: Cause, certain: Collection[str]) -> bool:
    """Whether a cause counts whatever comes out of the builds; `certain` are what `find_certain` gives."""
    is_conditional = cause.action is Action.REBUILD or cause.if_different
    return not is_conditional and (not cause.origin or cause.origin in certain)


def action_if_same(causes: Iterable[Cause], certain: Collection[str] = ()) -> Action:
    """What the causes leave to do when every image comes out the same."""
    order = tuple(Action)
    # A reload would need its signal; a restart does it too.
    left = (
        Action.RESTART if cause.action is Action.RELOAD else cause.action
        for cause in causes
        if is_certain(cause, certain)
    )
    return max(left, key=order.index, default=Action.NONE)


def less_if_same(
    action: Action, causes: Sequence[Cause], certain: Collection[str]
) -> tuple[Action | None, tuple[ServiceName, ...]]:
    """What is done in place of `action` where the images come out the same; None where that is no less.

    With it the services that this depends on besides the own image: none of them may be replaced or restarted.
    """
    conditional = [cause for cause in causes if not is_certain(cause, certain)]
    less = action_if_same(causes, certain)
    if not conditional or less is action:
        return None, ()
    return less, tuple(sorted({ServiceName(cause.origin) for cause in conditional if cause.origin}))


def describe(cause: Cause, certain: Collection[str]) -> str:
    """The text of a cause, with the condition of one that follows another service."""
    return cause.text if not cause.origin or is_certain(cause, certain) else f"{cause.text}: only where that happens"
