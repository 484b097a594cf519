"""Review decisions and rules with every field."""

from __future__ import annotations

import pytest

from bot.features.review.decide import (
    CONTROL,
    UNKNOWN,
    Matched,
    Missing,
    Need,
    ReviewDecision,
    ReviewRule,
    decide_review,
    match_rule,
)
from bot.features.review.facts import ReviewFacts
from bot.fleetfile import ReviewRules
from tests.unit.features.review.test_decide import OLDER, approval, facts

STACK, OTHER_STACK, DOCUMENT, UNRULED = "server/stacks/x/compose.yml", "stacks/y/a", "docs/a.md", "deploy.sh"
STACKS = Matched(rule="compose stacks", need=Need.REQUIRED, paths=(STACK, OTHER_STACK))
DOCUMENTS = Matched(rule="documentation", need=Need.OPTIONAL, paths=(DOCUMENT,))
NOBODY_KNOWS = Matched(rule="nothing else known", need=Need.REQUIRED, paths=(UNRULED,))


@pytest.mark.parametrize(
    ("given", "decision"),
    [
        (
            facts(DOCUMENT, STACK, UNRULED, OTHER_STACK, approvals=(approval("bob"), approval("ada"))),
            ReviewDecision(
                matched=(STACKS, NOBODY_KNOWS, DOCUMENTS),
                need=Need.REQUIRED,
                missing=Missing.NOTHING,
                approved_by=("bob", "ada"),
            ),
        ),
        (
            facts(DOCUMENT, STACK, OTHER_STACK, approvals=(approval("bob", commit=OLDER), approval("ada"))),
            ReviewDecision(
                matched=(STACKS, DOCUMENTS), need=Need.REQUIRED, missing=Missing.NOTHING, approved_by=("ada",)
            ),
        ),
        (
            facts(DOCUMENT, ours=False, approvals=(approval("bob"), approval("ada", approves=False))),
            ReviewDecision(
                matched=(DOCUMENTS,),
                need=Need.OPTIONAL,
                missing=Missing.CHANGES_REQUESTED,
                approved_by=("bob",),
            ),
        ),
        (
            facts(STACK, OTHER_STACK, auto_merge=True),
            ReviewDecision(matched=(STACKS,), need=Need.REQUIRED, missing=Missing.APPROVAL, by_hand=True),
        ),
        (
            facts(STACK, OTHER_STACK, auto_merge=True, ours=False),
            ReviewDecision(matched=(STACKS,), need=Need.REQUIRED, missing=Missing.APPROVAL),
        ),
        (facts(), ReviewDecision(matched=(), need=Need.REQUIRED, missing=Missing.APPROVAL)),
        (
            facts(DOCUMENT, complete=False),
            ReviewDecision(matched=(DOCUMENTS,), need=Need.REQUIRED, missing=Missing.APPROVAL),
        ),
    ],
)
def test_a_decision_in_full(given: ReviewFacts, decision: ReviewDecision) -> None:
    assert decide_review(given) == decision


def test_a_persons_newest_word_counts() -> None:
    given = facts(STACK, approvals=(approval(approves=False), approval("bob"), approval()))
    assert decide_review(given).missing is Missing.NOTHING
    assert decide_review(given).approved_by == ("ada", "bob")


def test_the_rules_that_no_list_holds() -> None:
    rules = ReviewRules(required=("a/**", "b"), optional=("c/**",))
    assert match_rule("action.yml", rules) == ReviewRule(name="control files", need=Need.REQUIRED, globs=())
    assert match_rule("x", rules) == ReviewRule(name="nothing else known", need=Need.REQUIRED, globs=())
    assert match_rule("b", rules) == ReviewRule(
        name="the fleet's own: required", need=Need.REQUIRED, globs=("a/**", "b")
    )
    assert match_rule("c/d", rules) == ReviewRule(
        name="the fleet's own: optional", need=Need.OPTIONAL, globs=("c/**",)
    )
    assert (CONTROL, UNKNOWN) == ("control files", "nothing else known")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"read": frozenset((DOCUMENT,))}, "read by a stack, a hook or a workflow"),
        ({"blind": True}, "perhaps read by a stack that could not be analysed"),
    ],
)
def test_what_may_be_read_needs_a_review_whatever_its_name(changes: dict[str, object], rule: str) -> None:
    assert decide_review(facts(DOCUMENT, **changes)) == ReviewDecision(
        matched=(Matched(rule=rule, need=Need.REQUIRED, paths=(DOCUMENT,)),),
        need=Need.REQUIRED,
        missing=Missing.APPROVAL,
    )
