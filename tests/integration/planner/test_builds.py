"""What changed for the builder of an image, and why an image cannot be built: from real repositories."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.names import NodeName, ServiceName, StackName
from bot.fleetfile import Hooks, Node
from bot.plan.changes import Decided, decide_node
from bot.plan.model import SourceLine
from bot.plan.rendering import CHECKOUT, BuildProblem, NodeChange, Rendered, Rendering, Side, StackChange
from bot.planner.builds import Builds, read_builds
from bot.planner.sides import changed_paths
from bot.planner.snapshot import Snapshot
from bot.protocol.action import Action
from tests.integration.planner.render_world import RenderWorld

NODE = Node(name=NodeName("pi"))
DOCKERFILE = "FROM x AS a\nCOPY used /\nFROM x\nCOPY --from=a /used /\nCOPY src/*.c /\n"
FILES = {"Dockerfile": DOCKERFILE, "used": "1", "beside": "1", "src/a.c": "1", "src/a.md": "1", "other/x": "1"}
CONTEXT = f"{CHECKOUT}/server/app"


def rendering(**build: Any) -> Rendered:
    return Rendered(model={"name": "s", "services": {"app": {"build": {"context": CONTEXT} | build}}})


class Builder:
    """A stack whose service `app` is built from the submodule's folder `app`."""

    def __init__(self, world: RenderWorld) -> None:
        self.world = world
        self.old, self.new = (None, self.push(FILES))

    old: Snapshot | None
    new: Snapshot

    def push(self, files: Mapping[str, str | None], links: Mapping[str, str] | None = None) -> Snapshot:
        return self.world.push(
            {f"app/{path}": text for path, text in files.items()},
            links={f"app/{path}": target for path, target in (links or {}).items()},
        )

    def edit(self, files: Mapping[str, str | None], links: Mapping[str, str] | None = None) -> Builder:
        self.old, self.new = self.new, self.push(files, links)
        return self

    def builds(self, node: Node = NODE, was: Rendering | None = None, **build: Any) -> Builds:
        now = rendering(**build)
        changed = changed_paths(self.old, self.new)
        return read_builds(was or now, now, node=node, old=self.old, new=self.new, changed=changed)

    def inputs(self, **build: Any) -> list[str]:
        found = self.builds(**build).inputs
        return [path.removeprefix("server/app/") for path in next(iter(found.values()), ())]


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(RenderWorld(tmp_path))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"used": "2"}, ["used"]),
        ({"beside": "2", "src/a.md": "2", "other/x": None, "new": "1"}, []),
        ({"src/a.c": "2", "src/b.c": "1", "src/a.md": "2"}, ["src/a.c", "src/b.c"]),
        ({"used": None}, ["used"]),
        ({"Dockerfile": f"# why\n{DOCKERFILE}"}, []),
        ({"Dockerfile": f"FROM y AS unused\nCOPY beside /\n{DOCKERFILE}", "beside": "2"}, []),
        ({"Dockerfile": f"{DOCKERFILE}COPY beside /\n"}, ["Dockerfile"]),
        ({"Dockerfile": f"{DOCKERFILE}COPY beside /\n", "beside": "2"}, ["Dockerfile", "beside"]),
        ({"Dockerfile": f"{DOCKERFILE}COPY $X /\n", "beside": "2"}, ["Dockerfile", "beside"]),
        ({".dockerignore": "beside\n"}, []),
        ({".dockerignore": "src/a.c\n"}, ["src/a.c"]),
        ({"Dockerfile.dockerignore": "src/a.c\n"}, ["src/a.c"]),
        ({"Dockerfile": None, "beside": "2"}, ["Dockerfile", "beside"]),
    ],
)
def test_only_what_the_dockerfile_reads_is_an_input(
    builder: Builder, edit: dict[str, str | None], expected: list[str]
) -> None:
    assert builder.edit(edit).inputs() == expected


