"""The bump's body within its limit, and the marker in it that the bot reads back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import BranchName, CommitSha, PlanId, PullNumber
from bot.features.bump.decide import BumpReason, WithholdBump, decide_bump
from bot.features.bump.text import (
    GroupPlan,
    Marker,
    parse_marker,
    render_body,
    render_group_check,
    render_group_note,
    render_left_note,
)
from bot.plan.report.links import Links
from tests import plans
from tests.unit.features.bump.test_decide import facts

SHAS = st.text("0123456789abcdef", min_size=40, max_size=40).map(CommitSha)


@given(st.text("0123456789abcdef", min_size=12, max_size=12).map(PlanId), st.none() | SHAS, SHAS)
def test_the_marker_of_a_body_is_read_back(plan_id: PlanId, old: CommitSha | None, new: CommitSha) -> None:
    plan = msgspec.structs.replace(plans.nothing(), id=plan_id, old=old, new=new)
    body = render_body(plan, plans.LINKS)
    assert parse_marker(body) == Marker(id=plan_id, old=old, new=new)
    assert parse_marker(f"before\n{body}\nafter") == Marker(id=plan_id, old=old, new=new)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!-- aios-bot:plan -->",
        "<!-- aios-bot:plan {} -->",
        '<!-- aios-bot:plan {"id":1,"old":null,"new":"b"} -->',
        '<!-- aios-bot:plan {"id":"a","new":"b"} -->',
        '<!-- aios-bot:plan {"id":"a","old":null,"new":"<b>"} -->',
        '<!-- aios-bot:other {"id":"a","old":null,"new":"b"} -->',
        '<!-- aios-bot:plan {"id":"a","old":null,"new":"b"}',
    ],
)
def test_what_is_no_marker_is_none(body: str) -> None:
    assert parse_marker(body) is None


def test_a_body_of_the_greatest_length_is_whole() -> None:
    whole = render_body(plans.small(), plans.LINKS)
    assert render_body(plans.small(), plans.LINKS, limit=len(whole)) == whole
    shorter = render_body(plans.small(), plans.LINKS, limit=len(whole) - 1)
    assert len(shorter) < len(whole)
    assert "left out" in shorter.lower() or "context" in shorter.lower()


def test_the_last_lines_say_what_merging_does() -> None:
    marker = f'{{"id":"0123456789ab","old":"{plans.OLD}","new":"{plans.NEW}"}}'
    words = "Merging deploys this. Plan `0123456789ab`, made on base `ccccccc`"
    bare = render_body(plans.small(), Links())
    assert bare.endswith(f"\n\n{words}.\n\n<!-- aios-bot:plan {marker} -->")
    linked = render_body(plans.small(), Links(details="https://bot.example/p"))
    page = "[the whole plan](https://bot.example/p)"
    assert linked.endswith(f"\n\n{words} · {page}.\n\n<!-- aios-bot:plan {marker} -->")


def test_a_tip_that_is_ahead_and_unknown_is_not_proposed() -> None:
    """GitHub told the relation, and then the branch was gone."""
    assert decide_bump(facts(tip=None)) == WithholdBump(reason=BumpReason.BRANCH_MISSING)


def test_why_an_earlier_bump_is_closed_word_by_word() -> None:
    words = (
        " no longer pins anything that this would move: the submodule was removed or moved, or the base branch was "
        "renamed. Closing; what is pinned now gets a pull request of its own."
    )
    assert render_left_note(BranchName("main")) == f"<code>main</code>{words}"
    assert render_left_note(BranchName("m" * 200)) == f"<code>{'m' * 200}</code>{words}"
    assert render_left_note(BranchName("m" * 201)) == f"<code>{'m' * 199}…</code>{words}"


def test_the_check_of_a_group_of_several_pins_has_each_one_s_words() -> None:
    group = [GroupPlan(plan=plan, beyond=(), links=Links()) for plan in (plans.small(), plans.nothing())]
    alone = [render_group_check([one], number=PullNumber(7)) for one in group]
    together = render_group_check(group, number=PullNumber(7))
    assert together.summary == f"{alone[0].summary}\n\n{alone[1].summary}"


def test_why_the_queue_puts_a_pull_request_out_word_by_word() -> None:
    assert render_group_note([]) == (
        "The merge queue will remove this pull request: `aios/plan` failed on the commit that it made. Once what was "
        "before it is merged the plan here is made again; read it, and add the pull request to the queue again."
    )
