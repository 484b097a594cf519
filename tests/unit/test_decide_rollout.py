"""The rollout decision, and the order that comes out of a plan."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from bot.decisions.facts import NodeFacts, RolloutFacts
from bot.decisions.orders import PastOrder, stage_of
from bot.decisions.rollout import RolloutReason, decide_rollout, want_merged
from bot.fleet import Node, Submodule
from bot.names import BranchName, CommitSha, DeploymentId, NodeName, PlanId, PullNumber, RepoName, SubmodulePath
from bot.node.order import OrderKind

COMMIT, PIN, SERVER = CommitSha("c" * 40), CommitSha("d" * 40), SubmodulePath("server")


def node(name: str, state: str | None) -> NodeFacts:
    """A node whose newest order is for the commit at hand, in GitHub's word `state`; None: it got none."""
    order = PastOrder(
        number=DeploymentId(5),
        kind=OrderKind.DEPLOY,
        submodule=SERVER,
        commit=COMMIT,
        pin=PIN,
        marker=f"merge:{COMMIT}",
        stage=stage_of([state] if state else []),
        state=state or "",
    )
    return NodeFacts(node=Node(name=NodeName(name)), past=(order,) if state else ())


def facts(*nodes: NodeFacts, pull: int | None = 7) -> RolloutFacts:
    return RolloutFacts(
        fleet=RepoName("Tecnocrat/aios-win"),
        base=BranchName("main"),
        submodule=Submodule(path=SERVER),
        upstream=RepoName("Tecnocrat/server"),
        commit=COMMIT,
        pin=PIN,
        default_branch=BranchName("main"),
        pull=PullNumber(pull) if pull else None,
        plan=PlanId("0123456789ab"),
        nodes=nodes,
    )


def test_every_node_without_an_order_is_started() -> None:
    rollout = decide_rollout(facts(node("A", None), node("B", "success"), node("C", None)))
    assert rollout.reason is RolloutReason.TO_DEPLOY
    assert rollout.start == ("A", "C")


def test_a_pin_that_came_without_a_pull_request_is_not_deployed() -> None:
    rollout = decide_rollout(facts(node("A", None), pull=None))
    assert rollout.reason is RolloutReason.NO_PULL_REQUEST
    assert rollout.start == ()


def test_a_fleet_without_nodes_has_nothing_to_do() -> None:
    assert decide_rollout(facts()).reason is RolloutReason.NO_NODES


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (("queued",), RolloutReason.UNDER_WAY),
        (("success", "in_progress"), RolloutReason.UNDER_WAY),
        (("success", "success"), RolloutReason.DONE),
        (("success", "failure"), RolloutReason.FAILED),
        (("error",), RolloutReason.FAILED),
        (("pending", "failure"), RolloutReason.UNDER_WAY),
    ],
)
def test_what_was_started_is_not_started_again(states: tuple[str, ...], reason: RolloutReason) -> None:
    rollout = decide_rollout(facts(*(node(f"N{i}", state) for i, state in enumerate(states))))
    assert rollout.reason is reason
    assert rollout.start == ()


def test_every_combination_of_two_nodes_starts_exactly_those_without_an_order() -> None:
    states = [None, "pending", "queued", "in_progress", "success", "failure", "error"]
    for one, two in itertools.product(states, states):
        rollout = decide_rollout(facts(node("A", one), node("B", two)))
        assert rollout.start == tuple(name for name, state in (("A", one), ("B", two)) if state is None)


def test_another_order_for_the_same_commit_counts_as_well() -> None:
    """A person who orders a failed node once more has it done when that order succeeds."""
    again = msgspec.structs.replace(node("A", "success").past[0], number=DeploymentId(9), marker="comment:1")
    failed = node("A", "failure")
    retried = msgspec.structs.replace(failed, past=(again, *failed.past))
    assert decide_rollout(facts(failed)).reason is RolloutReason.FAILED
    assert decide_rollout(facts(retried)).reason is RolloutReason.DONE


def test_what_a_merge_wants_names_the_commit_that_it_brought() -> None:
    wanted = want_merged(facts(node("A", None)), node("A", None))
    assert (wanted.commit, wanted.pin, wanted.marker) == (COMMIT, PIN, f"merge:{COMMIT}")
    assert wanted.head_of is None
