"""A node that gets no order is told why, what it would do, and how a person approves that."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.names import NodeName, PlanId, PullNumber, StackName
from bot.features.rollout.decide.rollout import RolloutReason
from bot.features.rollout.text import (
    LONGEST_PLAN,
    MOST_BEYOND,
    MOST_DIFFERING,
    MOST_PENDING,
    DifferingPlan,
    RolloutView,
    describe_pending,
    render_differing,
    render_rollout,
)
from bot.plan.model import Plan
from bot.plan.report.text import render_text
from bot.protocol.action import Action
from tests import plans
from tests.unit.payloads import SHA

PLAN = Plan(
    id=PlanId("0123456789ab"),
    fleet=None,
    submodule="server",  # type: ignore[arg-type]  # any text will do
    upstream=None,
    base=SHA,  # type: ignore[arg-type]  # any text will do
    old=None,
    new=SHA,  # type: ignore[arg-type]  # any text will do
    nodes=(),
)
FOUND = DifferingPlan(node=NodeName("LAB"), plan=PLAN, approved=PlanId("ba9876543210"), beyond=("a/b: <risk>",))


def test_both_plans_the_difference_and_the_cure_are_told() -> None:
    whole = render_differing(FOUND)
    node, new, old = (f"<code>{name}</code>" for name in ("LAB", "0123456789ab", "ba9876543210"))
    assert whole.split("\n\n")[0] == f"**{node} is not deployed: plan {new} goes beyond the approved plan {old}.**"
    assert "- a/b: " in whole
    assert "<risk>" not in whole
    assert whole.endswith("Read it; <code>/deploy LAB plan 0123456789ab</code> approves and deploys it.")


def test_an_order_for_a_few_stacks_is_approved_for_those() -> None:
    whole = render_differing(replace(FOUND, stacks=(StackName("web"), StackName("db"))))
    assert whole.endswith("Read it; <code>/deploy LAB web db plan 0123456789ab</code> approves and deploys it.")


def test_what_is_pending_is_named_up_to_a_number() -> None:
    names = [StackName(f"s{number}") for number in range(MOST_PENDING + 2)]
    first = ", ".join(names[:MOST_PENDING])
    assert describe_pending(names[:2]) == "pending: s0, s1"
    assert describe_pending(names[:MOST_PENDING]) == f"pending: {first}"
    assert describe_pending(names) == f"pending: {first} and 2 more stacks"
    assert describe_pending([]) == "pending: nothing"


def test_only_so_many_differences_are_listed() -> None:
    def count(found: int) -> tuple[int, bool]:
        whole = render_differing(replace(FOUND, beyond=("x",) * found))
        return whole.count("- x"), "more\n" in whole

    assert count(MOST_BEYOND) == (MOST_BEYOND, False)
    assert count(MOST_BEYOND + 1) == (MOST_BEYOND, True)


def test_a_long_plan_is_cut() -> None:
    node = plans.node(
        "A", *(plans.stack(f"stack-{number}", plans.service(action=Action.RECREATE)) for number in range(300))
    )
    plan = plans.plan(node)
    whole = render_differing(replace(FOUND, plan=plan))
    shown = whole[whole.index("```\n") + 4 : whole.rindex("\n```")]
    assert len(shown) == LONGEST_PLAN < len(render_text(plan))
    assert render_text(plan).startswith(shown)


def test_the_comment_of_a_rollout_holds_it() -> None:
    view = RolloutView(
        pull=PullNumber(1),
        commit=SHA,  # type: ignore[arg-type]  # any text will do
        submodule="server",  # type: ignore[arg-type]  # any text will do
        pin=SHA,  # type: ignore[arg-type]  # any text will do
        plan=None,
        reason=RolloutReason.TO_DEPLOY,
        wave=1,
        waves=1,
        nodes=(),
        differing=(FOUND,),
    )
    assert render_differing(FOUND) in render_rollout(view)
    many = tuple(replace(FOUND, node=NodeName(f"N{number}")) for number in range(MOST_DIFFERING + 1))
    whole = render_rollout(replace(view, differing=many))
    assert [one.node for one in many if f"<code>{one.node}</code> is not deployed" in whole] == [
        f"N{number}" for number in range(5)
    ]
    assert "not deployed" not in render_rollout(replace(view, differing=()))
