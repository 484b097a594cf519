"""A plan is made by the rules of each node's own compose, and says where these are not known."""

from __future__ import annotations

from pathlib import Path

from bot.domain.names import NodeName, RepoName, SubmodulePath
from bot.domain.versions import NodeVersions
from bot.fleetfile import Fleet, Node, Submodule
from bot.plan.model import NodePlan
from bot.planner.plans import read_plan
from bot.planner.renderer import Renderer
from tests.cases_world import composes
from tests.integration.planner.render_world import RenderWorld

CHECKED = "services: {{web: {{image: 'app:1', healthcheck: {{test: 'true', start_interval: {name}}}}}}}\n"
ENGINES = {"A": "Docker Engine 20.10.24", "B": "Docker Engine 25.0.0"}
WEB = "services: {{web: {{image: 'app:1', networks: [n]}}}}\nnetworks: {{n: {{name: {name}}}}}\n"
RECREATED = "network n is two instead of one"
VERSIONS = {"A": "2.40.3", "B": "5.6.1", "D": "99.0.0"}


def plan_by_node(
    folder: Path, fleet: RepoName | None, *, text: str = WEB, names: tuple[str, str] = ("one", "two")
) -> dict[str, NodePlan]:
    world = RenderWorld(folder)
    old, new = (world.push({"stacks/web/compose.yaml": text.format(name=name)}) for name in names)
    plan = read_plan(
        fleet=Fleet(nodes=tuple(Node(name=NodeName(name)) for name in "ABCD")),
        repo=fleet,
        submodule=Submodule(path=SubmodulePath("server")),
        upstream_name=None,
        old=old,
        new=new,
        renderer=Renderer(
            cache_root=folder / "cache",
            secret_key=b"k" * 32,
            program=composes()["5.6.1"],
            versions_of=lambda _: {
                NodeName(node): NodeVersions(version, ENGINES.get(node, "")) for node, version in VERSIONS.items()
            },
        ),
        commits=(),
        commits_total=0,
    )
    return {node.node: node for node in plan.nodes}


def text_of(node: NodePlan) -> str:
    return node.stacks[0].services[0].reasons[0].text


def test_each_node_is_planned_by_the_rules_of_its_version(tmp_path: Path) -> None:
    nodes = plan_by_node(tmp_path, RepoName("owner/fleet"))
    assert text_of(nodes["A"]) == RECREATED
    assert text_of(nodes["B"]).startswith(f"{RECREATED}, where compose alone")
    assert (nodes["A"].remarks, nodes["A"].warnings, nodes["B"].remarks, nodes["B"].warnings) == ((), (), (), ())
    assert text_of(nodes["C"]) == text_of(nodes["B"]), "the newest rules"
    assert "planned by the rules of Docker Compose 5.6.1" in nodes["C"].remarks[0]
    assert "Docker Compose 99.0.0 is newer than the 5.6.1" in nodes["D"].warnings[0]


def test_a_plan_of_a_person_is_for_the_compose_that_renders_it(tmp_path: Path) -> None:
    nodes = plan_by_node(tmp_path, None)
    assert {text_of(node) for node in nodes.values()} == {text_of(nodes["B"])}
    assert {node.remarks + node.warnings for node in nodes.values()} == {()}


def test_what_an_older_engine_lacks_is_said_before_the_merge(tmp_path: Path) -> None:
    nodes = plan_by_node(tmp_path, RepoName("owner/fleet"), text=CHECKED, names=("1s", "2s"))
    assert nodes["A"].warnings == (
        "Docker Engine 20.10.24 cannot run web/web with healthcheck.start_interval, which came with 25",
    )
    assert nodes["B"].warnings == (), "it has it"
    assert not [text for text in nodes["C"].warnings if "Engine" in text], "its engine is not known"
