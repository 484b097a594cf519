"""What the check `aios/review` says, in full."""

from __future__ import annotations

import pytest

from bot.features.review.decide import Matched, Missing, Need, ReviewDecision
from bot.features.review.text import REVIEW_CHECK, render_review
from bot.plan.report.check import CheckText

RULES = "Change these rules under `review:` in the fleet file; the first one that matches a path counts."
STACKS = Matched(rule="compose_stacks", need=Need.REQUIRED, paths=("a/x.yml", "a|b"))
DOCUMENTS = Matched(rule="documentation", need=Need.OPTIONAL, paths=tuple(f"docs/{n}" for n in range(21)))
TWENTY = ", ".join(f"<code>docs/{n}</code>" for n in range(20))
TABLE = "| review | rule | paths |\n| --- | --- | --- |\n"
ROW = "| **required** | compose_stacks | <code>a/x.yml</code>, <code>a&#124;b</code> |"


@pytest.mark.parametrize(
    ("need", "missing", "conclusion", "title"),
    [
        (
            Need.REQUIRED,
            Missing.APPROVAL,
            "action_required",
            "A person with write permission must approve the newest commit",
        ),
        (Need.REQUIRED, Missing.CHANGES_REQUESTED, "action_required", "A reviewer requested changes"),
        (Need.OPTIONAL, Missing.CHANGES_REQUESTED, "action_required", "A reviewer requested changes"),
        (Need.REQUIRED, Missing.NOTHING, "success", "Approved by ada, bob"),
        (Need.OPTIONAL, Missing.NOTHING, "success", "Nothing in this needs a review"),
    ],
)
def test_the_title_says_what_is_missing(need: Need, missing: Missing, conclusion: str, title: str) -> None:
    decision = ReviewDecision(matched=(STACKS,), need=need, missing=missing, approved_by=("ada", "bob"))
    assert render_review(decision) == CheckText(
        title=title, summary=f"{TABLE}{ROW}\n\n{RULES}", text="", conclusion=conclusion
    )


def test_the_summary_names_each_rule_with_twenty_of_its_paths_at_most() -> None:
    decision = ReviewDecision(matched=(STACKS, DOCUMENTS), need=Need.REQUIRED, missing=Missing.APPROVAL)
    optional = f"| optional | documentation | {TWENTY} and 1 more |"
    assert render_review(decision, note="a *note*").summary == f"{TABLE}{ROW}\n{optional}\n\na *note*\n\n{RULES}"
    fewer = Matched(rule="documentation", need=Need.OPTIONAL, paths=DOCUMENTS.paths[:20])
    decision = ReviewDecision(matched=(fewer,), need=Need.OPTIONAL, missing=Missing.NOTHING)
    assert render_review(decision).summary == f"{TABLE}| optional | documentation | {TWENTY} |\n\n{RULES}"


def test_the_table_shows_the_name_of_a_rule_as_it_is() -> None:
    rule = Matched(rule="a | <b>", need=Need.OPTIONAL, paths=("x",))
    decision = ReviewDecision(matched=(rule,), need=Need.OPTIONAL, missing=Missing.NOTHING)
    assert "| optional | a &#124; &#60;b> | <code>x</code> |" in render_review(decision).summary


def test_where_no_change_could_be_told_the_check_says_so() -> None:
    decision = ReviewDecision(matched=(), need=Need.REQUIRED, missing=Missing.APPROVAL)
    assert render_review(decision).summary == f"No changed files found.\n\n{RULES}"


def test_a_check_is_as_long_as_github_takes_it() -> None:
    approved_by = tuple(f"login-{n}" for n in range(60))
    long = Matched(rule="r", need=Need.REQUIRED, paths=tuple("p" * 4_000 for _ in range(20)))
    decision = ReviewDecision(matched=(long,), need=Need.REQUIRED, missing=Missing.NOTHING, approved_by=approved_by)
    check = render_review(decision)
    assert (len(check.title), len(check.summary)) == (255, 60_000)
    assert check.title.startswith("Approved by login-0, login-1, ")
    assert REVIEW_CHECK == "aios/review"