def test_a_folder_counts_although_what_is_in_it_is_left_out(builder: Builder) -> None:
    builder.edit({"Dockerfile": "FROM x\nCOPY other /\n", ".dockerignore": "**/*.md\n"})
    assert builder.edit({"other/deep/a.md": "1", "docs/a.md": "1"}).inputs() == ["other/deep/a.md"]
    assert builder.edit({"other/deep/b.md": "1"}).inputs() == []
    assert builder.edit({"other/deep/a.md": None}).inputs() == []
    assert builder.edit({"other/deep/b.md": None}).inputs() == ["other/deep/b.md"]


def test_the_target_the_inline_text_and_other_frontends_count(builder: Builder) -> None:
    builder.edit({"used": "2", "src/a.c": "2", "beside": "2", "other/x": "2"})
    assert builder.inputs(target="a") == ["used"]
    assert builder.inputs(dockerfile_inline="FROM x\nCOPY beside /\n") == ["beside"]
    every = ["beside", "other/x", "src/a.c", "used"]
    assert builder.inputs(args={"BUILDKIT_SYNTAX": "example.org/x"}) == every
    assert builder.inputs(additional_contexts={"a::linux/arm64": f"{CONTEXT}/other"}) == every
    assert builder.inputs(dockerfile="../../../outside") == every
    assert builder.inputs(context="https://example.org/x.git") == []


def test_other_contexts_count_by_what_is_read_of_them(builder: Builder) -> None:
    builder.edit({"Dockerfile": "FROM x\nCOPY --from=o x /\n", "other/y": "1"})
    contexts = {"o": f"{CONTEXT}/other", "web": "https://example.org/x.git"}
    builder.edit({"other/y": "2"})
    assert builder.inputs(additional_contexts=contexts) == []
    builder.edit({"other/x": "2"})
    assert builder.inputs(additional_contexts=contexts) == ["other/x"]
    builder.edit({"other/.dockerignore": "x\n"})
    assert builder.inputs(additional_contexts=contexts) == ["other/x"]


OTHER = f"{CONTEXT}2"
MORE = f"{CONTEXT}/other"
STAGES = "FROM x AS a\nARG V\nCOPY used /\nFROM a AS b\nCOPY src/*.c /\n"


@pytest.mark.parametrize(
    ("edit", "then", "now", "places"),
    [
        ({"D": DOCKERFILE, "Dockerfile": None}, {}, {"dockerfile": "D"}, True),
        ({"D": f"# why\n{DOCKERFILE}", "Dockerfile": None}, {}, {"dockerfile": "D"}, True),
        ({"D": f"{DOCKERFILE}RUN x\n", "Dockerfile": None}, {}, {"dockerfile": "D"}, False),
        ({"D": DOCKERFILE}, {}, {"dockerfile": "Gone"}, False),
        ({"D": DOCKERFILE, "D.dockerignore": "used\n"}, {}, {"dockerfile": "D"}, False),
        ({}, {}, {"dockerfile_inline": DOCKERFILE}, True),
        ({}, {"dockerfile_inline": STAGES}, {"dockerfile_inline": STAGES, "target": "b"}, True),
        ({}, {"dockerfile_inline": STAGES}, {"dockerfile_inline": STAGES, "target": "1"}, True),
        ({}, {"dockerfile_inline": STAGES}, {"dockerfile_inline": STAGES, "target": "a"}, False),
        ({f"../app2/{path}": text for path, text in FILES.items()}, {}, {"context": OTHER}, True),
        ({f"../app2/{path}": text for path, text in FILES.items() if path != "beside"}, {}, {"context": OTHER}, True),
        ({f"../app2/{path}": text for path, text in FILES.items() if path != "used"}, {}, {"context": OTHER}, False),
        ({}, {}, {"context": "https://example.org/x.git"}, False),
        ({}, {}, {"additional_contexts": {"o": MORE}}, True),
        ({}, {}, {"additional_contexts": {"x": MORE}}, False),
        ({}, {}, {"additional_contexts": {"o": "docker-image://y"}}, True),
        ({}, {}, {"additional_contexts": {"x": "docker-image://y"}}, False),
        ({"used": "2"}, {}, {"additional_contexts": {"o": MORE}}, False),
    ],
)
def test_a_build_described_in_another_way_may_be_the_same(
    builder: Builder, edit: dict[str, str | None], then: dict[str, Any], now: dict[str, Any], places: bool
) -> None:
    builds = builder.edit(edit).builds(was=rendering(**then), **now)
    assert ("context" in builds.unread[ServiceName("app")]) is places
    assert not (places and builds.inputs)


