"""Orders: which one a node gets now, from the orders it got before. Pure: facts in, one tagged decision out.

Every order is a deployment of its node's environment on GitHub, and its number is that deployment's id. A node has
one order at a time: what is asked for meanwhile waits here and not in Actions, which would drop it.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.names import (
    CommitSha,
    DeploymentId,
    PlanId,
    SubmodulePath,
)
from bot.domain.values import Value
from bot.features.rollout.facts import PastOrder, Stage
from bot.plan.order import OrderRequest
from bot.protocol.order import OrderKind

FIRST_RUNG = 4  # seconds
LONGEST_RUNG = 1800
TOLD_AFTER = 60  # seconds; an outage that is over before then is nobody's matter
DROPPED_AFTER = 23 * 3600  # seconds in the queue after which an ended run is taken to be dropped


def stage_of(states: Sequence[str]) -> Stage:
    """The stage that a deployment's states (GitHub's words, newest first) come to."""
    if not states:
        return Stage.MADE
    match states[0]:
        case "success":
            return Stage.SUCCEEDED
        case "failure" | "error":
            return Stage.FAILED
        case "inactive":  # by a person or by GitHub after it had succeeded, by us before it was taken
            return Stage.SUCCEEDED if "success" in states else Stage.WITHDRAWN
        case "in_progress":
            return Stage.RUNNING
        case _:
            return Stage.QUEUED


def newest_word(states: Sequence[str]) -> int:
    """Which of a deployment's states (newest first) counts as its newest.

    We say "queued" once the workflow is dispatched, and a quick node may have spoken before that: a node takes an
    order once, so that nothing is queued any more after its first word.
    """
    spoke = any(state in ("in_progress", "success", "failure") for state in states)
    others = (at for at, state in enumerate(states) if state not in ("queued", "pending"))
    return next(others) if spoke else 0


def judge_ended_run(order: PastOrder, *, age: int) -> Stage:
    """The stage of an open order whose workflow run has ended `age` seconds after its dispatch.

    Actions drops a job that no runner took for a day: a merge's order is then dispatched again, for the node gets it
    when it returns. Anything else was ended by a person, by a broken workflow, or by the node's own death.
    """
    dropped = order.stage is Stage.QUEUED and age >= DROPPED_AFTER
    return Stage.MADE if dropped and order.is_merge else Stage.ABANDONED


def find_next_try(made_at: int, now: int) -> int:
    """When an order that GitHub cannot start is to be tried again.

    The times depend on its deployment alone, so that looks for other reasons do not add to them: after 4 seconds, 8
    more, 16 more and so on, and then every half an hour.
    """
    rung, step = made_at + FIRST_RUNG, 2 * FIRST_RUNG
    while rung <= now:
        rung, step = rung + step, min(step * 2, LONGEST_RUNG)
    return rung


class KnownOrder(Value, frozen=True, tag="known"):
    """It was given before; nothing to do."""

    order: PastOrder


class Wait(Value, frozen=True, tag="wait"):
    """The node has another order in flight: look again when that one has ended."""

    behind: PastOrder


class Give(Value, frozen=True, tag="give"):
    """Dispatch it: under the number `number` if its deployment is there already, after ending `withdraw`."""

    number: DeploymentId | None = None
    withdraw: PastOrder | None = None


OrderDecision = KnownOrder | Wait | Give


def decide_order(wanted: OrderRequest, past: Sequence[PastOrder]) -> OrderDecision:
    """What to do about `wanted`, given the node's orders, for whatever submodule, newest first."""
    same = (wanted.kind, wanted.submodule.path, wanted.marker)
    mine = next((o for o in past if (o.kind, o.submodule, o.marker) == same), None)
    if mine is not None and mine.stage is not Stage.MADE:
        return KnownOrder(order=mine)
    # A number below one that the node took already would be refused: then a new deployment is made.
    newest = next((o.number for o in past if o.stage is not Stage.MADE), 0)
    number = mine.number if mine is not None and mine.number > newest else None
    open_one = next((o for o in past if o.stage.is_open), None)
    if open_one is None:
        return Give(number=number)
    # A question that no node heard yet stands in nobody's way; nor does what is to be taken back.
    replaced = wanted.replaces_queued and open_one.submodule == wanted.submodule.path
    if open_one.stage is Stage.QUEUED and (replaced or open_one.kind.reads_only):
        return Give(number=number, withdraw=open_one)
    return Wait(behind=open_one)


def last_good(past: Sequence[PastOrder], submodule: SubmodulePath, *, or_partly: bool = False) -> PastOrder | None:
    """What the node runs of `submodule`, as far as its orders tell: the newest that ended well and touched it.

    An order for a few stacks says nothing of the others; with `or_partly` it counts all the same.
    """
    good = (o for o in past if o.stage is Stage.SUCCEEDED and o.submodule == submodule and not o.kind.reads_only)
    return next((o for o in good if or_partly or not o.stacks), None)


def deployment_task(kind: OrderKind, submodule: SubmodulePath) -> str:
    """A deployment's task: what is asked for, and of which submodule."""
    return f"{kind}:{submodule}"


def parse_task(task: str) -> tuple[OrderKind, SubmodulePath] | None:
    """The other way round; None for a deployment that is no order of ours."""
    kind, found, path = task.partition(":")
    return (OrderKind(kind), SubmodulePath(path)) if found and kind in tuple(OrderKind) else None


def describe_deployment(pin: CommitSha, plan: PlanId | None) -> str:
    """A deployment's one line."""
    return f"{pin[:7]}, plan {plan}" if plan else pin[:7]
