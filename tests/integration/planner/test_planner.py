"""From two commits to a Plan, by real git and real compose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli.main import aios_bot
from bot.domain.names import NodeName, StackName, SubmodulePath
from bot.fleetfile import FLEET_FILE, Fleet, Node, Platform, Submodule
from bot.plan.model import ImageKind, Plan, Reason, ServicePlan
from bot.planner.plans import read_plan
from bot.planner.snapshot import Snapshot
from bot.protocol.action import Action
from tests.gitworld import git
from tests.integration.planner.render_world import RenderWorld

WEB = {
    "stacks/web/compose.yaml": """\
x-common: &common
  environment: &env
    TZ: UTC
include: [part/compose.yaml]
services:
  web:
    <<: *common
    extends: {file: base.yaml, service: base}
    volumes:
      - ./conf:/etc/conf:ro
      - ./linked:/etc/linked
  made:
    build: ./app
""",
    "stacks/web/base.yaml": "services:\n  base:\n    image: nginx:latest\n    labels:\n      - role=front\n",
    "stacks/web/part/compose.yaml": "services:\n  db:\n    image: postgres:17.2\n    env_file: db.env\n",
    "stacks/web/part/db.env": "POSTGRES_DB=app\n",
    "stacks/web/conf/a.conf": "a\n",
    "stacks/web/real/b.conf": "b\n",
    "stacks/web/app/Dockerfile": "FROM scratch\nCOPY . /\n",
    "stacks/web/app/.dockerignore": "*.md\n",
    "stacks/web/app/main.c": "int main;\n",
    "stacks/web/app/README.md": "words\n",
    "stacks/idle/compose.yaml": "services:\n  idle:\n    image: idle:1.0\n",
    "README.md": "words\n",
}
SERVICE = "services:\n  app:\n    image: app:1.0\n"
LINKS = {"stacks/web/linked": "real"}


@pytest.fixture
def world(tmp_path: Path) -> RenderWorld:
    return RenderWorld(tmp_path)


def plan(world: RenderWorld, old: Snapshot | None, new: Snapshot, *nodes: Node) -> Plan:
    return read_plan(
        fleet=Fleet(nodes=nodes),
        repo=None,
        submodule=Submodule(path=SubmodulePath("server")),
        upstream_name=None,
        old=old,
        new=new,
        renderer=world.renderer,
        commits=(),
        commits_total=0,
    )


def services(made: Plan, node: int = 0) -> dict[str, ServicePlan]:
    return {service.service: service for stack in made.nodes[node].stacks for service in stack.services}


def touched(made: Plan, node: int = 0) -> dict[str, Action]:
    return {name: s.action for name, s in services(made, node).items() if s.action is not Action.NONE}


def line(reason: Reason) -> tuple[str, int] | None:
    return (reason.where.path.removeprefix("server/stacks/web/"), reason.where.line) if reason.where else None


CHANGES: list[tuple[dict[str, str | None], dict[str, Action], dict[str, tuple[str, int]], list[str]]] = [
    ({"README.md": "other words\n"}, {}, {}, ["README.md"]),
    ({"stacks/web/conf/a.conf": "b\n"}, {"web": Action.RESTART}, {"bind_content": ("conf/a.conf", 1)}, []),
    ({"stacks/web/conf/new": "n\n"}, {"web": Action.RESTART}, {"bind_content": ("conf/new", 1)}, []),
    ({"stacks/web/real/b.conf": "c\n"}, {"web": Action.RESTART}, {"bind_content": ("real/b.conf", 1)}, []),
    (
        {"stacks/web/base.yaml": WEB["stacks/web/base.yaml"].replace("latest", "1.27").replace("front", "back")},
        {"web": Action.RECREATE},
        {"image": ("base.yaml", 3), "labels": ("base.yaml", 5)},
        [],
    ),
    (
        {"stacks/web/compose.yaml": WEB["stacks/web/compose.yaml"].replace("TZ: UTC", "TZ: Europe/Berlin")},
        {"web": Action.RECREATE},
        {"environment": ("compose.yaml", 3)},
        [],
    ),
    (
        {"stacks/web/part/db.env": "POSTGRES_DB=other\n"},
        {"db": Action.RECREATE},
        {"env_file": ("part/compose.yaml", 4)},
        [],
    ),
    (
        {"stacks/web/app/main.c": "long main;\n"},
        {"made": Action.REBUILD},
        {"build_content": ("compose.yaml", 13)},
        [],
    ),
    ({"stacks/web/app/README.md": "more\n"}, {}, {}, ["stacks/web/app/README.md"]),
    (
        {"stacks/web/app/.dockerignore": "*.txt\n"},  # README.md comes in, and the file itself differs
        {"made": Action.REBUILD},
        {"build_content": ("compose.yaml", 13)},
        [],
    ),
    (
        {"stacks/web/compose.yaml": "# a comment\n" + WEB["stacks/web/compose.yaml"]},
        {},
        {},
        ["stacks/web/compose.yaml"],
    ),
    ({"stacks/idle/compose.yaml": None}, {"idle": Action.REMOVE}, {}, []),
    (
        {"stacks/more/compose.yaml": "services: {more: {image: more}}\n", "stacks/more/x": "x"},
        {"more": Action.CREATE},
        {},
        ["stacks/more/x"],
    ),
]


def test_each_change_with_its_services_lines_and_files(world: RenderWorld) -> None:
    files: dict[str, str | None] = dict(WEB)
    first = world.push(files, links=LINKS)
    for change, expected, lines, without in CHANGES:
        new = world.push(change)
        made = plan(world, first, new)
        assert touched(made) == expected, change
        found = {r.code: line(r) for s in services(made).values() for r in s.reasons}
        assert lines.items() <= found.items(), change
        assert made.files_changed == tuple(sorted(change))
        assert list(made.files_without_effect) == without, change
        world.push({path: WEB.get(path) for path in change})
    assert services(plan(world, None, first))["web"].image == services(plan(world, first, first))["web"].image
    kinds = {name: s.image.kind for name, s in services(plan(world, None, first)).items() if s.image}
    assert kinds == {
        "web": ImageKind.MOVING,
        "db": ImageKind.VERSION,
        "made": ImageKind.BUILT,
        "idle": ImageKind.VERSION,
    }


def test_what_did_not_change_runs_no_compose_at_all(world: RenderWorld) -> None:
    files: dict[str, str | None] = dict(WEB)
    first = world.push(files, links=LINKS)
    plan(world, None, first)
    world.restarted()
    changed = world.push({"README.md": "x\n", "stacks/web/conf/a.conf": "x\n"})
    assert touched(plan(world, first, changed)) == {"web": Action.RESTART}
    assert world.renderer.processes == 0
    one = world.push({"stacks/idle/compose.yaml": "services: {idle: {image: 'idle:2.0'}}\n"})
    nodes = [Node(name=NodeName(name)) for name in "ABC"]
    assert touched(plan(world, changed, one, *nodes), 2) == {"idle": Action.RECREATE}
    assert world.renderer.processes == 1


def test_nodes_differ_in_files_profiles_stacks_and_overlays(world: RenderWorld) -> None:
    overlay = {"overlays/web.yml": "services: {web: {volumes: ['../../../overlays/conf:/overlay']}}\n"}
    files: dict[str, str | None] = dict(WEB)
    first = world.push(files, links=LINKS, overlay=overlay | {"overlays/conf": "1\n"})
    second = world.push({"stacks/web/conf/a.conf": "b\n"}, overlay={"overlays/conf": "2\n"})
    both: dict[StackName, tuple[str, ...]] = {StackName("web"): ("compose.yaml", "../../../overlays/web.yml")}
    made = plan(
        world,
        first,
        second,
        Node(name=NodeName("A"), stacks=(StackName("idle"),)),
        Node(name=NodeName("B"), files=both),
        Node(name=NodeName("C")),
    )
    assert touched(made, 0) == {}
    assert [reason.text.split(",")[0] for reason in services(made, 1)["web"].reasons] == [
        "server/stacks/web/conf/a.conf changed",
        "overlays/conf changed",
    ]
    assert len(services(made, 2)["web"].reasons) == 1


def test_an_overlay_that_came_with_the_change_is_no_reason_to_make_all_anew(world: RenderWorld) -> None:
    files: dict[str, str | None] = dict(WEB)
    first = world.push(files, links=LINKS)
    second = world.push({"stacks/idle/linux.yaml": "services: {idle: {hostname: h}}\n"})
    node = Node(name=NodeName("A"), files={StackName("idle"): ("compose.yaml", "linux.yaml")})
    made = plan(world, first, second, node)
    assert {name: [r.code for r in services(made)[name].reasons] for name in touched(made)} == {"idle": ["setting"]}


def test_a_changed_fleet_file_counts_as_the_old_commit_had_it(world: RenderWorld) -> None:
    def fleet_file(level: str, more: str = "") -> dict[str, str | None]:
        return {FLEET_FILE: f"version: 1\nnodes:\n  A:\n    variables: {{LEVEL: {level}}}\n{more}"}

    stack = "services:\n  web: {image: 'web:1.0', environment: ['LEVEL=${LEVEL}']}\n  idle: {image: 'web:1.0'}\n"
    first = world.push({"stacks/s/compose.yaml": stack, "stacks/t/compose.yaml": stack}, overlay=fleet_file("info"))
    second = world.push({}, overlay=fleet_file("debug", "    stacks: [s]\n"))
    node = Node(name=NodeName("A"), variables={"LEVEL": "debug"}, stacks=(StackName("s"),))
    made = plan(world, first, second, node)
    told = {(stack.stack, s.service): s.action for stack in made.nodes[0].stacks for s in stack.services}
    assert told == {
        ("s", "web"): Action.RECREATE,
        ("s", "idle"): Action.NONE,
        ("t", "web"): Action.REMOVE,
        ("t", "idle"): Action.REMOVE,
    }
    broken = world.push({}, overlay={FLEET_FILE: "nodes: 1\n"})
    assert touched(plan(world, broken, second, node)) == {}


def test_a_windows_node_s_plan_is_written_as_windows_sees_it(world: RenderWorld) -> None:
    text = """
