"""What a pull request of an upstream may show, and how it says it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import BranchName, RepoName
from bot.features.bump.text import LIMIT
from bot.features.upstream.decide import FleetFacts, ShownReason, decide_shown
from bot.features.upstream.text import (
    FleetPlan,
    UpstreamView,
    render_upstream_check,
    render_upstream_comment,
    summarise_upstream,
)
from bot.fleetfile import ShowUpstream
from bot.plan.model import Plan
from bot.plan.report.check import LIMIT as CHECK_LIMIT
from tests import plans
from tests.markdown_reading import Reading
from tests.unit.plan.test_report_properties import assert_safe

SHOWN: list[tuple[dict[str, Any], ShownReason]] = [
    ({}, ShownReason.SHOWN),
    ({"follows": False}, ShownReason.ANOTHER_BRANCH),
    ({"follows": False, "same_installation": False}, ShownReason.ANOTHER_BRANCH),
    ({"same_installation": False}, ShownReason.ANOTHER_ACCOUNT),
    ({"same_installation": False, "wish": ShowUpstream.ALWAYS}, ShownReason.ANOTHER_ACCOUNT),
    ({"fleet_private": True}, ShownReason.PRIVATE_FLEET),
    ({"fleet_private": True, "upstream_private": True}, ShownReason.SHOWN),
    ({"fleet_private": True, "wish": ShowUpstream.ALWAYS}, ShownReason.SHOWN),
    ({"wish": ShowUpstream.NEVER}, ShownReason.NOT_WANTED),
]


@pytest.mark.parametrize(("difference", "reason"), SHOWN)
def test_a_fleet_is_shown_where_that_tells_nobody_anything_new(
    difference: dict[str, Any], reason: ShownReason
) -> None:
    facts: dict[str, Any] = {
        "follows": True,
        "same_installation": True,
        "fleet_private": False,
        "upstream_private": False,
        "wish": ShowUpstream.AUTO,
    }
    assert decide_shown(FleetFacts(**(facts | difference))) is reason


def view(*made: Plan, **more: Any) -> UpstreamView:
    fleets = tuple(
        FleetPlan(fleet=RepoName(f"owner/fleet{i}"), base=BranchName("main"), plan=plan, links=plans.LINKS)
        for i, plan in enumerate(made)
    )
    return UpstreamView(base=BranchName("main"), fork=plans.OLD, head=plans.NEW, plans=fleets, **more)


def test_the_first_words_say_that_nothing_restarts_only_when_it_is_so() -> None:
    assert summarise_upstream(view(plans.nothing(), plans.nothing())) == "nothing restarts"
    assert render_upstream_comment(view(plans.nothing())).startswith("**Nothing restarts**. 1 fleet follows ")
    assert summarise_upstream(view(plans.nothing(), plans.small())) == "4 services changed on 1 of 2 fleets, 1 risky"
    assert summarise_upstream(view(plans.plan(plans.node("N", plans.stack("s", error="no"))))) == (
        "1 stack not analysed, nothing else restarts"
    )


def test_annotations_point_at_files_of_the_upstream_itself() -> None:
    check = render_upstream_check(view(plans.small(), plans.small()))
    assert check.conclusion == "neutral"
    assert [(one.path, one.line, one.level) for one in check.annotations] == [
        ("stacks/ingress/docker-compose.yml", 9, "notice"),
        ("stacks/web/docker-compose.yml", 12, "notice"),
    ]
    assert "data.volume_dropped" not in check.annotations[0].message
    assert "exposure.port_published" in check.annotations[0].message


@pytest.mark.parametrize(
    ("make", "number"), [(plans.small, 60), (plans.large, 5), (plans.hostile, 40), (plans.oversize, 2)]
)
def test_any_number_of_fleets_fits(make: Any, number: int) -> None:
    plan = make()
    seen = view(*[plan] * number, broken=(RepoName("owner/broken"),))
    comment, check = render_upstream_comment(seen), render_upstream_check(seen)
    assert len(comment) <= LIMIT
    assert max(len(check.summary), len(check.text)) <= CHECK_LIMIT
    for text in (comment, check.summary, check.text):
        assert_safe(text)
    assert "owner/fleet0" in Reading(comment).words
    assert "Could not plan" in Reading(comment).words
