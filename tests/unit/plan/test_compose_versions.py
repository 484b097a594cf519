"""What a plan knows of the compose that a node has, beside the one that rendered it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.domain.names import NodeName
from bot.domain.versions import NodeVersions, is_version
from bot.plan.compose_versions import NodeCompose, find_newer, judge_compose
from bot.plan.report import sections
from bot.plan.report.text import render_text
from bot.protocol.action import Action
from tests.plans import node, plan, service, stack

pytestmark = pytest.mark.portable


NEWER = (
    "Docker Compose 5.7.0 is newer than the 5.6.1 of this service: it may read the files in another way. "
    "Update the service"
)


@pytest.mark.parametrize(
    ("reported", "rules", "remarks", "warnings"),
    [
        (None, (5, 6, 1), (), ()),
        ("5.6.1", (5, 6, 1), (), ()),
        ("v2.40.3-desktop.1", (2, 40, 3), (), ()),
        (
            "",
            (5, 6, 1),
            ("it has not reported its version of compose yet: planned by the rules of Docker Compose 5.6.1",),
            (),
        ),
        (
            "5.7.0",
            (5, 7, 0),
            (),
            (NEWER,),
        ),
    ],
)
def test_a_node_is_planned_by_the_rules_of_its_own_version(
    reported: str | None, rules: tuple[int, ...], remarks: tuple[str, ...], warnings: tuple[str, ...]
) -> None:
    told = None if reported is None else NodeVersions(reported)
    assert judge_compose(told, "5.6.1") == NodeCompose(rules, remarks, warnings)


@pytest.mark.parametrize(
    ("version", "reconnects"),
    [("2.40.3", False), ("5.0.1", False), ("5.3.9", False), ("5.4.0", True), ("5.6.1", True), ("6.0.0", True)],
)
def test_from_5_4_on_compose_only_reconnects_who_is_on_a_renamed_network(version: str, reconnects: bool) -> None:
    assert judge_compose(NodeVersions(version), "5.6.1").reconnects_networks is reconnects


def test_versions_that_are_newer_than_the_renderer() -> None:
    assert find_newer(["2.40.3", "5.6.1", "5.6.2", "5.10.0", "6.0"], "5.6.1") == ("5.6.2", "5.10.0", "6.0")


@pytest.mark.parametrize("text", ["2.40.3", "v5.6.1", "2.40.3-desktop.1", "2.40.3+ds1-0ubuntu1", "5.0"])
def test_a_version(text: str) -> None:
    assert is_version(text)


@pytest.mark.parametrize("text", ["", "5", "5.", "5.6.1 <b>", "5.6.1\n", "9" * 7 + ".0", "5.6.1-" + "a" * 41, "x5.6"])
def test_what_is_no_version(text: str) -> None:
    assert not is_version(text)


CHANGED = stack("web", service("web", Action.RECREATE))


def test_a_warning_stands_in_the_first_lines_and_a_remark_below() -> None:
    first = replace(node("HP", CHANGED), remarks=("it is *new*",), warnings=("may be wrong",))
    shown = plan(first, replace(first, node=NodeName("AIOS")))
    assert sections.headline(shown).splitlines()[1:] == ["", "⚠️ HP, AIOS: may be wrong."]
    assert "HP, AIOS: it is &#42;new&#42;." in sections.missing(shown).variants[0](10_000).text
    text = render_text(shown).splitlines()
    assert text[2] == "HP, AIOS: may be wrong"
    assert "HP, AIOS: it is *new*" in text


def test_what_is_not_known_of_a_node_on_which_nothing_happens_is_not_told() -> None:
    idle = replace(node("HP", stack("web", service())), remarks=("it is new",))
    assert "it is new" not in render_text(plan(idle))
