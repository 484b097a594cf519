"""What a node runs of one submodule, stack by stack, as far as its orders tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.names import StackName, SubmodulePath
from bot.domain.values import Value
from bot.features.rollout.decide.orders import last_good
from bot.features.rollout.facts import PastOrder, Stage


class Deployed(Value, frozen=True):
    """The orders that brought a node's stacks to where they are.

    `whole` was for all stacks; None: there was none. `apart` are the stacks that a later order for a few stacks
    deployed, newest first, each with the newest such order. `newest` is the newest of all: where the checkout is.
    """

    whole: PastOrder | None = None
    apart: dict[StackName, PastOrder] = {}
    newest: PastOrder | None = None


def find_deployed(past: Sequence[PastOrder], submodule: SubmodulePath) -> Deployed:
    """What the node runs, from `past`: its orders, newest first, back to the last good one for all of its stacks."""
    good = [o for o in past if o.stage is Stage.SUCCEEDED and o.submodule == submodule and not o.kind.reads_only]
    apart: dict[StackName, PastOrder] = {}
    for order in good:
        if not order.stacks:
            break
        for stack in order.stacks:
            apart.setdefault(stack, order)
    return Deployed(whole=last_good(past, submodule), apart=apart, newest=good[0] if good else None)
