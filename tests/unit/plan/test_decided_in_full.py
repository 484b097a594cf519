"""What the decision says of a few cases in full: words, lines, and what follows of an image that cannot be built."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import ServiceName, StackName
from bot.plan.causes import ReasonCode
from bot.plan.changes import PlanScope, decide_node, decide_stack
from bot.plan.contents import changed_under, split_security_option
from bot.plan.dockerfile import NotUnderstoodError, parse_dockerfile
from bot.plan.files import _same_ends
from bot.plan.followers import held_containers
from bot.plan.image_sources import MAIN, find_sources
from bot.plan.model import Image, ImageKind, Reason, ServicePlan, SourceLine
from bot.plan.rendering import CHECKOUT, BuildProblem, NodeChange, StackChange
from bot.plan.report.rows import _image_note
from bot.protocol.action import Action
from tests.unit.plan.test_changes import FOLDER, LINUX, actions, decide, side


@pytest.mark.parametrize("is_certain", [True, False])
def test_an_image_that_certainly_cannot_be_built_fails_the_stack_with_its_line(*, is_certain: bool) -> None:
    where = SourceLine(f"{FOLDER}/Dockerfile", 3)
    problem = BuildProblem(text="COPY x: there is no x", where=where, is_certain=is_certain)
    change = StackChange(
        stack=StackName("s"),
        folder=FOLDER,
        old=None,
        new=side({"web": {"build": {"context": "."}}}),
        build_problems={ServiceName("web"): problem},
    )
    decided = decide_stack(change, PlanScope(LINUX, frozenset([f"{FOLDER}/compose.yaml", "other"])))
    (stack,) = decided.stacks
    if is_certain:
        assert decided.files == {f"{FOLDER}/compose.yaml"}
        assert (stack.error, stack.error_at) == ("the image of web cannot be built: COPY x: there is no x", where)
        assert (stack.services, stack.folder, stack.project) == ((), FOLDER, "s")
    else:
        assert stack.error is None
        assert [one.action for one in stack.services] == [Action.CREATE]


def test_who_shares_with_a_service_that_loses_containers_is_told_where() -> None:
    services: dict[str, dict[str, Any]] = {"w": {"scale": 3}, "q": {"network_mode": "service:w"}, "own": {"ipc": "w"}}
    new = side(services | {"w": {"scale": 2}}, sources={"services.q.network_mode": 7})
    decided = decide(side(services), new)
    assert actions(decided)["q"] is Action.RECREATE
    (reason,) = next(one.reasons for one in decided.stacks[0].services if one.service == "q")
    assert (reason.where.line if reason.where else 0) == 7
    assert actions(decided)["own"] is Action.NONE, "no reference to a service, but a word"


def test_letters_of_every_alphabet_are_shown_as_they_are() -> None:
    decided = decide(side({"web": {"x-a": 1}}), side({"web": {"deploy": {"zażółć": {"ы": [1]}}}}))
    text = " ".join(reason.text for reason in decided.stacks[0].services[0].reasons)
    assert "\\u" not in text


def test_a_file_that_changed_reaches_the_decision_of_its_node() -> None:
    mounted = {"web": {"volumes": [{"type": "bind", "source": f"{CHECKOUT}/{FOLDER}/conf", "target": "/conf"}]}}
    one = side(mounted, places={"conf": "blob"})
    change = StackChange(stack=StackName("s"), folder=FOLDER, old=one, new=one)
    for files in (frozenset([f"{FOLDER}/conf"]), frozenset[str]()):
        (decided,) = decide_node(NodeChange(node=LINUX, stacks=(change,), changed=files))
        assert (actions(decided)["web"] is Action.NONE) == (not files)


@pytest.mark.parametrize(
    ("option", "parts"),
    [
        ("seccomp=a=b", ("seccomp", "=", "a=b")),
        ("seccomp:./a:b", ("seccomp", ":", "./a:b")),
        ("no-new-privileges", ("no-new-privileges", "", "")),
    ],
)
def test_a_security_option_is_split_at_its_first_sign(option: str, parts: tuple[str, str, str]) -> None:
    assert split_security_option(option) == parts


def test_containers_have_their_names_by_project_and_service() -> None:
    services = {"web": {}, "named": {"container_name": "n"}, "none": {"scale": 0}}
    assert held_containers({"name": "s", "services": services}) == {"s-web-1": "web", "n": "named"}


def test_of_two_long_texts_what_is_alike_at_both_ends_is_left_out() -> None:
    head, tail = [f"h{n}" for n in range(700)], [f"t{n}" for n in range(700)]
    assert _same_ends([*head, "a", *tail], [*head, "b", "c", *tail]) == (700, 700)
    assert _same_ends(["x", "y", "z"], ["x", "z"]) == (1, 1)
    assert _same_ends(["x", "y"], ["x", "z"]) == (1, 0)
    assert _same_ends(["x"], ["x", "x"]) == (1, 0)


def test_a_heredoc_is_read_where_one_certainly_begins() -> None:
    text = "FROM x\nRUN cat <<A <<-B\none\nA\n\ttwo\n\tB\nRUN next\n"
    steps = parse_dockerfile(text).stages[0].steps
    assert [step.verb for step in steps] == ["run", "run"]
    with pytest.raises(NotUnderstoodError):
        parse_dockerfile("FROM x\nRUN cat 'a <<A <<B\nA\nB\n")


@pytest.mark.parametrize(
    ("roots", "found"),
    [
        ([""], ["a", "a/b", "ab"]),
        (["a"], ["a", "a/b"]),
        (["a/b/c"], ["a", "a/b"]),
        (["b"], []),
        ([], []),
    ],
)
def test_the_paths_below_a_root(roots: list[str], found: list[str]) -> None:
    assert changed_under(["ab", "a/b", "a"], roots) == found


def test_texts_in_a_dockerfile_come_from_no_context() -> None:
    found = find_sources("FROM x\nCOPY <<EOF /a\ntext\nEOF\nCOPY <b /c\n", "", [])
    assert [(one.context, one.path) for one in found.sources] == [(MAIN, "<b")]


def test_the_effect_of_an_image_is_its_lines() -> None:
    effect = find_sources("FROM x\nRUN a\nENV B=1\n", "", []).effect
    assert effect == '["from", [], "x", []]\n["run", [], "a", []]\n["env", [], ["B=1"], []]'


@pytest.mark.parametrize(
    ("kind", "code", "note"),
    [
        (ImageKind.DIGEST, ReasonCode.IMAGE, "the image is pinned by its digest"),
        (ImageKind.MOVING, ReasonCode.IMAGE, "app is a moving tag"),
        (ImageKind.VERSION, ReasonCode.IMAGE, ""),
        (ImageKind.DIGEST, ReasonCode.PORTS, ""),
    ],
)
def test_what_is_noted_of_an_image(kind: ImageKind, code: ReasonCode, note: str) -> None:
    service = ServicePlan(
        service=ServiceName("web"),
        action=Action.RECREATE,
        image=Image(name="app", kind=kind),
        reasons=(Reason(code=code, text="x"),),
    )
    assert _image_note(service) == note
