"""Orders: which one a node gets now, from the orders it got before. Pure: facts in, one tagged decision out.

Every order is a deployment of its node's environment on GitHub, and its number is that deployment's id. A node has
one order at a time: what is asked for meanwhile waits here and not in Actions, which would drop it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    PlanId,
    PullNumber,
    RepoName,
    StackName,
    SubmodulePath,
)
from bot.domain.values import Value
from bot.fleetfile import Node, Submodule
from bot.fleetfile.hooks import Hooks
from bot.plan.model import NodePlan, StackPlan
from bot.protocol.order import Hook, HookTime, Order, OrderKind, Rule, ServiceOrder, StackOrder, Start

MERGE = "merge:"  # what the marker of a merge's order begins with
DROPPED_AFTER = 23 * 3600  # seconds in the queue after which an ended run is taken to be dropped
ORDER_LIFETIME = 24 * 3600  # seconds; Actions drops a job that waited this long for its runner


class Stage(StrEnum):
    """How far an order is."""

    MADE = "made"  # its deployment exists, and then we died before its workflow was dispatched
    QUEUED = "queued"  # dispatched; no runner took it yet
    TAKEN = "taken"  # the node is at it
    GOOD = "good"
    BAD = "bad"
    WITHDRAWN = "withdrawn"  # ended by us before the node took it
    LOST = "lost"  # its workflow run ended, and the node never said how the order did

    @property
    def is_open(self) -> bool:
        """Whether the node may still carry it out."""
        return self in (Stage.QUEUED, Stage.TAKEN)


def stage_of(states: Sequence[str]) -> Stage:
    """The stage that a deployment's states (GitHub's words, newest first) come to."""
    if not states:
        return Stage.MADE
    match states[0]:
        case "success":
            return Stage.GOOD
        case "failure" | "error":
            return Stage.BAD
        case "inactive":  # by a person or by GitHub after it had succeeded, by us before it was taken
            return Stage.GOOD if "success" in states else Stage.WITHDRAWN
        case "in_progress":
            return Stage.TAKEN
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


class PastOrder(Value, frozen=True):
    """An order that the node was given, as GitHub's deployment and its statuses tell it."""

    number: DeploymentId
    kind: OrderKind
    submodule: SubmodulePath
    commit: CommitSha
    pin: CommitSha
    marker: str
    stage: Stage
    state: str = ""  # GitHub's word for the newest status; "" before the first
    pull: PullNumber | None = None  # where people follow it
    stacks: tuple[StackName, ...] = ()  # it was for these alone; empty: for all of the node's
    description: str = ""
    log_url: str = ""
    run_status: str = ""  # of the workflow run, in GitHub's words, while the order is open; "" when not known
    queued_at: int = 0  # seconds since the epoch, of its newest dispatch; 0 before
    updated_at: int = 0  # of its newest status

    @property
    def is_merge(self) -> bool:
        """Whether a merge asked for it, and not a person."""
        return self.marker.startswith(MERGE)

    @property
    def run_id(self) -> int | None:
        """The workflow run that carries it, read from its log's address."""
        number = self.log_url.partition("/actions/runs/")[2].partition("/")[0]
        return int(number) if number.isdecimal() else None


def judge_ended_run(order: PastOrder, *, age: int) -> Stage:
    """The stage of an open order whose workflow run has ended `age` seconds after its dispatch.

    Actions drops a job that no runner took for a day: a merge's order is then dispatched again, for the node gets it
    when it returns. Anything else was ended by a person, by a broken workflow, or by the node's own death.
    """
    dropped = order.stage is Stage.QUEUED and age >= DROPPED_AFTER
    return Stage.MADE if dropped and order.is_merge else Stage.LOST


class Wanted(Value, frozen=True):
    """An order that somebody or something asks for. The same `marker` and kind for a node are the same order."""

    kind: OrderKind
    fleet: RepoName
    node: Node
    base: BranchName
    default_branch: BranchName  # where the deploy workflow is dispatched
    submodule: Submodule
    upstream: RepoName
    commit: CommitSha
    pin: CommitSha
    marker: str  # "merge:COMMIT", "comment:ID", ...: what asked for it
    pull: PullNumber | None = None  # where people follow it
    head_of: PullNumber | None = None  # `commit` is the head of this open pull request; None: it is on `base`
    approved: PlanId | None = None  # the plan that a person approved
    stacks: tuple[StackName, ...] = ()  # only these; empty: all of the node's
    replaces_queued: bool = False  # an order that no runner took yet is withdrawn for this one
    stop_on_drift: bool = False


