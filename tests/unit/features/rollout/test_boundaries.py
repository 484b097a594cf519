"""Rollouts and orders at the edge of each condition: which second, which order, and every field of what is given."""

from __future__ import annotations

import msgspec
import pytest

from bot.domain.names import (
    BranchName,
    DeploymentId,
    NodeName,
    PlanId,
    PullNumber,
    RepoName,
    StackName,
    SubmodulePath,
)
from bot.features.rollout.decide.orders import (
    DROPPED_AFTER,
    Give,
    Wait,
    decide_order,
    deployment_task,
    describe_deployment,
    judge_ended_run,
    last_good,
    newest_word,
    parse_task,
)
from bot.features.rollout.decide.rollout import (
    Rollout,
    RolloutReason,
    Standing,
    decide_rollout,
    is_offline,
    stage_on,
    want_merged,
)
from bot.features.rollout.facts import PastOrder, Stage
from bot.fleetfile import Node, Submodule
from bot.plan.order import OrderRequest
from bot.protocol.order import OrderKind
from tests.unit.features.rollout import test_orders as given
from tests.unit.features.rollout.test_decide import COMMIT, NOW, OLD, PIN, SERVER, facts, node, order

A, B, C = NodeName("A"), NodeName("B"), NodeName("C")
OTHER = SubmodulePath("tools")
OLD_MERGE = f"merge:{OLD}"


def standings(rollout: Rollout) -> str:
    """Each node with where it is: "A good, B held"."""
    return ", ".join(f"{name} {standing}" for name, standing in rollout.standings.items())


# -- rollouts ---------------------------------------------------------------------------------------------------


def test_a_rollout_says_all_of_what_to_do() -> None:
    lost = order("in_progress", stage=Stage.ABANDONED, commit=OLD, number=DeploymentId(2))
    old = order("queued", commit=OLD, marker=OLD_MERGE, queued_at=NOW - 5)
    assert decide_rollout(facts(node("A", None, old), node("B", None, lost), node("C", "success"))) == Rollout(
        reason=RolloutReason.TO_DEPLOY,
        start=(A, B),
        withdraw=((A, old),),
        end=((B, lost),),
        standings={A: Standing.TO_START, B: Standing.TO_START, C: Standing.GOOD},
        wave=1,
        again_at=NOW + 595,
    )


def test_a_lost_order_is_ended_also_where_nothing_is_deployed() -> None:
    lost = order("in_progress", stage=Stage.ABANDONED)
    assert decide_rollout(facts(node("A", None, lost), pull=None)) == Rollout(
        reason=RolloutReason.NO_PULL_REQUEST, end=((A, lost),)
    )
    assert decide_rollout(facts()) == Rollout(reason=RolloutReason.NO_NODES)


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        ("queued", {"marker": OLD_MERGE}),
        ("queued", {"commit": OLD, "marker": OLD_MERGE, "submodule": OTHER}),
        ("queued", {"commit": OLD, "marker": "comment:1"}),
        ("in_progress", {"commit": OLD, "marker": OLD_MERGE}),
        ("success", {"commit": OLD, "marker": OLD_MERGE}),
    ],
)
def test_only_an_earlier_merge_of_this_pin_that_no_node_took_is_withdrawn(
    state: str, changes: dict[str, object]
) -> None:
    assert decide_rollout(facts(node("A", None, order(state, **changes)))).withdraw == ()


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"marker": "comment:1"}, True),
        ({"kind": OrderKind.ROLLBACK}, False),
        ({"submodule": OTHER}, False),
        ({"commit": OLD}, False),
        ({"stacks": (StackName("ingress"),)}, False),
    ],
)
def test_a_node_runs_the_commit_by_an_order_for_all_of_it(changes: dict[str, object], counts: bool) -> None:
    given_facts = facts(node("A", None, order("success", **changes)))
    rollout = decide_rollout(given_facts)
    assert rollout.reason is (RolloutReason.DONE if counts else RolloutReason.TO_DEPLOY)
    assert stage_on(given_facts, given_facts.nodes[0]) is (Stage.SUCCEEDED if counts else Stage.MADE)


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("failure", RolloutReason.HALTED),
        (None, RolloutReason.TO_DEPLOY),
        ("queued", RolloutReason.UNDER_WAY),
    ],
)
def test_what_keeps_a_wave_from_being_done_in_the_order_of_its_weight(
    first: str | None, reason: RolloutReason
) -> None:
    """A failure comes before what could be started, and that before what is under way."""
    weights = ["failure", None, "queued", "success"]
    nodes = [node(name, state) for name, state in zip("ABCD", weights[weights.index(first) :], strict=False)]
    rollout = decide_rollout(facts(*nodes, node("Z", None), waves=f"{''.join(n.node.name for n in nodes)} Z"))
    assert (rollout.reason, rollout.wave) == (reason, 1)
    assert rollout.standings[NodeName("Z")] is Standing.WAVE_NOT_YET


