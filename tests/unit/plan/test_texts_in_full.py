"""What is said of causes and plans, word for word and with its line."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.names import NodeName, ServiceName
from bot.domain.severity import Severity
from bot.fleetfile import Node, Platform
from bot.fleetfile.problems import Problem
from bot.plan.causes import ReasonCode
from bot.plan.changes import Decided
from bot.plan.dockerfile import find_default
from bot.plan.model import SourceLine
from bot.plan.node_paths import find_inside
from bot.plan.report import included
from bot.plan.report.check import render_fleet_file_problems
from bot.plan.report.sections import headline
from bot.plan.report.text import Style, render_lines
from bot.protocol.action import Action
from tests.plans import LINKS, commit, node, plan, risk, service, stack
from tests.unit.plan.test_changes import FOLDER, HERE, Services, decide, only, side


def reasons(decided: Decided, name: str) -> list[tuple[str, str, SourceLine | None]]:
    (found,) = (one for one in only(decided).services if one.service == name)
    return [(reason.code, reason.text, reason.where) for reason in found.reasons]


def at(line: int) -> SourceLine:
    return SourceLine(f"{FOLDER}/compose.yaml", line)


def test_a_build_names_three_files_and_counts_the_others() -> None:
    both = side({"web": {"build": {"context": HERE}}})
    for count, text in ((3, "a, b, c changed"), (5, "a, b, c and 2 more changed")):
        decided = decide(both, both, build_inputs={ServiceName("web"): tuple("abcde"[:count])})
        ((_, found, _),) = reasons(decided, "web")
        assert found == f"{text}: builds again; recreated only if the image comes out different"


def test_what_follows_from_another_service_says_so_at_its_own_line() -> None:
    mounted = {"type": "image", "source": "own/base:1", "target": "/i"}
    services: Services = {
        "base": {"build": {"context": "b"}, "image": "own/base:1"},
        "app": {"build": {"context": "a"}},
        "mounts": {"image": "x", "volumes": [mounted]},
    }
    both = side(services, sources={"services.mounts.volumes": 7, "services.app.build.additional_contexts": 8})
    base = ServiceName("base")
    decided = decide(both, both, build_inputs={base: ("b/file",)}, build_bases={ServiceName("app"): (base,)})
    assert reasons(decided, "app") == [(ReasonCode.IMAGE_REBUILT, "is built on base, which is rebuilt", at(8))]
    assert reasons(decided, "mounts") == [(ReasonCode.IMAGE_REBUILT, "mounts the image of base", at(7))]


def test_a_volume_of_another_name_and_a_config_of_another_file_are_named() -> None:
    volumes = {"volumes": [{"type": "volume", "source": "v", "target": "/v"}]}
    services: Services = {"web": volumes | {"configs": [{"source": "c", "target": "/c"}]}}
    old = side(services, volumes={"v": {"name": "s_v"}}, configs={"c": {"file": f"{HERE}/a"}})
    new = side(services, volumes={"v": {"name": "other"}}, configs={"c": {"file": f"{HERE}/b"}})
    assert [(code, text) for code, text, _ in reasons(decide(old, new), "web")] == [
        (ReasonCode.CONFIG_CONTENT, f"config c is now {FOLDER}/b, mounted at /c"),
        (ReasonCode.VOLUME_MOVED, "volume v is other instead of s_v"),
    ]


@pytest.mark.parametrize("section", ["configs", "secrets"])
def test_what_compose_takes_from_nowhere_is_told(section: str) -> None:
    services: Services = {"web": {section: [{"source": "c", "target": "/c"}]}}
    text = f"web cannot start: the {section.removesuffix('s')} c is external, and compose takes none from elsewhere"
    external: dict[str, Any] = {section: {"c": {"name": "c", "external": True}}}
    file: dict[str, Any] = {section: {"c": {"file": "/c"}}}
    new = side(services, **external)
    assert only(decide(None, new)).remarks == (text,)
    assert only(decide(new, new)).remarks == (), "what runs already has it"
    assert only(decide(None, side(services, **file))).remarks == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ARG A=1\nFROM x", "1"),
        ("ARG B=2\nARG A=1\nFROM x\nARG B=1", "1"),
        ('FROM x\nARG A="1"', "1"),
        ("ARG A=1\nFROM x\nARG A", "1"),
        ("FROM x\nARG A=1\nFROM y\nARG A=1", "1"),
        ("FROM x\nARG A=1\nFROM y\nARG A=2", None),
        ("ARG A=1\nFROM x\nARG A=2", None),
        ("FROM x\nARG A", None),
        ("FROM x\nARG B=1", None),
        ("FROM x\nARG A=$B", None),
        ("FROM x\nARG A='1'", None),
        ("RUN x", None),
    ],
)
def test_the_default_of_an_argument_is_what_every_stage_has(text: str, value: str | None) -> None:
    assert find_default(text, "A") == value


@pytest.mark.parametrize(("root", "platform"), [("/", "linux"), ("C:\\", "windows"), ("/srv/", "linux")])
def test_a_root_may_end_in_a_slash(root: str, platform: str) -> None:
    node = Node(name=NodeName("N"), root=root, platform=Platform(platform))
    assert find_inside(f"{root}server/x", node) == "server/x"


def test_the_problems_of_a_fleet_file_are_annotations() -> None:
    long = Problem(line=3, message="x" * 3000)
    first, second = render_fleet_file_problems("f.yml", [Problem(line=2, message="wrong"), long]).annotations
    shape = {"path": "f.yml", "start_line": 2, "end_line": 2, "annotation_level": "failure", "message": "wrong"}
    assert first.as_github() == shape
    assert 1990 < len(second.message) <= 2000


@pytest.mark.parametrize(
    ("without", "total", "text"),
    [
        (1, 1, "The only changed file affects no running service"),
        (2, 2, "All 2 changed files affect no running service"),
        (1, 3, "1 of 3 changed files affects no running service"),
        (2, 3, "2 of 3 changed files affect no running service"),
    ],
)
def test_files_without_effect_are_counted(without: int, total: int, text: str) -> None:
    names = ("a", "b", "c")
    section = included.files(plan(files_changed=names[:total], files_without_effect=names[:without]))
    assert text in section.variants[0](10_000).text
    assert section.variants[-1](0).text == f"{text}."


def test_commits_are_compared_and_counted() -> None:
    many = plan(commits=tuple(commit(f"c{at}") for at in range(12)), commits_total=12)
    full, short, _ = (variant(10_000) for variant in included.commits(many, LINKS).variants)
    assert ">compare</a>" in full.text
    assert (full.left_out, short.left_out) == ("", "2 commits of the list")


def test_a_headline_counts_marks_and_a_terminal_shows_them() -> None:
    seen = service("web", Action.RECREATE, "x", risks=(risk(Severity.NOTICE, "look"),))
    one = plan(node("HP", stack("web", seen)))
    assert " 1 to look at" in headline(one)
    warned = replace(one, old=None, nodes=(replace(one.nodes[0], warnings=("may be wrong",)),))
    lines = render_lines(warned)
    assert lines[0].text.startswith("server ..bbbbbbb")
    assert (lines[2].text, lines[2].style) == ("HP: may be wrong", Style.NOTICE)
