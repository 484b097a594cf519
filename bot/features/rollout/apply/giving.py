"""Give every order of a rollout that is due; what cannot be given is an answer, and keeps no other node waiting."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import NodeName
from bot.features.fleets.read import FleetAt
from bot.features.rollout.apply.approval import PinUnknown, PlanDiffers, StacksUnreadable, find_pending
from bot.features.rollout.apply.dispatch import NotStarted, Waiting, give_order
from bot.features.rollout.apply.superseded import as_withdrawn
from bot.features.rollout.decide.rollout import Rollout, want_merged
from bot.features.rollout.facts import PastOrder, RolloutFacts
from bot.features.rollout.text import describe_pending
from bot.github.client import Client
from bot.text import markdown as md

if TYPE_CHECKING:
    from bot.features.rollout.run import RolloutTools

log = logging.getLogger(__name__)

_LONGEST = 300  # characters of what a refusal says


class Given(NamedTuple):
    """By node: the order that it has now, or why it gets none.

    `held` are all that get none, `unreadable` those of them whose plan does not go beyond the approved one. `refused`
    is to be raised once it is reported: nothing but another try changes it. `again_at` (seconds since the epoch) is
    when what GitHub does not start is to be tried again.
    """

    orders: dict[NodeName, PastOrder | Waiting | None]
    differing: dict[NodeName, PlanDiffers]
    held: dict[NodeName, str]
    unreadable: dict[NodeName, str]
    refused: BotError | None
    again_at: int | None


def give_all(tools: RolloutTools, client: Client, at: FleetAt, facts: RolloutFacts, decision: Rollout) -> Given:
    """Give the orders that are due; one that cannot be given keeps no other node from its own."""
    orders: dict[NodeName, PastOrder | Waiting | None] = {n.node.name: facts.order_of(n) for n in facts.nodes}
    differing: dict[NodeName, PlanDiffers] = {}
    unreadable: dict[NodeName, str] = {}
    pending: dict[NodeName, str] = {}
    refused: BotError | None = None
    again_at: int | None = None
    for node in (one for one in facts.nodes if one.node.name in decision.start):
        name, past = node.node.name, as_withdrawn(node.past, decision.withdraw)
        try:
            orders[name] = give_order(tools, client, at, want_merged(facts, node), past)
        except NotStarted as problem:
            log.warning("%s of %s: %s", name, facts.fleet, problem)
            unreadable[name] = _say_not_given(problem)
            again_at = facts.now + int(problem.seconds)
        except RetryLater:
            raise
        except PlanDiffers as problem:
            log.warning("%s of %s gets no order: %s", name, facts.fleet, problem)
            differing[name] = problem
            rest = describe_pending(find_pending(problem.plan))
            pending[name] = f"not deployed: its plan goes beyond the approved one; {rest}"
        except BotError as problem:
            log.warning("%s of %s gets no order: %s", name, facts.fleet, problem)
            unreadable[name] = _say_not_given(problem)
            refused = refused if isinstance(problem, StacksUnreadable | PinUnknown) else problem
    return Given(orders, differing, pending | unreadable, unreadable, refused, again_at)


def _say_not_given(problem: BotError) -> str:
    if isinstance(problem, StacksUnreadable):
        return f"{problem}; {describe_pending(problem.pending)}"
    return str(problem) if isinstance(problem, PinUnknown) else md.cut(f"not deployed: {problem}", _LONGEST)
