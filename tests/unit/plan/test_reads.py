"""Which paths of a checkout are read: by what a model, a hook or a workflow names."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import NodeName, StackName
from bot.fleetfile import Hooks, Node, Platform
from bot.plan.reads import (
    UNREADABLE,
    choose_read,
    find_hook_reads,
    find_named,
    find_stack_reads,
    find_texts,
    find_workflow_reads,
)
from bot.plan.rendering import Place, Rendered, Side, StackChange, Unreadable

LAB = Node(name=NodeName("LAB"), root="/srv/aios")
AT_HOME = Node(name=NodeName("HOME"), root="~/aios")
WINDOWS = Node(name=NodeName("WIN"), root=r"C:\aios", platform=Platform.WINDOWS)
THERE = {"docs/a.md", "docs", "../a.b", "server/stacks/web/seccomp.json", "server/docs", "notes", "a.b"}
FOLDER = "server/stacks/web"


@pytest.mark.parametrize(
    ("text", "node", "named"),
    [
        ("/fleet/docs/x", LAB, {"docs/x"}),
        ("/fleet", LAB, {""}),
        ("/srv/aios/docs/x", LAB, {"docs/x"}),
        ("/srv/other", LAB, set()),
        (r"C:\aios\docs\x", WINDOWS, {"docs/x"}),
        ("c:/aios/docs/x", WINDOWS, {"docs/x"}),
        (r"\aios", LAB, set()),
        ("~/aios/docs/x", AT_HOME, {"docs/x"}),
        ("sh -c 'cat ~/aios/docs/x'", AT_HOME, {"docs/x"}),
        ("~/other/docs/x", AT_HOME, set()),
        ("seccomp=./seccomp.json", LAB, {"server/stacks/web/seccomp.json"}),
        ("seccomp:seccomp.json", LAB, {"server/stacks/web/seccomp.json"}),
        ("type=local,src=../../../docs/a.md", LAB, {"docs/a.md"}),
        ("sh -c 'cat ../../docs'", LAB, {"server/docs"}),
        ("../../../docs/", LAB, {"docs"}),
        ("../../../../docs", LAB, set()),
        ("docs", LAB, set()),  # a plain word
        (".", LAB, set()),
        ("../..", LAB, set()),
        ("../../../../a.b", LAB, set()),
        ("absent.json", LAB, set()),
        ("x:/fleet/docs/x", LAB, {"docs/x"}),
        ("./" * 600 + "seccomp.json", LAB, set()),
        ("./" * 500 + "seccomp.json", LAB, {"server/stacks/web/seccomp.json"}),
    ],
)
def test_the_paths_that_a_text_names(text: str, node: Node, named: set[str]) -> None:
    assert set(find_named(text, FOLDER, node, THERE.__contains__)) == named


def test_texts_are_found_at_every_depth() -> None:
    assert sorted(find_texts({"a": ["b", {"c": ("d", 1, None)}], "e": True})) == ["a", "b", "c", "d", "e"]


def side(model: dict[str, Any], **more: Any) -> Side:
    reads = more.pop("reads", ())
    return Side(rendering=Rendered(model=model, reads=reads), **more)


def test_a_stack_reads_what_both_of_its_sides_read() -> None:
    old = side({"a": "/fleet/old"}, reads=("docs/inc.md",), files=("compose.yaml", "../x.yml"))
    new = side({"a": "/fleet/new"}, places={"link": Place(path="real", kind="folder")})
    change = StackChange(stack=StackName("web"), folder=FOLDER, old=old, new=new)
    assert find_stack_reads(change, LAB, THERE.__contains__) == {
        "old",
        "new",
        "docs/inc.md",
        "server/stacks/web/compose.yaml",
        "server/stacks/x.yml",
        "link",
        "real",
    }
    one = StackChange(stack=StackName("web"), folder=FOLDER, new=Side(rendering=Unreadable(message="no")))
    assert find_stack_reads(one, LAB, THERE.__contains__) == {UNREADABLE}


def test_hooks_read_what_they_name_and_what_stands_beside_it() -> None:
    there = {"scripts/tls/make.sh", "a.sh", "b.sh", "c/d.sh", "e.sh", "Makefile", "scripts", "x/y"}
    hooks = Hooks(
        before=(("sh", "scripts/tls/make.sh"), ("make", "Makefile")),
        after=(("./a.sh", "--file=b.sh"),),
        before_stack={StackName("web"): (("sh", "c/d.sh"),)},
        after_stack={StackName("web"): (("sh", "-c", "cat e.sh; ls x/y"),)},
    )
    assert find_hook_reads(hooks, there.__contains__) == {
        "scripts/tls/make.sh",
        "scripts/tls",
        "a.sh",
        "b.sh",
        "c/d.sh",
        "c",
        "e.sh",
        "Makefile",
        "x/y",
        "x",
    }
    assert find_hook_reads(Hooks(), there.__contains__) == frozenset()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("sh docs/run.md", {"docs/run.md"}),
        ("cd docs; sh ./run.md", {"docs/run.md", "other/run.md"}),
        ("sh ./docs/run.md", {"docs/run.md"}),
        ("tools/deploy", {"tools/deploy"}),
        ("deploy", set()),
        ("un.md", set()),
        ("${{ inputs.x }}/run.md", {"docs/run.md", "other/run.md"}),
    ],
)
def test_workflows_read_what_their_jobs_name(text: str, read: set[str]) -> None:
    found = find_workflow_reads([text], ["docs/run.md", "other/run.md", "README.md", "tools/deploy"])
    assert found == ({*read} if "$" not in text else found)


@pytest.mark.parametrize(
    ("path", "read", "is_read"),
    [
        ("docs/a.md", {"docs/a.md"}, True),
        ("docs/a.md", {"docs"}, True),
        ("docs/a/b.md", {"docs"}, True),
        ("docs", {"docs/a.md"}, True),
        ("docs/a.md", {""}, True),
        ("docs/a.md", {"docs/b.md"}, False),
        ("docs/a.md", {"doc"}, False),
        ("doc", {"docs/a.md"}, False),
        ("docs/a.md", set(), False),
    ],
)
def test_a_path_is_read_with_its_folder_and_by_the_links_on_its_way(path: str, read: set[str], is_read: bool) -> None:
    assert choose_read([path, "other"], frozenset(read)) == ({path} if is_read else set()) | (
        {"other"} if "" in read else set()
    )