def test_what_only_counts_while_something_runs(builder: Builder) -> None:
    builder.edit({})
    for text, expected in (("FROM x\nCOPY used /\n", True), ("FROM x\nRUN x\n", False), ("FROM x\nX\n", False)):
        found = builder.builds(was=rendering(dockerfile_inline=text), dockerfile_inline=text, network="host").unread
        assert ("network" in found[ServiceName("app")]) is expected


def test_an_argument_counts_where_what_is_built_may_read_it(builder: Builder) -> None:
    def unread(text: str, *names: str) -> list[str]:
        was = rendering(dockerfile_inline=text, args=dict.fromkeys(names, "1"))
        found = builder.builds(was=was, dockerfile_inline=text, args=dict.fromkeys(names, "2")).unread
        return sorted(found[ServiceName("app")] & {f"args.{name}" for name in names})

    builder.edit({})
    assert unread("FROM x AS a\nARG V\nFROM x\nARG W\nRUN $W\n", "V", "W") == ["args.V"]
    assert unread("ARG v\nFROM x:$v\nCOPY used /\n", "v", "V2", "http_proxy") == ["args.V2"]
    assert unread("FROM x\nCOPY $W /\n", "V") == []


def test_links_are_followed(builder: Builder) -> None:
    builder.edit({"Dockerfile": "FROM x\nCOPY current /\n", "v1": "1", "v2": "1"}, {"current": "v1"})
    assert builder.edit({"v1": "2"}).inputs() == ["v1"]
    assert builder.edit({}, {"current": "v2"}).inputs() == ["current"]
    builder.edit({"images/real": "FROM x\nRUN x\n"}, {"Dockerfile": "images/real"})
    assert builder.edit({"images/real": "FROM x\n\nRUN x\n"}).inputs() == []
    assert builder.edit({"images/real": "FROM y\nRUN x\n"}).inputs() == ["Dockerfile"]
    builder.edit({}, {"Dockerfile": "../../../outside"})
    assert builder.edit({"used": "2"}).inputs() == ["used"]
    context = f"{CHECKOUT}/server/link"
    builder.edit({"Dockerfile2": "FROM x\nCOPY used /\n"}, {"../link": "app"})
    assert builder.edit({"used": "3", "beside": "3"}).inputs(context=context, dockerfile="Dockerfile2") == ["used"]
    builder.edit({"elsewhere/used": "3"}, {"../link": "app/elsewhere"})
    assert builder.inputs(context=context, dockerfile="Dockerfile2") == ["elsewhere"]


def test_a_dockerfile_that_is_too_large_is_not_read(builder: Builder) -> None:
    large = DOCKERFILE + "#\n" * 60_000
    builder.edit({"Dockerfile": large})
    assert builder.edit({"beside": "2"}).inputs() == ["beside"]
    assert builder.edit({"Dockerfile": f"{large}# 2\n"}).inputs() == ["Dockerfile"]


