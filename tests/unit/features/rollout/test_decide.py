"""The rollout decision: waves, soak times, nodes that are away, what failed."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    PullNumber,
    RepoName,
    SubmodulePath,
)
from bot.features.rollout.decide.orders import stage_of
from bot.features.rollout.decide.rollout import LADDER, Rollout, RolloutReason, Standing, decide_rollout, want_merged
from bot.features.rollout.facts import NodeFacts, PastOrder, RolloutFacts, Stage
from bot.fleetfile import Node, Submodule
from bot.protocol.order import OrderKind

COMMIT, PIN, SERVER = CommitSha("c" * 40), CommitSha("d" * 40), SubmodulePath("server")
OLD = CommitSha("b" * 40)
NOW = 100_000
FINAL = ("success", "failure", "error")


def order(state: str, **changes: object) -> PastOrder:
    """An order for the commit at hand, in GitHub's word `state`, given and heard of just now."""
    made = PastOrder(
        number=DeploymentId(5),
        kind=OrderKind.DEPLOY,
        submodule=SERVER,
        commit=COMMIT,
        pin=PIN,
        marker=f"merge:{COMMIT}",
        stage=stage_of([state]),
        state=state,
        queued_at=NOW,
        updated_at=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def node(name: str, state: str | None, *older: PastOrder, held: str = "", **changes: object) -> NodeFacts:
    """A node whose newest order is for the commit at hand; state None: it got none."""
    newest = (order(state, **changes),) if state else ()
    return NodeFacts(node=Node(name=NodeName(name)), past=(*newest, *older), held=held)


def facts(*nodes: NodeFacts, waves: str = "", **changes: object) -> RolloutFacts:
    """`waves`: "A BC" is A first, then B and C; left out: all at once."""
    names = waves or "".join(n.node.name for n in nodes)
    made = RolloutFacts(
        fleet=RepoName("Tecnocrat/aios-win"),
        base=BranchName("main"),
        submodule=Submodule(path=SERVER),
        upstream=RepoName("Tecnocrat/server"),
        commit=COMMIT,
        pin=PIN,
        default_branch=BranchName("main"),
        pull=PullNumber(7),
        plan=PlanId("0123456789ab"),
        nodes=nodes,
        waves=tuple(tuple(NodeName(name) for name in wave) for wave in names.split()),
        now=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def said(rollout: Rollout) -> tuple[RolloutReason, str, int]:
    """Reason, who is started, and the wave."""
    return rollout.reason, "".join(rollout.start), rollout.wave


def test_every_node_without_an_order_is_started() -> None:
    rollout = decide_rollout(facts(node("A", None), node("B", "success"), node("C", None)))
    assert said(rollout) == (RolloutReason.TO_DEPLOY, "AC", 1)


def test_a_pin_that_came_without_a_pull_request_is_not_deployed() -> None:
    rollout = decide_rollout(facts(node("A", None), pull=None))
    assert said(rollout) == (RolloutReason.NO_PULL_REQUEST, "", 0)


def test_a_fleet_without_nodes_has_nothing_to_do() -> None:
    assert decide_rollout(facts()).reason is RolloutReason.NO_NODES


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (("queued",), RolloutReason.UNDER_WAY),
        (("success", "in_progress"), RolloutReason.UNDER_WAY),
        (("success", "success"), RolloutReason.DONE),
        (("success", "failure"), RolloutReason.HALTED),
        (("error",), RolloutReason.HALTED),
        (("pending", "failure"), RolloutReason.HALTED),
    ],
)
def test_what_was_started_is_not_started_again(states: tuple[str, ...], reason: RolloutReason) -> None:
    rollout = decide_rollout(facts(*(node(f"{i}", state) for i, state in enumerate(states))))
    assert rollout.reason is reason
    assert rollout.start == ()