services:
  web:
    image: web:1.0
    hostname: one
    volumes:
      - ./conf:/conf
      - 'C:\\data:/data'
      - c:/logs:/logs
      - ${AIOS_WIN_PATH}/server/stacks/win/own:/own
"""
    first = world.push({"stacks/win/compose.yaml": text, "stacks/win/conf/a": "1\n", "stacks/win/own/a": "1\n"})
    node = Node(
        name=NodeName("HP_LAB"),
        platform=Platform.WINDOWS,
        root="C:\\aios-supercell",
        variables={"AIOS_WIN_PATH": "C:\\aios-supercell"},
    )
    made = plan(world, None, first, node)
    lines = [json.loads(one.strip().lstrip("+ ").rstrip(",").removeprefix('"source": ')) for one in _sources(made)]
    assert lines == [
        "C:\\aios-supercell\\server\\stacks\\win\\conf",
        "C:\\data",
        "c:/logs",
        "C:\\aios-supercell/server/stacks/win/own",
    ]
    second = world.push({"stacks/win/own/a": "2\n"})
    reason = services(plan(world, first, second, node))["web"].reasons[0]
    assert reason.text == "server/stacks/win/own/a changed, mounted at /own"
    assert not plan(world, first, second, node).nodes[0].stacks[0].missing_variables
    bare = plan(world, first, second, Node(name=NodeName("HP_LAB"), platform=Platform.WINDOWS))
    assert bare.nodes[0].stacks[0].missing_variables == ("AIOS_WIN_PATH",)


def _sources(made: Plan) -> list[str]:
    return [one for one in services(made)["web"].diff.splitlines() if '"source"' in one]


def test_the_id_is_made_of_base_both_pins_and_what_was_rendered(world: RenderWorld) -> None:
    files: dict[str, str | None] = dict(WEB)
    first = world.push(files, links=LINKS)
    second = world.push({"README.md": "x\n"})
    third = world.push({"README.md": "y\n"})
    same = plan(world, first, second)
    assert plan(world, first, second) == same

    def mixed(base: Snapshot, pin: Snapshot) -> Snapshot:
        return Snapshot(
            fleet=base.fleet, commit=base.commit, submodule=base.submodule, upstream=pin.upstream, pin=pin.pin
        )

    others: list[Any] = [
        plan(world, first, mixed(third, second)),  # another base
        plan(world, first, mixed(second, third)),  # another new pin
        plan(world, second, second),  # another old pin
        plan(world, first, second, Node(name=NodeName("any node"), variables={"X": "1"}, profiles=("p",))),
    ]
    assert len({same.id, *(other.id for other in others)}) == 5


def test_the_command_tells_stack_service_action_and_reasons_as_json(world: RenderWorld, tmp_path: Path) -> None:
    files: dict[str, str | None] = dict(WEB)
    old = world.push(files, links=LINKS)
    new = world.push({"stacks/web/conf/a.conf": "b\n"})
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", str(world.fleet), str(checkout))
    (checkout / "server").rmdir()
    git(tmp_path, "clone", "--quiet", str(world.upstream), str(checkout / "server"))
    words = ["plan", "--repo", str(checkout), "--from", old.pin, "--to", new.pin, "--format", "json"]
    done = CliRunner().invoke(aios_bot, words, catch_exceptions=False)
    told = json.loads(done.stdout)
    (stack,) = (stack for stack in told["nodes"][0]["stacks"] if stack["stack"] == "web")
    found = {
        one["service"]: (one["action"], [reason["code"] for reason in one["reasons"]]) for one in stack["services"]
    }
    assert found == {"web": ("restart", ["bind_content"]), "made": ("none", []), "db": ("none", [])}


def test_nodes_with_equal_stacks_have_one_value_of_them(world: RenderWorld) -> None:
    first = world.push(dict(WEB), links=LINKS)
    new = world.push({"stacks/web/conf/a.conf": "b\n"})
    made = plan(world, first, new, *(Node(name=NodeName(f"n{number}")) for number in range(20)))
    assert len(made.nodes) == 20
    assert made.nodes[0].stacks
    assert len({id(stack) for node in made.nodes for stack in node.stacks}) == len(made.nodes[0].stacks)


def test_stacks_that_change_their_projects_with_each_other_are_the_same_ones_to_compose(world: RenderWorld) -> None:
    def files(*names: str) -> dict[str, str | None]:
        return {
            f"stacks/{at}/compose.yaml": f"name: {name}\n{SERVICE}" for at, name in zip("abc", names, strict=True)
        }

    old, node = world.push(files("p", "q", "r")), Node(name=NodeName("N"))
    for names in (("q", "p", "r"), ("q", "r", "p")):
        stacks = plan(world, old, world.push(files(*names)), node).nodes[0].stacks
        assert [stack.project for stack in stacks] == [*names]
        assert {service.action for stack in stacks for service in stack.services} == {Action.NONE}
    (stack, *others) = plan(world, old, world.push(files("q", "s", "r")), node).nodes[0].stacks
    assert [(stack.project, stack.services[0].action)] == [("p", Action.REMOVE)]
    assert [one.project for one in others] == ["q", "q", "s", "r"]
