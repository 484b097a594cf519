"""A plan is made by the rules of each node's own compose, and says where these are not known."""

from __future__ import annotations

from pathlib import Path

from bot.domain.names import NodeName, RepoName, SubmodulePath
from bot.fleetfile import Fleet, Node, Submodule
from bot.plan.model import NodePlan
from bot.planner.plans import read_plan
from bot.planner.renderer import Renderer
from tests.cases_world import composes
from tests.integration.planner.render_world import RenderWorld

WEB = "services: {{web: {{image: 'app:1', networks: [n]}}}}\nnetworks: {{n: {{name: {name}}}}}\n"
RECREATED = "network n is two instead of one"
VERSIONS = {"A": "2.40.3", "B": "5.6.1", "D": "99.0.0"}


def plan_by_node(folder: Path, fleet: RepoName | None) -> dict[str, NodePlan]:
    world = RenderWorld(folder)
    old, new = (world.push({"stacks/web/compose.yaml": WEB.format(name=name)}) for name in ("one", "two"))
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
            versions_of=lambda _: {NodeName(node): version for node, version in VERSIONS.items()},
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