def test_a_withdrawn_order_of_this_commit_is_a_failure() -> None:
    assert standings(decide_rollout(facts(node("A", None, order("inactive"))))) == "A failed"


def test_a_later_wave_is_only_told_where_it_is() -> None:
    """Before its turn a node may have run the commit, or be at it; who is held is said when its turn has come."""
    first = node("A", "in_progress")
    later = [node("B", None), node("C", None, held="#9 has it"), node("D", "success"), node("E", "queued")]
    rollout = decide_rollout(facts(first, *later, node("F", "in_progress"), waves="A BCDEF"))
    assert standings(rollout) == "A under_way, B wave_not_yet, C wave_not_yet, D good, E under_way, F under_way"
    assert (rollout.reason, rollout.wave, rollout.start) == (RolloutReason.UNDER_WAY, 1, ())


def test_a_halt_keeps_back_the_rest_of_the_same_wave_alone() -> None:
    rollout = decide_rollout(
        facts(node("A", "failure"), node("B", None), node("C", "in_progress"), node("D", "success"), waves="ABCD")
    )
    assert standings(rollout) == "A failed, B wave_not_yet, C under_way, D good"


def test_the_wave_that_is_named_is_the_last_when_all_are_done() -> None:
    done = decide_rollout(facts(node("A", "success"), node("B", "success"), waves="A B"))
    assert (done.reason, done.wave, done.again_at) == (RolloutReason.DONE, 2, None)


def test_a_soak_counts_from_the_last_node_that_succeeded() -> None:
    early, late = node("A", "success", updated_at=NOW - 100), node("B", "success", updated_at=NOW - 40)
    away = node("C", "queued", queued_at=0, updated_at=NOW - 1)
    rollout = decide_rollout(facts(late, early, away, node("D", None), waves="BAC D", soak=60))
    assert (rollout.reason, rollout.again_at) == (RolloutReason.SOAKING, NOW + 20)
    rollout = decide_rollout(facts(late, early, away, node("D", None), waves="BAC D", soak=40))
    assert (rollout.reason, rollout.again_at) == (RolloutReason.TO_DEPLOY, None)
    rollout = decide_rollout(facts(late, early, away, node("D", None), waves="BAC D", soak=41))
    assert (rollout.reason, rollout.again_at) == (RolloutReason.SOAKING, NOW + 1)


def test_a_soak_is_over_once_the_next_wave_has_begun() -> None:
    begun = facts(node("A", "success"), node("B", "failure"), node("C", None), waves="A BC", soak=300)
    assert decide_rollout(begun).reason is RolloutReason.HALTED
    third = facts(node("A", "success"), node("B", None), node("C", "success"), waves="A B C", soak=300)
    assert decide_rollout(third).start == (B,)


def test_a_wave_whose_turn_has_not_come_soaks_nothing() -> None:
    early = facts(node("A", "in_progress"), node("B", "success"), node("C", None), waves="A B C", soak=60)
    assert decide_rollout(early).again_at is None


def test_what_needs_no_soak_needs_none_from_the_first_second_on() -> None:
    begun = facts(node("A", "success", updated_at=0), node("B", None), node("C", "success"), waves="A BC", now=0)
    assert decide_rollout(begun).start == (B,)
    assert decide_rollout(facts(node("A", None), now=0, soak=300)).again_at is None
    assert decide_rollout(facts(node("A", "failure"), node("B", None), waves="A B", now=0)).again_at is None


