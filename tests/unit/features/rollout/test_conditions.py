"""What people are notified of about a rollout."""

from __future__ import annotations

import msgspec
import pytest

from bot.domain.names import CommitSha, NodeName, PlanId
from bot.domain.notices import Topic
from bot.features.outbox.facts import Condition, Notice
from bot.features.rollout.decide.conditions import find_conditions
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.facts import NodeFacts, PastOrder, Stage
from bot.features.rollout.text import DifferingPlan, NodeView
from bot.protocol.order import OrderKind
from tests.plans import small
from tests.unit.features.rollout.test_decide import COMMIT, OLD, facts, node, order

WEB = "https://github.com"
PULL = f"{WEB}/Tecnocrat/aios-win/pull/7"
LOG = f"{WEB}/Tecnocrat/aios-win/actions/runs/5"
A = NodeName("A")


def conditions(
    of: NodeFacts,
    standing: Standing,
    *,
    reason: RolloutReason = RolloutReason.UNDER_WAY,
    text: str = "",
    given: PastOrder | None = None,
    differing: DifferingPlan | None = None,
    unreadable: str = "",
) -> tuple[Condition, ...]:
    view = NodeView(node=of.node.name, wave=1, standing=standing, text=text, log_url=f"{LOG}0")
    return find_conditions(
        facts(of),
        reason,
        [view],
        orders={of.node.name: given} if given else {},
        differing=[differing] if differing else [],
        unreadable={of.node.name: unreadable} if unreadable else {},
        web_url=WEB,
    )


def topics(found: tuple[Condition, ...]) -> list[tuple[Topic, str]]:
    return [(one.notice.topic, one.state) for one in found]


FAILED = [(Topic.DEPLOY_FAILED, "5")]


def test_a_failed_deploy_names_node_order_and_the_nodes_own_words() -> None:
    failed = node("A", "failure", description="traefik is unhealthy: put back", log_url=LOG)
    (one,) = conditions(failed, Standing.FAILED)
    assert one == Condition(
        notice=Notice(
            topic=Topic.DEPLOY_FAILED,
            fleet=facts().fleet,
            subject="A",
            text="deploy of server ddddddd: traefik is unhealthy: put back",
            url=LOG,
        ),
        state="5",
    )
    (silent,) = conditions(node("A", "failure"), Standing.FAILED)
    assert (silent.notice.text, silent.notice.url) == ("deploy of server ddddddd: no report came", f"{LOG}0")


def test_a_rollback_or_another_commits_order_that_failed_counts_until_one_succeeds() -> None:
    for kind in (OrderKind.ROLLBACK, OrderKind.RESTORE, OrderKind.DEPLOY):
        other = order("failure", kind=kind, commit=OLD)
        assert topics(conditions(node("A", None, other), Standing.TO_START)) == FAILED
        lost = order("in_progress", stage=Stage.ABANDONED, kind=kind, commit=OLD)
        assert topics(conditions(node("A", None, lost), Standing.TO_START)) == FAILED
    lost = order("in_progress", stage=Stage.ABANDONED)
    assert topics(conditions(node("A", None, lost), Standing.FAILED)) == FAILED
    good = order("success", number=6)
    assert conditions(node("A", None, good, order("failure")), Standing.GOOD) == ()


@pytest.mark.parametrize(
    ("past", "standing", "told"),
    [
        (order("in_progress", number=9), Standing.UNDER_WAY, FAILED),
        (order("queued", number=9), Standing.UNDER_WAY, FAILED),
        (order("queued", number=9, stage=Stage.MADE), Standing.TO_START, FAILED),
        (order("success", number=9, kind=OrderKind.DRIFT), Standing.FAILED, FAILED),
        (order("success", number=9, submodule="tools"), Standing.FAILED, FAILED),
        (order("inactive", number=9), Standing.UNDER_WAY, []),
        (order("inactive", number=9), Standing.FAILED, [(Topic.DEPLOY_FAILED, "9")]),
    ],
)
def test_what_has_not_ended_or_changes_nothing_does_not_hide_a_failure(
    past: PastOrder, standing: Standing, told: list[tuple[Topic, str]]
) -> None:
    assert topics(conditions(node("A", None, past, order("failure")), standing)) == told


