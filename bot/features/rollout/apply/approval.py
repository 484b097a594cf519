"""Hold an order to the plan that was approved: what goes beyond it is not given (docs/security.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.domain.errors import BotError
from bot.domain.names import CommitSha, PlanId, StackName, short
from bot.domain.verbs import Verb, spell_verb
from bot.features.fleets.read import FleetAt
from bot.features.rollout.read.approval import find_merged, find_shown_plan
from bot.github.client import Client
from bot.plan.approval import find_node, find_unapproved
from bot.plan.model import NodePlan, Plan
from bot.plan.order import OrderRequest
from bot.protocol.order import OrderKind

if TYPE_CHECKING:
    from bot.features.rollout.run import RolloutTools

EARLIER_READ = 20  # commits that moved the pin, between what the node runs and what it is to run


class PlanDiffers(BotError):  # noqa: N818 - an answer, not a failure
    """The order would do more than was approved. `plan` is the order's own, which may be approved by its id."""

    def __init__(self, plan: Plan, approved: PlanId, beyond: tuple[str, ...]) -> None:
        self.plan = plan
        self.approved = approved
        self.beyond = beyond
        super().__init__(f"plan {plan.id} goes beyond the approved {approved}: {beyond[0]}")


class PinUnknown(BotError):  # noqa: N818 - an answer, not a failure
    """No branch of the stacks' repository has the pinned commit: nobody can say what it does."""

    def __init__(self, wanted: OrderRequest) -> None:
        super().__init__(
            f"not deployed: no branch of {wanted.upstream} has {short(wanted.pin)}; push it there again, or move the "
            "pin to a commit that has one"
        )


class StacksUnreadable(BotError):  # noqa: N818 - an answer, not a failure
    """The order would pass over stacks that cannot be analysed, and nobody chose the others by name."""

    def __init__(
        self, wanted: OrderRequest, stacks: tuple[StackName, ...], pending: tuple[StackName, ...], *, prefix: str
    ) -> None:
        self.pending = pending
        names = ", ".join(stacks)
        cure = (
            "name only stacks that can"
            if wanted.stacks
            else "fix it, or deploy the other stacks: "
            + spell_verb(Verb.DEPLOY, wanted.node.name, "STACK...", prefix=prefix)
        )
        super().__init__(f"not deployed: {names} cannot be analysed; {cure}")


def find_pending(plan: Plan) -> tuple[StackName, ...]:
    """The stacks that `plan`, an order's own, would change, or says nothing of: what its node does not run yet."""
    return tuple(dict.fromkeys(stack.stack for node in plan.nodes for stack in node.stacks if stack.changed))


def check_readable(wanted: OrderRequest, plan: Plan, *, prefix: str) -> None:
    """Raise StacksUnreadable when the plan of a deploy says nothing of a stack that it is for.

    The order would end in success, and the next one begin behind the change that was passed over.
    """
    unreadable = tuple(stack.stack for node in plan.nodes for stack in node.stacks if stack.error is not None)
    if unreadable and wanted.kind is OrderKind.DEPLOY:
        raise StacksUnreadable(wanted, unreadable, find_pending(plan), prefix=prefix)


def check_approval(
    tools: RolloutTools, client: Client, at: FleetAt, wanted: OrderRequest, *, plan: Plan, since: CommitSha | None
) -> None:
    """Raise PlanDiffers when `plan`, the order's own, does more than the plan that `wanted` names as approved.

    `since` is the fleet's commit of the stack that is furthest behind.
    """
    if wanted.approved is None or wanted.kind is not OrderKind.DEPLOY:
        return
    (actual,) = plan.nodes
    approved = find_node(tools.plans.store.find(wanted.approved), wanted.node.name)
    if approved is None:
        lost = f"the approved plan is not kept any more, or says nothing of {wanted.node.name}"
        raise PlanDiffers(plan, wanted.approved, (lost,))
    if find_unapproved(actual, approved):
        earlier = tuple(_find_earlier(tools, client, at, wanted, since))
        beyond = find_unapproved(actual, approved, earlier)
        if beyond:
            raise PlanDiffers(plan, wanted.approved, beyond)


def _find_earlier(
    tools: RolloutTools, client: Client, at: FleetAt, wanted: OrderRequest, since: CommitSha | None
) -> Iterator[NodePlan]:
    """The approved plans of the merges between what the node runs and what it is to run."""
    if since is None:
        return
    merges = at.mirror.changes_since(since, wanted.commit, wanted.submodule.path, most=EARLIER_READ)
    for commit in (one for one in merges if one != wanted.commit):
        pull = find_merged(client, at.mirror, wanted.fleet, commit, at.base)
        shown = find_shown_plan(tools.plans.store, wanted.fleet, pull) if pull else None
        plan = find_node(tools.plans.store.find(shown), wanted.node.name) if shown else None
        if plan is not None:
            yield plan
