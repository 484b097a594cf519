"""Which nodes get which order now. Pure: facts in, one tagged decision out, with its reason."""

from __future__ import annotations

from enum import StrEnum

from bot.decisions.facts import NodeFacts, RolloutFacts
from bot.names import CommitSha, DeploymentId, NodeName, PlanId, SubmodulePath
from bot.node.order import Order, OrderKind, ServiceOrder, StackOrder
from bot.plan.model import NodePlan, StackPlan
from bot.values import Value

ORDER_LIFETIME = 24 * 3600  # seconds; Actions drops a job that waited this long for its runner


class RolloutReason(StrEnum):
    """Why a rollout decision fell."""

    NO_NODES = "no_nodes"
    NO_PULL_REQUEST = "no_pull_request"  # the pin was pushed directly: nobody approved it in a pull request
    TO_DEPLOY = "to_deploy"
    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"


class Rollout(Value, frozen=True, tag="rollout"):
    """`start` are the nodes that have no order for this commit yet; the others are as they are."""

    reason: RolloutReason
    start: tuple[NodeName, ...] = ()


_FINAL = {"success", "failure", "error", "inactive"}


def decide_rollout(facts: RolloutFacts) -> Rollout:
    """Which nodes to start now. A node is started once per commit: what failed is not tried again by itself."""
    if not facts.nodes:
        return Rollout(reason=RolloutReason.NO_NODES)
    if facts.pull is None:
        return Rollout(reason=RolloutReason.NO_PULL_REQUEST)
    # A deployment without a status was made, and then we died before its order was dispatched.
    start = tuple(n.node.name for n in facts.nodes if n.state is None)
    if start:
        return Rollout(reason=RolloutReason.TO_DEPLOY, start=start)
    if any(n.state not in _FINAL for n in facts.nodes):
        return Rollout(reason=RolloutReason.UNDER_WAY)
    done = all(n.state in ("success", "inactive") for n in facts.nodes)
    return Rollout(reason=RolloutReason.DONE if done else RolloutReason.FAILED)


def compose_order(
    facts: RolloutFacts, target: NodeFacts, plan: NodePlan, *, plan_id: PlanId, number: DeploymentId, now: int
) -> Order:
    """The order that makes `target` run what was merged. `now` is in seconds since the epoch."""
    return Order(
        kind=OrderKind.DEPLOY,
        fleet=facts.fleet,
        node=target.node.name,
        commit=facts.commit,
        base=facts.base,
        submodule=facts.submodule.path,
        pin=facts.pin,
        plan=plan_id,
        root=target.node.root,
        stacks=tuple(_stack_order(stack) for stack in plan.stacks),
        variables=target.node.variables,
        issued=now,
        expires=now + ORDER_LIFETIME,
        number=number,
    )


def _stack_order(stack: StackPlan) -> StackOrder:
    return StackOrder(
        stack=stack.stack,
        folder=stack.folder,
        files=stack.files,
        profiles=stack.profiles,
        project=stack.project,
        services=tuple(ServiceOrder(service=s.service, action=s.action) for s in stack.services),
    )


def deployment_task(submodule: SubmodulePath) -> str:
    """What tells the deployments of two submodules of one commit apart."""
    return f"deploy:{submodule}"


def describe_deployment(pin: CommitSha, plan: PlanId | None) -> str:
    """A deployment's one line."""
    return f"{pin[:7]}, plan {plan}" if plan else pin[:7]
