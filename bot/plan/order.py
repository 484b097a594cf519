"""Compose the order that carries out a plan on one node: for the service, and for a deploy by hand. Pure."""

from __future__ import annotations

from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    PlanId,
    PullNumber,
    RepoName,
    StackName,
)
from bot.domain.values import StoredValue
from bot.fleetfile import Hooks, Node, Submodule
from bot.plan.model import NodePlan, StackPlan
from bot.protocol.agent import AgentRelease
from bot.protocol.order import (
    Hook,
    HookTime,
    MismatchPolicy,
    Order,
    OrderKind,
    PlanStart,
    ServiceOrder,
    StackOrder,
)

ORDER_LIFETIME = 24 * 3600  # seconds; Actions drops a job that waited this long for its runner


class OrderRequest(StoredValue, frozen=True):
    """An order to be given to a node. Requests of one kind and one `marker` for a node are the same request."""

    kind: OrderKind
    fleet: RepoName
    node: Node
    base: BranchName
    default_branch: BranchName  # where the deploy workflow is dispatched
    submodule: Submodule
    upstream: RepoName
    commit: CommitSha
    pin: CommitSha
    marker: str  # "merge:COMMIT", "comment:ID", ...: where it comes from
    pull: PullNumber | None = None  # where people follow it
    head_of: PullNumber | None = None  # `commit` is the head of this open pull request; None: it is on `base`
    approved: PlanId | None = None  # the plan that a person approved
    stacks: tuple[StackName, ...] = ()  # only these; empty: all of the node's
    replaces_queued: bool = False  # an order of the same submodule that no runner took yet is withdrawn for this one
    stop_on_drift: bool = False


def compose_order(
    request: OrderRequest,
    plan: NodePlan,
    *,
    plan_id: PlanId,
    start: PlanStart | None,
    number: DeploymentId,
    now: int,
    agent: AgentRelease | None = None,
    tree: str = "",
) -> Order:
    """The order that is signed. `plan` is the node's own, from `start`; `now` is in seconds since the epoch.

    `agent` is the program that is to carry it out; None: the one that the node has. `tree` is the digest of the files
    that the plan was made from.
    """
    node = request.node
    stacks = tuple(order_stack(stack, node) for stack in plan.stacks)
    return Order(
        kind=request.kind,
        fleet=request.fleet,
        node=node.name,
        commit=request.commit,
        base=request.base,
        submodule=request.submodule.path,
        pin=request.pin,
        plan=plan_id,
        root=node.root,
        stacks=stacks,
        variables=node.variables,
        issued=now,
        expires=now + ORDER_LIFETIME,
        number=number,
        head_of=request.head_of,
        start=start,
        on_drift=MismatchPolicy.STOP if request.stop_on_drift and start else MismatchPolicy.CONTINUE,
        on_edits=MismatchPolicy.CONTINUE if node.keep_edits else MismatchPolicy.STOP,
        hooks=_hooks(node.hooks),
        requires=_requirements(stacks, agent),
        agent=agent,
        tree=tree,
    )


def _requirements(stacks: tuple[StackOrder, ...], agent: AgentRelease | None) -> tuple[str, ...]:
    """What a node has to understand, by the fields that are set."""
    found = {
        "agent": agent is not None,
        "follows": any(one.follows for stack in stacks for one in stack.services),
        "if_same": any(one.if_same is not None for stack in stacks for one in stack.services),
        "watch": any(stack.watch is not None for stack in stacks),
    }
    return tuple(name for name, is_set in found.items() if is_set)


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


def order_stack(stack: StackPlan, node: Node | None = None) -> StackOrder:
    """Compose the part of an order for one stack, with what the fleet file says of it on `node`."""
    return StackOrder(
        stack=stack.stack,
        folder=stack.folder,
        files=stack.files,
        profiles=stack.profiles,
        project=stack.project,
        services=tuple(
            ServiceOrder(
                service=s.service,
                action=s.action,
                signal=s.signal or "SIGHUP",
                remaining=s.remaining,
                if_same=s.if_same,
                follows=s.follows,
            )
            for s in stack.services
        ),
        networks=stack.remade_networks,
        watch=node.watch.get(stack.stack) if node else None,
    )