@pytest.mark.parametrize("waves", ["AB", "A B", "B A"])
def test_every_combination_of_two_nodes(waves: str) -> None:
    """None is started twice, none after a failure in its wave or before, none while an earlier wave is open."""
    states = [None, "pending", "queued", "in_progress", *FINAL]
    for one, two in itertools.product(states, states):
        found = {"A": one, "B": two}
        rollout = decide_rollout(facts(node("A", one), node("B", two), waves=waves))
        expected = ""
        for wave in waves.split():
            if {found[name] for name in wave} & {"failure", "error"}:
                break
            expected = "".join(name for name in "AB" if name in wave and found[name] is None)
            if expected or any(found[name] != "success" for name in wave):
                break
        assert "".join(rollout.start) == expected, (one, two)


def test_waves_go_one_after_the_other() -> None:
    a, b, c = (node(name, None) for name in "ABC")
    assert said(decide_rollout(facts(a, b, c, waves="A BC"))) == (RolloutReason.TO_DEPLOY, "A", 1)
    a = node("A", "in_progress")
    assert said(decide_rollout(facts(a, b, c, waves="A BC"))) == (RolloutReason.UNDER_WAY, "", 1)
    a = node("A", "success")
    rollout = decide_rollout(facts(a, b, c, waves="A BC"))
    assert said(rollout) == (RolloutReason.TO_DEPLOY, "BC", 2)
    assert rollout.standings == {"A": Standing.GOOD, "B": Standing.TO_START, "C": Standing.TO_START}


def test_a_failed_wave_halts_the_rest() -> None:
    rollout = decide_rollout(facts(node("A", "failure"), node("B", None), waves="A B"))
    assert said(rollout) == (RolloutReason.HALTED, "", 1)
    assert rollout.standings[NodeName("B")] is Standing.WAVE_NOT_YET
    assert rollout.again_at is None


def test_a_person_who_orders_a_failed_node_once_more_lets_the_waves_go_on() -> None:
    again = order("success", number=DeploymentId(9), marker="comment:1")
    retried = NodeFacts(node=Node(name=NodeName("A")), past=(again, order("failure")))
    assert said(decide_rollout(facts(retried, node("B", None), waves="A B"))) == (RolloutReason.TO_DEPLOY, "B", 2)


def test_a_wave_soaks_before_the_next() -> None:
    waiting = facts(node("A", "success", updated_at=NOW - 60), node("B", None), waves="A B", soak=300)
    rollout = decide_rollout(waiting)
    assert said(rollout) == (RolloutReason.SOAKING, "", 1)
    assert rollout.again_at == NOW + 240
    later = msgspec.structs.replace(waiting, now=NOW + 240)
    assert said(decide_rollout(later)) == (RolloutReason.TO_DEPLOY, "B", 2)


def test_the_last_wave_needs_no_soak() -> None:
    assert decide_rollout(facts(node("A", "success"), soak=300)).reason is RolloutReason.DONE


def test_a_node_whose_order_waits_too_long_is_offline() -> None:
    queued = facts(node("A", "queued", queued_at=NOW - 100), offline_after=600)
    rollout = decide_rollout(queued)
    assert (rollout.reason, rollout.again_at) == (RolloutReason.UNDER_WAY, NOW + 500)
    rollout = decide_rollout(msgspec.structs.replace(queued, now=NOW + 500))
    assert (rollout.reason, rollout.again_at) == (RolloutReason.NODES_AWAY, None)
    assert rollout.standings == {"A": Standing.OFFLINE}


def test_a_question_that_waits_is_no_reason_to_come_again() -> None:
    question = order("queued", kind=OrderKind.DRIFT, marker="drift:1")
    assert decide_rollout(facts(node("A", "success", question))).again_at is None


def test_an_order_that_waits_for_an_approval_is_not_offline() -> None:
    waiting = facts(node("A", "queued", queued_at=0, run_status="waiting"))
    assert decide_rollout(waiting).reason is RolloutReason.UNDER_WAY


def test_an_absent_node_does_not_hold_up_the_next_wave_once_another_has_shown_that_it_works() -> None:
    away = node("A", "queued", queued_at=0)
    nobody = facts(away, node("B", None), waves="A B")
    assert said(decide_rollout(nobody)) == (RolloutReason.NODES_AWAY, "", 1)
    shown = facts(away, node("B", "success"), node("C", None), waves="AB C")
    assert said(decide_rollout(shown)) == (RolloutReason.TO_DEPLOY, "C", 2)
    done = facts(away, node("B", "success"), node("C", "success"), waves="AB C")
    assert decide_rollout(done).reason is RolloutReason.NODES_AWAY


