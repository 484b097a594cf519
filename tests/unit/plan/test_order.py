"""The order that carries out a plan: every field of the request and of the plan arrives in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    RepoName,
    StackName,
    SubmodulePath,
)
from bot.fleetfile import Hooks, Node, Submodule
from bot.plan.model import NodePlan, StackPlan
from bot.plan.order import ORDER_LIFETIME, OrderRequest, compose_order
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
    encode_order,
)
from tests.stored_values import values_of

pytestmark = pytest.mark.portable
PLAN_ID, NUMBER = PlanId("0123456789ab"), DeploymentId(9)


@given(values_of(OrderRequest), values_of(NodePlan), st.none() | values_of(PlanStart), st.integers(0, 2**40))
def test_everything_arrives(request: OrderRequest, plan: NodePlan, start: PlanStart | None, now: int) -> None:
    order = compose_order(request, plan, plan_id=PLAN_ID, start=start, number=NUMBER, now=now, tree="5a" * 32)
    node = request.node
    assert order == Order(
        kind=request.kind,
        fleet=request.fleet,
        node=node.name,
        commit=request.commit,
        base=request.base,
        submodule=request.submodule.path,
        pin=request.pin,
        plan=PLAN_ID,
        root=node.root,
        stacks=tuple(
            StackOrder(
                stack=stack.stack,
                folder=stack.folder,
                files=stack.files,
                profiles=stack.profiles,
                project=stack.project,
                services=tuple(
                    ServiceOrder(
                        one.service, one.action, one.signal or "SIGHUP", one.remaining, one.if_same, one.follows
                    )
                    for one in stack.services
                ),
                networks=stack.remade_networks,
                watch=node.watch.get(stack.stack),
            )
            for stack in plan.stacks
        ),
        variables=node.variables,
        issued=now,
        expires=now + 86_400,
        number=NUMBER,
        head_of=request.head_of,
        start=start,
        on_drift=MismatchPolicy.STOP if request.stop_on_drift and start else MismatchPolicy.CONTINUE,
        on_edits=MismatchPolicy.CONTINUE if node.keep_edits else MismatchPolicy.STOP,
        hooks=order.hooks,
        requires=order.requires,
        tree="5a" * 32,
    )
    services = [one for stack in plan.stacks for one in stack.services]
    needs = [("follows", any(one.follows for one in services))]
    needs += [("if_same", any(one.if_same is not None for one in services))]
    needs += [("watch", bool({stack.stack for stack in plan.stacks} & set(node.watch)))]
    assert order.requires == tuple(name for name, is_needed in needs if is_needed)
    assert len(encode_order(order)) > 0
    assert ORDER_LIFETIME == 86_400


@given(values_of(OrderRequest), values_of(NodePlan))
def test_every_hook_arrives_in_its_order(request: OrderRequest, plan: NodePlan) -> None:
    order = compose_order(request, plan, plan_id=PLAN_ID, start=None, number=NUMBER, now=0)
    hooks = request.node.hooks
    expected = [Hook(HookTime.BEFORE, one) for one in hooks.before]
    expected += [Hook(HookTime.AFTER, one) for one in hooks.after]
    for when, beside in ((HookTime.BEFORE, hooks.before_stack), (HookTime.AFTER, hooks.after_stack)):
        expected += [Hook(when, one, StackName(stack)) for stack, several in beside.items() for one in several]
    assert list(order.hooks) == expected
    assert Hooks() == Hooks(before=(), after=(), before_stack={}, after_stack={})


@given(values_of(OrderRequest), values_of(AgentRelease))
def test_the_agent_that_carries_it_out_is_required_of_the_node(request: OrderRequest, agent: AgentRelease) -> None:
    watched = request.node.watch and {StackName(name) for name in request.node.watch}
    plan = NodePlan(
        node=NodeName("n"),
        platform="linux",
        stacks=tuple(StackPlan(stack=name, folder="f", files=()) for name in sorted(watched or ())),
    )
    order = compose_order(request, plan, plan_id=PLAN_ID, start=None, number=NUMBER, now=0, agent=agent)
    assert order.agent == agent
    assert order.requires == (("agent", "watch") if watched else ("agent",))
    assert compose_order(request, plan, plan_id=PLAN_ID, start=None, number=NUMBER, now=0).agent is None


def test_a_watch_of_the_fleet_file_is_required_of_the_node() -> None:
    plan = NodePlan(
        node=NodeName("n"),
        platform="linux",
        stacks=(
            StackPlan(stack=StackName("web"), folder="s/web", files=("c.yml",)),
            StackPlan(stack=StackName("db"), folder="s/db", files=("c.yml",)),
        ),
    )

    def compose(watch: dict[StackName, int]) -> Order:
        request = OrderRequest(
            kind=OrderKind.DEPLOY,
            fleet=RepoName("o/f"),
            node=Node(name=NodeName("n"), watch=watch),
            base=BranchName("main"),
            default_branch=BranchName("main"),
            submodule=Submodule(path=SubmodulePath("s")),
            upstream=RepoName("o/s"),
            commit=CommitSha("a" * 40),
            pin=CommitSha("b" * 40),
            marker="m",
        )
        return compose_order(request, plan, plan_id=PLAN_ID, start=None, number=NUMBER, now=1)

    watched = compose({StackName("db"): 60, StackName("other"): 5})
    assert [stack.watch for stack in watched.stacks] == [None, 60]
    assert watched.requires == ("watch",)
    plain = compose({StackName("other"): 5})
    assert plain.requires == ()
    assert b"watch" not in encode_order(plain)
    assert b"tree" not in encode_order(plain)
    zero = compose({StackName("web"): 0})
    assert [stack.watch for stack in zero.stacks] == [0, None]
    assert zero.requires == ("watch",)