def test_an_order_of_this_very_look_counts() -> None:
    undispatched = order("error", number=9)
    assert topics(conditions(node("A", None), Standing.FAILED, given=undispatched)) == [(Topic.DEPLOY_FAILED, "9")]
    assert topics(conditions(node("A", None, order("failure")), Standing.FAILED, given=undispatched)) == [
        (Topic.DEPLOY_FAILED, "9")
    ]
    waiting = order("queued", number=9)
    assert topics(conditions(node("A", None, order("failure")), Standing.UNDER_WAY, given=waiting)) == FAILED
    older = order("error", number=4)
    assert topics(conditions(node("A", None, order("failure")), Standing.FAILED, given=older)) == FAILED
    assert conditions(node("A", None), Standing.UNDER_WAY, given=order("queued")) == ()


def test_a_plan_that_differs_is_told_by_its_id() -> None:
    plan = small()
    differing = DifferingPlan(node=A, plan=plan, approved=PlanId("ba9876543210"), beyond=("stops x", "and y"))
    (one,) = conditions(node("A", None), Standing.HELD, differing=differing)
    assert plan.id != differing.approved
    assert (one.notice.topic, one.state, one.notice.url) == (Topic.PLAN_DIFFERS, plan.id, PULL)
    assert one.notice.text == f"plan {plan.id} goes beyond ba9876543210: stops x"


def test_what_is_merged_and_gets_no_order_is_told_with_its_reason() -> None:
    a = node("A", None)
    (blind,) = conditions(a, Standing.HELD, unreadable="not deployed: x cannot be analysed")
    assert (blind.notice.topic, blind.state) == (Topic.NOT_DEPLOYED, f"{COMMIT} unreadable")
    assert (blind.notice.fleet, blind.notice.subject) == (facts().fleet, "A")
    assert blind.notice.text == "not deployed: x cannot be analysed"
    (held,) = conditions(a, Standing.HELD, text="pull request 8 has it (ada)")
    assert (held.notice.topic, held.state) == (Topic.NOT_DEPLOYED, f"{COMMIT} held")
    assert (held.notice.text, held.notice.url) == ("pull request 8 has it (ada)", PULL)
    (halted,) = conditions(a, Standing.WAVE_NOT_YET, reason=RolloutReason.HALTED, text="not started: wave 1 failed")
    assert (halted.notice.topic, halted.state) == (Topic.NOT_DEPLOYED, f"{COMMIT} wave_not_yet")
    assert conditions(a, Standing.WAVE_NOT_YET) == ()
    assert conditions(a, Standing.UNDER_WAY, reason=RolloutReason.HALTED) == ()


def test_a_node_that_is_offline_is_told_once_whatever_its_orders() -> None:
    (away,) = conditions(node("A", "queued"), Standing.OFFLINE, text="offline: no runner took its order")
    (other,) = conditions(node("A", "queued", number=9), Standing.OFFLINE, text="offline: another order")
    assert (away.notice.topic, away.state, away.notice.subject) == (Topic.NODE_OFFLINE, "", "A")
    assert away.notice.text == "offline: no runner took its order"
    assert (away.thing, away.state) == (other.thing, other.state)


def test_each_node_has_its_own() -> None:
    bad, good = node("A", "failure"), node("B", "success")
    views = [NodeView(node=one.node.name, wave=1, standing=Standing.FAILED) for one in (bad,)]
    views.append(NodeView(node=good.node.name, wave=1, standing=Standing.GOOD))
    both = msgspec.structs.replace(facts(bad, good), commit=CommitSha("e" * 40))
    found = find_conditions(both, RolloutReason.HALTED, views, orders={}, differing=[], unreadable={}, web_url=WEB)
    assert [one.notice.subject for one in found] == ["A"]