class Known(Value, frozen=True, tag="known"):
    """It was given before; nothing to do."""

    order: PastOrder


class Wait(Value, frozen=True, tag="wait"):
    """The node has another order in flight: look again when that one has ended."""

    behind: PastOrder


class Give(Value, frozen=True, tag="give"):
    """Dispatch it: under the number `number` if its deployment is there already, after ending `withdraw`."""

    number: DeploymentId | None = None
    withdraw: PastOrder | None = None


OrderDecision = Known | Wait | Give


def decide_order(wanted: Wanted, past: Sequence[PastOrder]) -> OrderDecision:
    """What to do about `wanted`, given the node's orders, for whatever submodule, newest first."""
    same = (wanted.kind, wanted.submodule.path, wanted.marker)
    mine = next((o for o in past if (o.kind, o.submodule, o.marker) == same), None)
    if mine is not None and mine.stage is not Stage.MADE:
        return Known(order=mine)
    # A number below one that the node took already would be refused: then a new deployment is made.
    newest = next((o.number for o in past if o.stage is not Stage.MADE), 0)
    number = mine.number if mine is not None and mine.number > newest else None
    open_one = next((o for o in past if o.stage.is_open), None)
    if open_one is None:
        return Give(number=number)
    # A question that no node heard yet stands in nobody's way.
    if open_one.stage is Stage.QUEUED and (wanted.replaces_queued or open_one.kind.reads_only):
        return Give(number=number, withdraw=open_one)
    return Wait(behind=open_one)


def last_good(past: Sequence[PastOrder], submodule: SubmodulePath, *, or_partly: bool = False) -> PastOrder | None:
    """What the node runs of `submodule`, as far as its orders tell: the newest that ended well and touched it.

    An order for a few stacks says nothing of the others; with `or_partly` it counts all the same.
    """
    good = (o for o in past if o.stage is Stage.GOOD and o.submodule == submodule and not o.kind.reads_only)
    return next((o for o in good if or_partly or not o.stacks), None)


def compose_order(
    wanted: Wanted, plan: NodePlan, *, plan_id: PlanId, start: PastOrder | None, number: DeploymentId, now: int
) -> Order:
    """The order that is signed. `plan` is the node's own; `now` is in seconds since the epoch."""
    node = wanted.node
    return Order(
        kind=wanted.kind,
        fleet=wanted.fleet,
        node=node.name,
        commit=wanted.commit,
        base=wanted.base,
        submodule=wanted.submodule.path,
        pin=wanted.pin,
        plan=plan_id,
        root=node.root,
        stacks=tuple(order_stack(stack) for stack in plan.stacks),
        variables=node.variables,
        issued=now,
        expires=now + ORDER_LIFETIME,
        number=number,
        head_of=wanted.head_of,
        start=Start(commit=start.commit, pin=start.pin) if start else None,
        on_drift=Rule.STOP if wanted.stop_on_drift and start else Rule.CONTINUE,
        on_edits=Rule.CONTINUE if node.keep_edits else Rule.STOP,
        hooks=_hooks(node.hooks),
    )


def _hooks(hooks: Hooks) -> tuple[Hook, ...]:
    """The fleet file's hooks, in the order in which they stand there."""
    around = [(HookTime.BEFORE, hooks.before), (HookTime.AFTER, hooks.after)]
    beside = [(HookTime.BEFORE, hooks.before_stack), (HookTime.AFTER, hooks.after_stack)]
    return (
        *(Hook(when=when, command=command) for when, commands in around for command in commands),
        *(
            Hook(when=when, command=command, stack=stack)
            for when, stacks in beside
            for stack, commands in stacks.items()
            for command in commands
        ),
    )


def order_stack(stack: StackPlan) -> StackOrder:
    """What a node is told about one stack of its plan."""
    return StackOrder(
        stack=stack.stack,
        folder=stack.folder,
        files=stack.files,
        profiles=stack.profiles,
        project=stack.project,
        services=tuple(
            ServiceOrder(service=s.service, action=s.action, signal=s.signal or "SIGHUP", remaining=s.remaining)
            for s in stack.services
        ),
        networks=stack.remade_networks,
    )


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
