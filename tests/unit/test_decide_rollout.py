"""The rollout decision, and the order that comes out of a plan."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from bot.decisions.facts import NodeFacts, RolloutFacts
from bot.decisions.rollout import ORDER_LIFETIME, RolloutReason, compose_order, decide_rollout
from bot.fleet import Node, Submodule
from bot.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    PullNumber,
    RepoName,
    ServiceName,
    StackName,
    SubmodulePath,
)
from bot.plan.model import Action, NodePlan, ServicePlan, StackPlan


def node(name: str, state: str | None, deployment: int | None = 5) -> NodeFacts:
    return NodeFacts(
        node=Node(name=NodeName(name), root="/srv/aios", variables={"A": "b"}),
        deployment=DeploymentId(deployment) if deployment else None,
        state=state,
        description="",
        log_url=None,
        updated="",
    )


def facts(*nodes: NodeFacts, pull: int | None = 7) -> RolloutFacts:
    return RolloutFacts(
        fleet=RepoName("Tecnocrat/aios-win"),
        base=BranchName("main"),
        submodule=Submodule(path=SubmodulePath("server")),
        upstream=RepoName("Tecnocrat/server"),
        commit=CommitSha("c" * 40),
        pin=CommitSha("d" * 40),
        default_branch=BranchName("main"),
        pull=PullNumber(pull) if pull else None,
        plan=PlanId("0123456789ab"),
        nodes=nodes,
    )


def test_every_node_without_an_order_is_started() -> None:
    rollout = decide_rollout(facts(node("A", None, None), node("B", "success"), node("C", None)))
    assert rollout.reason is RolloutReason.TO_DEPLOY
    assert rollout.start == ("A", "C")


def test_a_pin_that_came_without_a_pull_request_is_not_deployed() -> None:
    rollout = decide_rollout(facts(node("A", None, None), pull=None))
    assert rollout.reason is RolloutReason.NO_PULL_REQUEST
    assert rollout.start == ()


def test_a_fleet_without_nodes_has_nothing_to_do() -> None:
    assert decide_rollout(facts()).reason is RolloutReason.NO_NODES


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (("queued",), RolloutReason.UNDER_WAY),
        (("success", "in_progress"), RolloutReason.UNDER_WAY),
        (("success", "inactive"), RolloutReason.DONE),
        (("success", "failure"), RolloutReason.FAILED),
        (("error",), RolloutReason.FAILED),
        (("pending", "failure"), RolloutReason.UNDER_WAY),
    ],
)
def test_what_was_started_is_not_started_again(states: tuple[str, ...], reason: RolloutReason) -> None:
    rollout = decide_rollout(facts(*(node(f"N{i}", state) for i, state in enumerate(states))))
    assert rollout.reason is reason
    assert rollout.start == ()


def test_every_combination_of_two_nodes_starts_exactly_those_without_a_state() -> None:
    states = [None, "pending", "queued", "in_progress", "success", "failure", "error", "inactive"]
    for one, two in itertools.product(states, states):
        rollout = decide_rollout(facts(node("A", one), node("B", two)))
        assert rollout.start == tuple(name for name, state in (("A", one), ("B", two)) if state is None)


def test_an_order_says_all_that_a_node_needs() -> None:
    service = ServicePlan(service=ServiceName("traefik"), action=Action.RECREATE)
    stack = StackPlan(
        stack=StackName("ingress"),
        folder="server/stacks/ingress",
        files=("docker-compose.yml",),
        project="ingress",
        services=(service,),
    )
    plan = NodePlan(node=NodeName("A"), platform="linux", stacks=(stack,))
    target = node("A", None, None)
    order = compose_order(
        facts(target), target, plan, plan_id=PlanId("0123456789ab"), number=DeploymentId(9), now=1000
    )
    assert (order.node, order.root, order.variables) == ("A", "/srv/aios", {"A": "b"})
    assert (order.issued, order.expires, order.number) == (1000, 1000 + ORDER_LIFETIME, 9)
    assert order.stacks[0].services[0].action is Action.RECREATE
    assert msgspec.json.decode(msgspec.json.encode(order), type=type(order)) == order