def test_the_next_look_is_the_earliest_moment_at_which_time_alone_changes_something() -> None:
    held = msgspec.structs.replace(node("B", None, held="#9 has it"), held_until=NOW + 50)
    free = msgspec.structs.replace(node("C", "success"), held_until=NOW + 10)
    waiting = node("D", "queued", queued_at=NOW - 500)
    later = node("E", "queued", queued_at=NOW - 100)
    running = node("F", "in_progress", queued_at=NOW - 590)
    assert decide_rollout(facts(held, free, waiting, later, running)).again_at == NOW + 50
    assert decide_rollout(facts(free, waiting, later, running)).again_at == NOW + 100
    assert decide_rollout(facts(free, later, running)).again_at == NOW + 500
    assert decide_rollout(facts(free, running)).again_at is None


@pytest.mark.parametrize(
    ("busy", "standing"),
    [
        ({}, Standing.TO_START),  # an earlier merge's, which is withdrawn
        ({"marker": "comment:1"}, Standing.UNDER_WAY),
        ({"marker": "comment:1", "queued_at": NOW - 600}, Standing.OFFLINE),
        ({"marker": "comment:1", "queued_at": NOW - 599}, Standing.UNDER_WAY),
        ({"marker": "comment:1", "kind": OrderKind.DRIFT}, Standing.TO_START),  # a question gives way
        ({"stage": Stage.RUNNING}, Standing.UNDER_WAY),
        ({"stage": Stage.RUNNING, "kind": OrderKind.DRIFT}, Standing.UNDER_WAY),
        ({"stage": Stage.MADE, "marker": "comment:1"}, Standing.TO_START),
        ({"stage": Stage.FAILED, "marker": "comment:1"}, Standing.TO_START),
    ],
)
def test_a_node_with_another_order_begins_when_that_one_gives_way(
    busy: dict[str, object], standing: Standing
) -> None:
    other = order("queued", **({"commit": OLD, "marker": OLD_MERGE} | busy))
    assert decide_rollout(facts(node("A", None, other))).standings == {A: standing}


@pytest.mark.parametrize(
    ("changes", "offline"),
    [
        ({}, True),
        ({"run_status": "queued"}, True),
        ({"run_status": "pending"}, True),
        ({"run_status": "waiting"}, False),
        ({"run_status": "in_progress"}, False),
        ({"queued_at": NOW - 599}, False),
        ({"stage": Stage.RUNNING}, False),
    ],
)
def test_a_node_is_offline_when_no_runner_took_its_order_in_time(changes: dict[str, object], offline: bool) -> None:
    waiting = order("queued", **({"queued_at": NOW - 600} | changes))
    assert is_offline(facts(node("A", None)), waiting) is offline


def test_what_a_merge_wants_in_full() -> None:
    own = node("A", None)
    whole = facts(own, base=BranchName("stable"), default_branch=BranchName("trunk"), stop_on_drift=True)
    assert want_merged(whole, own) == OrderRequest(
        kind=OrderKind.DEPLOY,
        fleet=RepoName("Tecnocrat/aios-win"),
        node=Node(name=A),
        base=BranchName("stable"),
        default_branch=BranchName("trunk"),
        submodule=Submodule(path=SERVER),
        upstream=RepoName("Tecnocrat/server"),
        commit=COMMIT,
        pin=PIN,
        marker=f"merge:{COMMIT}",
        pull=PullNumber(7),
        approved=PlanId("0123456789ab"),
        stop_on_drift=True,
    )


# -- orders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [{"kind": OrderKind.ROLLBACK}, {"submodule": OTHER}, {"marker": "merge:other"}],
)
def test_an_order_of_another_kind_pin_or_marker_is_another(other: dict[str, object]) -> None:
    made = given.past(5, Stage.SUCCEEDED, **({"marker": "merge:c"} | other))
    assert decide_order(given.wanted(), (made,)) == Give()