MISSING = "FROM x\nCOPY used gone /\n"
GONE = "server/app/Dockerfile, line 2 copies gone, which is not in the repository"
AT = SourceLine(path="server/app/Dockerfile", line=2)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"Dockerfile": MISSING}, BuildProblem(text=GONE, where=AT)),
        ({"Dockerfile": MISSING, "gone": "1"}, None),
        ({"Dockerfile": MISSING, "gone/x": "1"}, None),
        ({"Dockerfile": "FROM x\nCOPY used g* /\nCOPY . $X/\n"}, None),
        ({"Dockerfile": MISSING, ".gitignore": "gone\n"}, BuildProblem(text=GONE, where=AT, is_certain=False)),
        (
            {"Dockerfile": MISSING, "../.gitignore": "/app/gone\n"},
            BuildProblem(text=GONE, where=AT, is_certain=False),
        ),
        ({"Dockerfile": MISSING, ".gitignore": "!gone\nx\n#\n"}, BuildProblem(text=GONE, where=AT)),
        (
            {".dockerignore": "used\n"},
            BuildProblem(
                text="server/app/Dockerfile, line 2 copies used, which is left out by .dockerignore", where=AT
            ),
        ),
        (
            {"Dockerfile": "FROM x\nCOPY src other /\n", ".dockerignore": "src\nother\n!other/x\n"},
            BuildProblem(
                text="server/app/Dockerfile, line 2 copies src, which is left out by .dockerignore", where=AT
            ),
        ),
        ({"Dockerfile": None}, BuildProblem(text="server/app/Dockerfile is not in the repository")),
        ({"Dockerfile": None, "dockerfile": DOCKERFILE}, None),
        ({"Dockerfile": ""}, BuildProblem(text="server/app/Dockerfile: it has no FROM")),
        (
            {"Dockerfile": "FROM x\nCOPY 1 2 3 4 5 /\n"},
            BuildProblem(
                text="; ".join(GONE.replace("gone", number) for number in "123") + "; and 2 more",
                where=AT,
            ),
        ),
    ],
)
def test_a_build_that_cannot_succeed_is_known(
    builder: Builder, edit: dict[str, str | None], expected: BuildProblem | None
) -> None:
    assert builder.edit(edit).builds().problems.get("app") == expected  # type: ignore[call-overload]


def test_what_the_node_may_have_is_not_certain(builder: Builder) -> None:
    builder.edit({"Dockerfile": MISSING})
    likely = BuildProblem(text=GONE, where=AT, is_certain=False)
    for hooks in (Hooks(before=(("make",),)), Hooks(before_stack={StackName("s"): (("make",),)})):
        assert [*builder.builds(replace(NODE, hooks=hooks)).problems.values()] == [likely]
    assert builder.builds().problems != {}
    builder.edit({"used": "2"})  # the old version lacked it too
    assert [*builder.builds().problems.values()] == [likely]
    builder.edit({"beside": "2"})  # nothing is built
    assert builder.builds()[:2] == ({}, {})
    assert [*builder.builds(was=rendering(args={"A": "1"})).problems.values()] == [likely]
    gone = builder.builds(was=rendering(args={"A": "1"}), target="gone").problems
    assert [*gone.values()] == [BuildProblem(text="server/app/Dockerfile: it has no stage gone")]


def test_a_new_service_is_checked_and_has_no_inputs(builder: Builder) -> None:
    assert builder.builds()[:2] == ({}, {})
    new = builder.push({"Dockerfile": MISSING})
    for old, was in ((None, None), (builder.new, Rendered(model={"services": {}}))):
        found = read_builds(was, rendering(), node=NODE, old=old, new=new, changed=changed_paths(old, new))
        assert found[:2] == ({}, {"app": BuildProblem(text=GONE, where=AT)})


def test_who_builds_on_another_service_s_image_takes_what_that_brings(builder: Builder) -> None:
    model = {
        "name": "s",
        "services": {
            "base": {"image": "own/base", "build": {"context": "/fleet/server/base"}},
            "app": {"build": {"context": "/fleet/server/app"}},
        },
    }
    app = {"app/Dockerfile": "FROM own/base\nRUN x\n", "app/main": "1"}
    for step, expected in (("ONBUILD COPY . /", {"app": ("server/app/main",)}), ("RUN x", {})):
        old = builder.world.push({**app, "base/Dockerfile": f"FROM scratch\n{step}\n"})
        new = builder.world.push({"app/main": step})
        rendered = Rendered(model=model)
        found = read_builds(rendered, rendered, node=NODE, old=old, new=new, changed=changed_paths(old, new))
        assert found.inputs == expected
        assert found.bases == {"app": ("base",)}