def test_a_node_that_comes_back_late_holds_up_nothing() -> None:
    late = facts(node("A", "success"), node("B", "success", updated_at=0), node("C", None), waves="A B C", soak=300)
    assert said(decide_rollout(late)) == (RolloutReason.TO_DEPLOY, "C", 3)


def test_a_held_node_gets_nothing() -> None:
    rollout = decide_rollout(facts(node("A", None, held="#9 has it"), node("B", None)))
    assert said(rollout) == (RolloutReason.TO_DEPLOY, "B", 1)
    assert rollout.standings[NodeName("A")] is Standing.HELD


def test_a_rollout_is_not_done_while_a_node_is_held() -> None:
    done = facts(node("A", None, held="#9 has it"), node("B", "success"))
    assert decide_rollout(done).reason is RolloutReason.NODES_AWAY


def test_a_held_node_of_a_failed_wave_is_still_held() -> None:
    rollout = decide_rollout(facts(node("A", "failure"), node("B", None, held="#9 has it"), node("C", None)))
    assert rollout.standings == {"A": Standing.FAILED, "B": Standing.HELD, "C": Standing.WAVE_NOT_YET}


def test_a_held_node_is_looked_at_when_its_lock_ends() -> None:
    held = msgspec.structs.replace(node("A", None, held="#9 has it"), held_until=NOW + 60)
    rollout = decide_rollout(facts(held))
    assert (rollout.reason, rollout.again_at) == (RolloutReason.NODES_AWAY, NOW + 60)


def test_a_node_with_another_order_in_flight_waits() -> None:
    busy = order("in_progress", commit=OLD, marker=f"merge:{OLD}")
    rollout = decide_rollout(facts(node("A", None, busy)))
    assert said(rollout) == (RolloutReason.UNDER_WAY, "", 1)


def test_what_an_earlier_merge_left_in_the_queue_is_withdrawn_at_once() -> None:
    """Also where the newer one's wave has not come: a node that returns gets the newest order and no other."""
    old = order("queued", commit=OLD, marker=f"merge:{OLD}")
    rollout = decide_rollout(facts(node("A", "in_progress"), node("B", None, old), waves="A B"))
    assert rollout.withdraw == ((NodeName("B"), old),)
    assert rollout.start == ()
    rollout = decide_rollout(facts(node("B", None, old)))
    assert (rollout.withdraw, rollout.start) == (((NodeName("B"), old),), ("B",))


def test_what_a_person_ordered_is_not_withdrawn_by_a_merge() -> None:
    asked = order("queued", commit=OLD, marker="comment:1")
    rollout = decide_rollout(facts(node("A", None, asked)))
    assert (rollout.withdraw, rollout.start, rollout.reason) == ((), (), RolloutReason.UNDER_WAY)


def test_a_lost_order_is_ended_and_halts() -> None:
    lost = order("in_progress", stage=Stage.ABANDONED)
    rollout = decide_rollout(facts(node("A", None, lost)))
    assert rollout.end == ((NodeName("A"), lost),)
    assert rollout.reason is RolloutReason.HALTED
    earlier = order("in_progress", stage=Stage.ABANDONED, commit=OLD)
    assert decide_rollout(facts(node("A", "success", earlier))).end == ((NodeName("A"), earlier),)


def test_what_a_merge_wants_names_the_commit_that_it_brought() -> None:
    wanted = want_merged(facts(node("A", None)), node("A", None))
    assert (wanted.commit, wanted.pin, wanted.marker) == (COMMIT, PIN, f"merge:{COMMIT}")
    assert wanted.head_of is None


def test_what_github_may_not_show_yet_is_looked_at_again_five_times() -> None:
    nobody = facts(node("A", None), pull=None, may_be_early=True)
    for tries, pause in enumerate((2, 4, 8, 16, 32)):
        found = decide_rollout(msgspec.structs.replace(nobody, tries=tries))
        assert (found.reason, found.start) == (RolloutReason.NO_PULL_REQUEST, ())
        assert (found.again_at, found.tries) == (NOW + pause, tries + 1)
    believed = decide_rollout(msgspec.structs.replace(nobody, tries=len(LADDER)))
    assert (believed.again_at, believed.tries) == (None, 0)
    assert decide_rollout(facts(node("A", None), pull=None)).again_at is None