def test_a_deployment_that_was_made_is_used_from_number_one_on() -> None:
    made = given.past(1, Stage.MADE, marker="merge:c")
    assert decide_order(given.wanted(), (made,)) == Give(number=DeploymentId(1))
    # Another that was only made takes no number.
    newer = given.past(9, Stage.MADE)
    assert decide_order(given.wanted(), (newer, made)) == Give(number=DeploymentId(1))


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.RUNNING])
@pytest.mark.parametrize("kind", OrderKind)
@pytest.mark.parametrize("replaces", [False, True])
def test_what_waits_gives_way_to_a_newer_merge_and_a_question_to_anything(
    stage: Stage, kind: OrderKind, replaces: bool
) -> None:
    made, other = given.past(6, Stage.MADE, marker="merge:c"), given.past(5, stage, kind=kind)
    gives_way = stage is Stage.QUEUED and (replaces or kind in (OrderKind.DRIFT, OrderKind.PLAN_ONLY))
    expected = Give(number=DeploymentId(6), withdraw=other) if gives_way else Wait(behind=other)
    assert decide_order(given.wanted(replaces_queued=replaces), (made, other)) == expected


def test_the_newest_open_order_is_waited_for() -> None:
    newer, older = given.past(7, Stage.RUNNING), given.past(5, Stage.RUNNING)
    assert decide_order(given.wanted(), (newer, older)) == Wait(behind=newer)


@pytest.mark.parametrize(
    ("age", "stage"),
    [(DROPPED_AFTER - 1, Stage.ABANDONED), (DROPPED_AFTER, Stage.MADE), (DROPPED_AFTER + 1, Stage.MADE)],
)
def test_actions_drops_a_job_after_a_day_less_an_hour_of_doubt(age: int, stage: Stage) -> None:
    assert judge_ended_run(given.past(5, Stage.QUEUED), age=age) is stage
    assert DROPPED_AFTER == 82_800


@pytest.mark.parametrize(
    ("changes", "fully", "partly"),
    [
        ({}, True, True),
        ({"stacks": (StackName("ingress"),)}, False, True),
        ({"stage": Stage.FAILED}, False, False),
        ({"submodule": OTHER}, False, False),
        ({"kind": OrderKind.DRIFT}, False, False),
        ({"kind": OrderKind.PLAN_ONLY}, False, False),
        ({"kind": OrderKind.RESTORE}, True, True),
    ],
)
def test_what_a_node_runs_as_far_as_its_orders_tell(changes: dict[str, object], fully: bool, partly: bool) -> None:
    older = given.past(2, Stage.SUCCEEDED)
    newest = msgspec.structs.replace(given.past(3, Stage.SUCCEEDED), **changes)
    expected: dict[bool, PastOrder] = {True: newest, False: older}
    assert last_good((newest, older), SERVER) == expected[fully]
    assert last_good((newest, older), SERVER, or_partly=True) == expected[partly]


@pytest.mark.parametrize(
    ("states", "newest"),
    [
        (["queued", "success"], 1),
        (["queued", "failure"], 1),
        (["pending", "in_progress"], 1),
        (["queued", "pending", "failure"], 2),
        (["pending", "queued"], 0),
    ],
)
def test_our_own_word_never_hides_the_nodes(states: list[str], newest: int) -> None:
    assert newest_word(states) == newest


def test_a_deployment_in_words() -> None:
    assert parse_task("deploy:a:b") == (OrderKind.DEPLOY, "a:b")
    assert deployment_task(OrderKind.ROLLBACK, OTHER) == "rollback:tools"
    assert describe_deployment(PIN, None) == "ddddddd"
    assert describe_deployment(PIN, PlanId("0123456789ab")) == "ddddddd, plan 0123456789ab"


@pytest.mark.parametrize(
    ("address", "run"),
    [
        ("https://github.com/a/b/actions/runs/42", 42),
        ("https://github.com/a/b/actions/runs/42/job/7", 42),
        ("https://github.com/a/b/actions/runs/", None),
        ("https://github.com/a/b/actions/runs/x42", None),
        ("/actions/runs/1/actions/runs/2", 1),
        ("", None),
    ],
)
def test_the_run_is_read_from_the_logs_address(address: str, run: int | None) -> None:
    assert given.past(1, Stage.QUEUED, log_url=address).run_id == run


@pytest.mark.parametrize(
    ("marker", "merge"), [("merge:", True), ("merge:c", True), ("merge", False), ("x merge:c", False)]
)
def test_a_merges_order_is_known_by_its_marker(marker: str, merge: bool) -> None:
    assert given.past(1, Stage.QUEUED, marker=marker).is_merge is merge


def test_only_what_a_node_may_still_carry_out_is_open() -> None:
    assert [stage for stage in Stage if stage.is_open] == [Stage.QUEUED, Stage.RUNNING]