def test_a_dockerfile_that_takes_nothing_takes_nothing_on_a_base_that_is_built_here(builder: Builder) -> None:
    model = {
        "name": "s",
        "services": {
            "base": {"image": "own/base", "build": {"context": "/fleet/server/base"}},
            "app": {"build": {"context": "/fleet/server/app"}},
        },
    }
    for base, text, is_input in (
        ("RUN x", "FROM own/base\nENV A=1\n", False),
        ("ONBUILD COPY . /", "FROM own/base\nENV A=1\n", True),
        ("RUN x", "FROM elsewhere\nENV A=1\n", True),  # nobody here knows what that brings
        ("X", "FROM own/base\nENV A=1\n", False),
    ):
        old = builder.world.push(
            {"app/Dockerfile": text, "app/README": "1", "base/Dockerfile": f"FROM scratch\n{base}\n"}
        )
        new = builder.world.push({"app/README": "2"})
        rendered = Rendered(model=model)
        found = read_builds(rendered, rendered, node=NODE, old=old, new=new, changed=changed_paths(old, new))
        assert found.inputs == ({"app": ("server/app/README",)} if is_input else {}), (base, text)


def test_a_dockerfile_in_another_spelling_may_be_the_same_on_a_base_that_brings_something(builder: Builder) -> None:
    def model(dockerfile: str) -> Rendered:
        base = {"image": "own/base", "build": {"context": "/fleet/server/base"}}
        app = {"build": {"context": "/fleet/server/app", "dockerfile": dockerfile}}
        return Rendered(model={"name": "s", "services": {"base": base, "app": app}})

    files = {"app/Dockerfile": "FROM own/base\nRUN x\n", "base/Dockerfile": "FROM scratch\nONBUILD COPY . /\n"}
    old = builder.world.push({**files, "app/main": "1"})
    for path, expected in (("other/main", True), ("app/main", False)):
        new = builder.world.push({path: "2"})
        found = read_builds(
            model("./Dockerfile"), model("Dockerfile"), node=NODE, old=old, new=new, changed=changed_paths(old, new)
        )
        assert ("context" in found.unread[ServiceName("app")]) is expected


def decide(problem: BuildProblem, *, inputs: tuple[str, ...] = ()) -> Decided:
    same = Side(rendering=rendering())
    change = StackChange(
        stack=StackName("s"),
        folder="server/s",
        old=same,
        new=same,
        build_inputs={"app": inputs} if inputs else {},  # type: ignore[dict-item]
        build_problems={"app": problem},  # type: ignore[dict-item]
    )
    (decided,) = decide_node(NodeChange(node=NODE, stacks=(change,), changed=frozenset(inputs)))
    return decided


def test_a_stack_whose_image_cannot_be_built_cannot_be_planned() -> None:
    (plan,) = decide(BuildProblem(text=GONE, where=AT), inputs=("server/app/used",)).stacks
    assert (plan.services, plan.error_at) == ((), AT)
    assert plan.error == f"the image of app cannot be built: {GONE}"
    (plan,) = decide(BuildProblem(text=GONE, where=AT)).stacks
    assert (plan.error, plan.remarks, plan.services[0].action) == (None, (), Action.NONE)
    likely = BuildProblem(text=GONE, where=AT, is_certain=False)
    (plan,) = decide(likely, inputs=("server/app/used",)).stacks
    assert (plan.error, plan.services[0].action) == (None, Action.REBUILD)
    assert plan.remarks == (f"{GONE}: unless the node has it, the image of app cannot be built",)


def test_a_context_that_leads_out_of_the_checkout_now_changes_the_image(tmp_path: Path) -> None:
    """Compose refuses the stack then; the image is another one all the same."""
    builder = Builder(RenderWorld(tmp_path))
    more = {"additional_contexts": {"more": f"{CONTEXT}/linked"}}
    assert builder.edit({}, {"linked": "src"}).inputs(**more) == ["src"]
    assert builder.edit({}, {"linked": "/etc"}).inputs(**more) == ["src"]
    assert builder.edit({"beside": "2"}).inputs(**more) == []
