"""Compose the order that a node receives from its part of the plan. Pure."""

from __future__ import annotations

from bot.domain.names import DeploymentId, PlanId
from bot.fleetfile.hooks import Hooks
from bot.plan.model import NodePlan, StackPlan
from bot.protocol.asked import PastOrder, Wanted
from bot.protocol.order import Hook, HookTime, Order, Rule, ServiceOrder, StackOrder, Start

ORDER_LIFETIME = 24 * 3600  # seconds; Actions drops a job that waited this long for its runner


def compose_order(
    wanted: Wanted, plan: NodePlan, *, plan_id: PlanId, start: PastOrder | None, number: DeploymentId, now: int
) -> Order:
    """Compose the order to be signed. `plan` is the node's own; `now` is in seconds since the epoch."""
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
    """Compose the part of an order for one stack."""
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
