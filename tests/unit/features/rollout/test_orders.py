"""Which order a node gets now, and what the signed one says."""

from __future__ import annotations

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
    ServiceName,
    StackName,
    SubmodulePath,
)
from bot.features.rollout.decide.orders import (
    Give,
    KnownOrder,
    Wait,
    decide_order,
    deployment_task,
    find_next_try,
    judge_ended_run,
    last_good,
    newest_word,
    parse_task,
    stage_of,
)
from bot.features.rollout.facts import PastOrder, Stage
from bot.fleetfile import Node, Submodule
from bot.plan.model import NodePlan, ServicePlan, StackPlan
from bot.plan.order import ORDER_LIFETIME, OrderRequest, compose_order
from bot.protocol.action import Action
from bot.protocol.order import OrderKind, PlanStart

SERVER = SubmodulePath("server")


def wanted(**changes: object) -> OrderRequest:
    made = OrderRequest(
        kind=OrderKind.DEPLOY,
        fleet=RepoName("Tecnocrat/aios-win"),
        node=Node(name=NodeName("A"), root="/srv/aios", variables={"A": "b"}),
        base=BranchName("main"),
        default_branch=BranchName("main"),
        submodule=Submodule(path=SERVER),
        upstream=RepoName("Tecnocrat/server"),
        commit=CommitSha("c" * 40),
        pin=CommitSha("d" * 40),
        marker="merge:c",
    )
    return msgspec.structs.replace(made, **changes)


def past(number: int, stage: Stage, **changes: object) -> PastOrder:
    made = PastOrder(
        number=DeploymentId(number),
        kind=OrderKind.DEPLOY,
        submodule=SERVER,
        commit=CommitSha("a" * 40),
        pin=CommitSha("b" * 40),
        marker=f"merge:{number}",
        stage=stage,
    )
    return msgspec.structs.replace(made, **changes)


def test_the_first_order_is_given() -> None:
    assert decide_order(wanted(), ()) == Give()


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.MADE])
def test_an_order_is_given_once(stage: Stage) -> None:
    mine = past(5, stage, marker="merge:c")
    assert decide_order(wanted(), (mine,)) == KnownOrder(order=mine)


def test_a_deployment_that_was_made_and_not_dispatched_is_used() -> None:
    assert decide_order(wanted(), (past(5, Stage.MADE, marker="merge:c"), past(4, Stage.SUCCEEDED))) == Give(
        number=DeploymentId(5)
    )


def test_a_number_below_one_that_was_taken_is_not_used() -> None:
    assert decide_order(wanted(), (past(6, Stage.SUCCEEDED), past(5, Stage.MADE, marker="merge:c"))) == Give()


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.RUNNING])
def test_a_node_has_one_order_at_a_time(stage: Stage) -> None:
    busy = past(5, stage)
    assert decide_order(wanted(), (busy, past(4, Stage.SUCCEEDED))) == Wait(behind=busy)


def test_an_order_for_another_submodule_is_in_flight_too() -> None:
    busy = past(5, Stage.RUNNING, submodule=SubmodulePath("other"))
    assert decide_order(wanted(), (busy,)) == Wait(behind=busy)


def test_a_deployment_that_nobody_came_back_to_blocks_nothing() -> None:
    assert decide_order(wanted(), (past(5, Stage.MADE),)) == Give()


def test_what_takes_back_replaces_an_order_of_its_submodule_that_no_runner_took() -> None:
    queued = past(5, Stage.QUEUED)
    assert decide_order(wanted(replaces_queued=True), (queued,)) == Give(withdraw=queued)
    other = past(5, Stage.QUEUED, submodule=SubmodulePath("other"))
    assert decide_order(wanted(replaces_queued=True), (other,)) == Wait(behind=other)
    taken = past(5, Stage.RUNNING)
    assert decide_order(wanted(replaces_queued=True), (taken,)) == Wait(behind=taken)