def test_an_early_look_keeps_a_sooner_time_of_its_own() -> None:
    held = msgspec.structs.replace(node("A", None), held="somebody has it", held_until=NOW + 1)
    assert decide_rollout(facts(held, may_be_early=True)).again_at == NOW + 1
    later = msgspec.structs.replace(held, held_until=NOW + 100)
    assert decide_rollout(facts(later, may_be_early=True)).again_at == NOW + 2


def rollback(stage: Stage, **changes: object) -> PastOrder:
    """A person's rollback of a node, in the pull request that was merged."""
    values = {"number": DeploymentId(9), "kind": OrderKind.ROLLBACK, "commit": OLD, "pin": OLD, "pull": PullNumber(7)}
    return msgspec.structs.replace(order("success"), stage=stage, marker="comment:1", **(values | changes))


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.RUNNING, Stage.SUCCEEDED, Stage.FAILED, Stage.ABANDONED])
def test_what_a_person_rolled_back_on_one_node_is_started_on_no_other(stage: Stage) -> None:
    taken = NodeFacts(node=Node(name=NodeName("A")), past=(rollback(stage), order("success")))
    rollout = decide_rollout(facts(taken, node("B", None), node("C", "success"), waves="A B C"))
    assert said(rollout) == (RolloutReason.HALTED, "", 0)
    assert rollout.standings == {"A": Standing.FAILED, "B": Standing.WAVE_NOT_YET, "C": Standing.GOOD}


@pytest.mark.parametrize(
    "past",
    [
        (rollback(Stage.WITHDRAWN), order("success")),
        (rollback(Stage.MADE), order("success")),
        (rollback(Stage.SUCCEEDED, pin=PIN), order("success")),  # to another commit with the same pin
        (rollback(Stage.SUCCEEDED, submodule=SubmodulePath("other")), order("success")),
        (order("success", number=DeploymentId(11)), rollback(Stage.SUCCEEDED), order("success")),  # deployed again
        (order("success", number=DeploymentId(11)), rollback(Stage.SUCCEEDED, pull=PullNumber(6))),
    ],
)
def test_what_does_not_take_the_commit_back(past: tuple[PastOrder, ...]) -> None:
    good = NodeFacts(node=Node(name=NodeName("A")), past=past)
    rollout = decide_rollout(facts(good, node("B", None), waves="A B"))
    assert said(rollout) == (RolloutReason.TO_DEPLOY, "B", 2)


def test_a_rollback_before_a_node_had_its_turn_counts_if_it_is_of_this_merge() -> None:
    early = NodeFacts(node=Node(name=NodeName("A")), past=(rollback(Stage.SUCCEEDED),))
    assert decide_rollout(facts(early)).reason is RolloutReason.HALTED
    older = NodeFacts(node=Node(name=NodeName("A")), past=(rollback(Stage.SUCCEEDED, pull=PullNumber(6)),))
    assert said(decide_rollout(facts(older))) == (RolloutReason.TO_DEPLOY, "A", 1)


def test_a_rollback_that_waits_for_its_turn_halts_too() -> None:
    rollout = decide_rollout(facts(node("A", "in_progress"), node("B", None), waves="A B", rolled_back=True))
    assert said(rollout) == (RolloutReason.HALTED, "", 0)
    assert rollout.standings[NodeName("A")] is Standing.UNDER_WAY


def test_orders_of_a_merge_that_was_rolled_back_are_withdrawn_before_a_runner_takes_them() -> None:
    queued = node("B", "queued")
    by_hand = node("C", "queued", marker="comment:1")
    assert decide_rollout(facts(queued, by_hand)).withdraw == ()
    rollout = decide_rollout(facts(queued, by_hand, rolled_back=True))
    assert rollout.withdraw == (("B", queued.past[0]),)
