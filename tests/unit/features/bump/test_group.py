"""A merge queue's group: which jobs it calls for, and what its check and the pull request say."""

from __future__ import annotations

from bot.domain.events import MergeGroupRequested
from bot.domain.names import BranchName, CommitSha, PullNumber
from bot.domain.severity import Severity
from bot.features.bump.jobs import PlanGroup
from bot.features.bump.text import GroupPlan, render_group_check, render_group_note
from bot.features.fleets.store import Pins
from bot.features.review.jobs import ReviewGroup
from bot.plan.model import Plan
from bot.plan.report.check import LIMIT
from bot.protocol.action import Action
from bot.service.router import decode_job, encode_job, route
from tests import plans
from tests.unit.service.test_router import SEVEN, WIN, pin

HEAD, PARENT = CommitSha("1" * 40), CommitSha("2" * 40)
BRANCH = BranchName(f"gh-readonly-queue/main/pr-7-{PARENT}")
NUMBER = PullNumber(7)


def requested(base: str = "main") -> MergeGroupRequested:
    return MergeGroupRequested(
        repo=WIN,
        installation=SEVEN,
        base=BranchName(base),
        branch=BRANCH,
        head=HEAD,
        parent=PARENT,
        number=NUMBER,
    )


def test_both_checks_are_asked_for_once() -> None:
    found = route(requested(), Pins([pin(WIN, base="main"), pin(WIN, base="main", submodule="tools")]))
    planned = PlanGroup(
        fleet=WIN, installation=SEVEN, base=BranchName("main"), branch=BRANCH, head=HEAD, parent=PARENT, number=NUMBER
    )
    assert found == (planned, ReviewGroup(fleet=WIN, installation=SEVEN, number=NUMBER, head=HEAD))
    assert tuple(decode_job(encode_job(one)) for one in found) == found


def test_a_branch_that_pins_nothing_has_no_plan() -> None:
    index = Pins([pin(WIN, base="main")])
    (review,) = route(requested("other"), index)
    assert isinstance(review, ReviewGroup)
    assert route(requested(), Pins()) == ()


def one(*beyond: str, made: Plan | None = None) -> GroupPlan:
    changed = plans.plan(plans.node("HP_LAB", plans.stack("web", plans.service("web", Action.RECREATE, "image"))))
    return GroupPlan(plan=made or changed, beyond=beyond, links=plans.LINKS)


def risky() -> Plan:
    service = plans.service("web", Action.RECREATE, risks=(plans.risk(Severity.RISKY),))
    return plans.plan(plans.node("HP_LAB", plans.stack("web", service)))


def unreadable() -> Plan:
    return plans.plan(plans.node("HP_LAB", plans.stack("web", error="no such file")))


def test_a_group_without_a_moved_pin_passes() -> None:
    check = render_group_check((), number=NUMBER)
    assert (check.conclusion, check.title) == ("success", "Moves no pin")
    assert check.summary == "Moves no pin: merging deploys nothing."


def test_a_group_like_its_pull_request_passes() -> None:
    check = render_group_check((one(),), number=NUMBER)
    assert check.conclusion == "success"
    assert "beyond" not in check.summary.lower()


def test_a_group_that_goes_beyond_fails_with_each_line() -> None:
    lines = tuple(f"HP_LAB: line {number}" for number in range(25))
    check = render_group_check((one(*lines),), number=NUMBER)
    assert (check.conclusion, check.title) == ("failure", "Goes beyond the plan that #7 shows")
    assert check.summary.startswith("Goes beyond the plan that #7 shows:\n\n- HP_LAB: line 0\n")
    assert "line 19\n- and 5 more\n" in check.summary
    assert "line 20" not in check.summary


def test_the_graver_of_two_plans_counts_and_both_are_shown() -> None:
    check = render_group_check((one(), one(made=risky())), number=NUMBER)
    assert check.conclusion == "neutral"
    assert check.summary.count("web") > render_group_check((one(),), number=NUMBER).summary.count("web")
    check = render_group_check((one(made=risky()), one("HP_LAB: more")), number=NUMBER)
    assert check.conclusion == "failure"


def test_a_check_stays_within_githubs_limit() -> None:
    lines = tuple(f"HP_LAB: {'x' * 900}{number}" for number in range(100))
    services = [plans.service(f"web{number}", Action.RECREATE, "image " * 40) for number in range(900)]
    large = plans.plan(plans.node("HP_LAB", plans.stack("web", *services)))
    check = render_group_check((one(*lines, made=large), one(*lines, made=large)), number=NUMBER)
    assert len(check.summary) <= LIMIT
    assert len(check.text) <= LIMIT


def test_the_pull_request_says_why_it_was_put_out() -> None:
    note = render_group_note((one("HP_LAB: web/web: recreate, where none is approved"), one()))
    assert "`aios/plan` failed on the commit that it made" in note
    assert "`server`: merged on top of what is before it in the queue" in note
    assert note.count("`server`") == 1
    note = render_group_note((one(made=unreadable()),))
    assert "`server`: a stack of the merged commit cannot be analysed." in note