@pytest.mark.parametrize(
    ("states", "stage"),
    [
        ([], Stage.MADE),
        (["queued"], Stage.QUEUED),
        (["pending"], Stage.QUEUED),
        (["in_progress", "queued"], Stage.RUNNING),
        (["success", "in_progress"], Stage.SUCCEEDED),
        (["inactive", "inactive", "success", "in_progress"], Stage.SUCCEEDED),
        (["inactive", "success", "in_progress"], Stage.SUCCEEDED),
        (["inactive", "queued"], Stage.WITHDRAWN),
        (["failure"], Stage.FAILED),
        (["error"], Stage.FAILED),
        (["something new"], Stage.QUEUED),
    ],
)
def test_stages(states: list[str], stage: Stage) -> None:
    assert stage_of(states) is stage


@pytest.mark.parametrize(
    ("stage", "marker", "age", "judged"),
    [
        (Stage.QUEUED, "merge:c", 24 * 3600, Stage.MADE),
        (Stage.QUEUED, "merge:c", 60, Stage.ABANDONED),
        (Stage.QUEUED, "comment:1", 24 * 3600, Stage.ABANDONED),
        (Stage.RUNNING, "merge:c", 24 * 3600, Stage.ABANDONED),
    ],
)
def test_an_order_that_actions_dropped_is_given_again(stage: Stage, marker: str, age: int, judged: Stage) -> None:
    """Only a merge's, and only after the day that a job may wait for its runner."""
    assert judge_ended_run(past(5, stage, marker=marker), age=age) is judged


def test_what_a_node_runs_is_its_newest_good_order_that_touched_it() -> None:
    good = past(3, Stage.SUCCEEDED)
    orders = (
        past(7, Stage.SUCCEEDED, kind=OrderKind.DRIFT),
        past(6, Stage.FAILED),
        past(5, Stage.SUCCEEDED, submodule=SubmodulePath("other")),
        good,
        past(2, Stage.SUCCEEDED),
    )
    assert last_good(orders, SERVER) == good
    assert last_good(orders[:3], SERVER) is None


def test_the_workflow_run_stands_in_the_logs_address() -> None:
    assert past(1, Stage.QUEUED, log_url="https://github.com/a/b/actions/runs/42/job/7").run_id == 42
    assert past(1, Stage.QUEUED, log_url="https://example.com/").run_id is None


@pytest.mark.parametrize("kind", list(OrderKind))
def test_tasks_come_back(kind: OrderKind) -> None:
    assert parse_task(deployment_task(kind, SERVER)) == (kind, SERVER)


@pytest.mark.parametrize("task", ["deploy", "", "deployed:server", "Deploy:server"])
def test_other_tasks_are_no_orders_of_ours(task: str) -> None:
    assert parse_task(task) is None


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
    before = PlanStart(commit=CommitSha("a" * 40), pin=CommitSha("b" * 40))
    order = compose_order(
        wanted(head_of=PullNumber(4)),
        plan,
        plan_id=PlanId("0123456789ab"),
        start=before,
        number=DeploymentId(9),
        now=1000,
    )
    assert (order.node, order.root, order.variables) == ("A", "/srv/aios", {"A": "b"})
    assert (order.issued, order.expires, order.number) == (1000, 1000 + ORDER_LIFETIME, 9)
    assert order.stacks[0].services[0].action is Action.RECREATE
    assert order.start == before
    assert order.head_of == 4
    assert msgspec.json.decode(msgspec.json.encode(order), type=type(order)) == order


@pytest.mark.parametrize(
    ("states", "newest"),
    [
        ([], 0),
        (["queued"], 0),
        (["queued", "queued"], 0),
        (["in_progress", "queued"], 0),
        (["queued", "in_progress"], 1),
        (["queued", "success", "in_progress"], 1),
        (["success", "queued", "in_progress"], 0),
        (["queued", "error"], 0),
    ],
)
def test_a_node_that_was_quicker_than_our_own_word_is_heard(states: list[str], newest: int) -> None:
    assert newest_word(states) == newest


@pytest.mark.parametrize(
    ("since", "after"),
    [
        (0, 4),
        (3, 4),
        (4, 12),
        (12, 28),
        (28, 60),
        (59, 60),
        (60, 124),
        (124, 252),
        (1019, 1020),
        (1020, 2044),
        (2044, 3844),
        (3844, 5644),
        (86_400, 86_644),
    ],
)
def test_what_github_does_not_start_is_tried_less_and_less_often(since: int, after: int) -> None:
    """Seconds since its deployment was made."""
    made = 1_700_000_000
    assert find_next_try(made, made + since) == made + after
