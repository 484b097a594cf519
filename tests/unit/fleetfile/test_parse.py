"""The fleet file: what it says, and what a person is told when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.fleetfile import (
    Deploy,
    Fleet,
    Platform,
    parse_fleet,
    waves_of,
)
from bot.fleetfile.problems import YamlFileError

EXAMPLE = Path(__file__).parents[3] / "docs/examples/aios-bot.yml"


def test_the_documented_example_parses() -> None:
    fleet = parse_fleet(EXAMPLE.read_text())
    assert [node.name for node in fleet.nodes] == ["HP_LAB", "AIOS"]
    assert fleet.nodes[0].platform is Platform.WINDOWS
    assert fleet.nodes[0].root == r"C:\aios-supercell"
    assert fleet.nodes[0].runner_labels == ("self-hosted", "HP_LAB")
    assert fleet.nodes[1].files == {"ingress": ("docker-compose.yml", "docker-compose.linux.yml")}
    assert fleet.submodules[0].order == ("ingress", "observability", "secrets")


def test_an_empty_file_is_all_defaults() -> None:
    assert parse_fleet("") == Fleet()
    assert parse_fleet("# only a comment\n") == Fleet()


WRONG = [
    ("[]", 1, "must be a mapping"),
    ("just text", 1, "must be a mapping"),
    ("nodes: [", 1, "not valid YAML"),
    ("nodes:\n\t- x", 2, "not valid YAML"),
    ("a: 1\na: 2", 2, "duplicate key"),
    ("&a [*a]", 1, "must be a mapping"),
    ("x" * 300_000, 1, "larger than"),
    ("risks:\n  exposure.port: off", 2, "did you mean `exposure.port_"),
    ("risks: {image.unpinned: loud}", 1, "must be one of off, info, notice, risky"),
    ("version: 2", 1, "version must be 1"),
    ("version: true", 1, "version must be 1"),
    ("version: '1'", 1, "version must be 1"),
    ("nods: {}", 1, "did you mean `nodes`?"),
    ("zebra: {}", 1, "known here: bases"),
    ("1: x", 1, "put it in quotes"),
    ("bases: main", 1, "must be a list such as `[main]`, not text"),
    ("bases: [main, main]", 1, "is listed twice"),
    ("bases:\n  - main\n  - 1.0", 3, "the number 1.0 (put it in quotes"),
    ("bases: [a..b]", 1, "not usable"),
    ("bases: ['-', 'x.lock']", 1, "not usable"),
    ("bases: ['a b']", 1, "not usable"),
    ("labels: {a: b}", 1, "must be a list"),
    ("labels: ['a,b']", 1, "not usable"),
    ("deploy: ci.yml", 1, "deploy must be a mapping"),
    ("deploy: {workflow: ../x.yml}", 1, "deploy.workflow"),
    ("deploy: {workflow: deploy.sh}", 1, "deploy.workflow"),
    ("deploy: {workfow: deploy.yml}", 1, "did you mean `workflow`?"),
    ("deploy: {soak: 10}", 1, "deploy.soak must be text such as `10m`"),
    ("deploy: {soak: 10 minutes}", 1, "deploy.soak"),
    ("deploy: {waves: A}", 1, "list of lists"),
    ("deploy: {waves: [A]}\nnodes: {A: }", 1, "wave 1 must be a list of at least one node"),
    ("deploy: {waves: [[]]}", 1, "wave 1 must be a list of at least one node"),
    ("deploy:\n  waves: [[A], [B]]\nnodes: {A: }", 2, "is not a node in this file"),
    ("deploy:\n  waves: [[A], [A]]\nnodes: {A: }", 2, "a node is in one wave"),
    ("drift: {every: never}", 1, "drift.every"),
    ("submodules: [server]", 1, "submodules must be a mapping"),
    ("submodules:\n  /server: {}", 2, "submodules: the path"),
    ("submodules:\n  ../server: {}", 2, "submodules: the path"),
    ("submodules:\n  server: {stacks: /stacks/*}", 2, "submodules.server.stacks"),
    ("submodules:\n  server:\n    stacks: ../*", 3, "submodules.server.stacks"),
    ("submodules:\n  server:\n    branch: true", 3, "truth value `true`"),
    ("submodules:\n  server:\n    branch: 1", 3, "the number 1"),
    ("submodules:\n  server:\n    wait_for_checks: maybe", 3, "must be `true` or `false`"),
    ("submodules:\n  server:\n    ordr: []", 3, "did you mean `order`?"),
    ("submodules:\n  server:\n    order: ingress", 3, "must be a list"),
    ("nodes: [HP_LAB]", 1, "nodes must be a mapping"),
    ("nodes:\n  1: {}", 2, "put it in quotes"),
    ("nodes:\n  'a b': {}", 2, "nodes: the name"),
    ("nodes:\n  HP: linux", 2, "nodes.HP must be a mapping"),
    ("nodes:\n  HP: {}\n  hp: {}", 3, "differ only in case"),
    ("nodes:\n  HP:\n    platform: mac", 3, "one of linux, windows, android"),
    ("nodes:\n  HP:\n    plattform: linux", 3, "did you mean `platform`?"),
    ("nodes:\n  HP:\n    root: aios", 3, "nodes.HP.root"),
    ("nodes:\n  HP:\n    platform: windows\n    root: aios", 4, r"C:\aios-supercell"),
    ("nodes:\n  HP:\n    labels: self-hosted", 3, "must be a list"),
    ("nodes:\n  HP:\n    stacks: ingress", 3, "must be a list"),
    ("nodes:\n  HP:\n    stacks: [a/b]", 3, "not usable"),
    ("nodes:\n  HP:\n    files: [x]", 3, "nodes.HP.files must be a mapping"),
    ("nodes:\n  HP:\n    files:\n      ingress: docker-compose.yml", 4, "must be a list"),
    ("nodes:\n  HP:\n    files:\n      ingress: []", 4, "at least one, such as `docker-compose.yml`"),
    ("nodes:\n  HP:\n    files:\n      ingress: [/etc/passwd]", 4, "not usable"),
    ("nodes:\n  HP:\n    profiles: gpu", 3, "must be a list"),
    ("nodes:\n  HP:\n    variables: [A]", 3, "nodes.HP.variables must be a mapping"),
    ("nodes:\n  HP:\n    variables:\n      A-B: x", 4, "the variable name must be"),
    ("nodes:\n  HP:\n    variables:\n      A: true", 4, "put it in quotes"),
    ("nodes:\n  HP:\n    variables:\n      A:\n        - x", 4, "must be text, not a list"),
    ("nodes:\n  HP:\n    variables:\n      COMPOSE_FILE: x.yml", 4, "name compose files in `files`"),
    ("nodes:\n  HP:\n    variables:\n      DOCKER_HOST: tcp://x", 4, "the engine on the node itself"),
    ("nodes:\n  HP:\n    variables:\n      1: x", 4, "put it in quotes"),
    ("nodes:\n  HP:\n    stacks: [a]\n    files:\n      b: [x.yml]", 5, "add `b` to its stacks, or remove the line"),
    ("nodes:\n  HP:\n    stacks: [a, a]", 3, "remove one"),
    ("nodes:\n  HP:\n    stacks: [1]", 3, "put it in quotes"),
    ("nodes:\n  HP:\n    platform: [linux]", 3, "one of linux, windows, android"),
    ("nodes:\n  HP:\n    platform:", 3, "one of linux, windows, android"),
    ("nodes:\n  HP:\n    root: 5", 3, "must be text such as `/srv/aios`, not the number 5"),
    ("nodes:\n  HP:\n    root:", 3, "must be text such as `/srv/aios`, not an empty value"),
    ("nodes:\n  HP:\n    root: ['/srv']", 3, "not a list"),
    ("nodes:\n  HP:\n    labels: ['a,b']", 3, "write something like `self-hosted`"),
    ("nodes:\n  HP:\n    files:\n      a/b: [x.yml]", 4, "nodes.HP.files"),
    ("nodes:\n  HP:\n    files:\n      ingress: [1]", 4, "nodes.HP.files.ingress, item 1"),
    ("nodes:\n  HP:\n    profiles: ['a b']", 3, "write something like `gpu`"),
    ("nodes:\n  HP:\n    varables: {}", 3, "did you mean `variables`?"),
    ("nodes:\n  HP:\n    bootstrap: scripts/x.sh", 3, "must be a list"),
    ("nodes:\n  HP:\n    bootstrap: [../x.sh]", 3, "write something like `scripts/bootstrap.sh`"),
    ("nodes:\n  HP:\n    who: [everyone]", 3, "write something like `maintain`"),
    ("nodes: true", 1, "must be a mapping (`name: value` lines), not the truth value `true`"),
    ("nodes: 3", 1, "not the number 3"),
    ("nodes: text", 1, "not text"),
    (f"nodes:\n  {'x' * 64}: {{}}", 2, "write something like `HP_LAB`"),
    ("submodules: server", 1, "submodules must be a mapping"),
    ("submodules:\n  server: main", 2, "submodules.server must be a mapping"),
    ("submodules:\n  server/: {}", 2, "write something like `server`"),
    ("submodules:\n  'a:b': {}", 2, "submodules: the path"),
    ("submodules:\n  server:\n    branch: refs heads", 3, "write something like `main`"),
    ("submodules:\n  server:\n    branch: ''", 3, "write something like `main`"),
    ("submodules:\n  server:\n    stacks: []", 3, "must be text such as `stacks/*`, not a list"),
    ("submodules:\n  server:\n    order: [ingress, ingress]", 3, "is listed twice; remove one"),
    ("submodules:\n  server:\n    wait_for_checks: 1", 3, "must be `true` or `false`, not the number 1"),
    ("hub: AIOS", 1, "write something like `tecnocrat/AIOS`"),
    ("hub: https://github.com/tecnocrat/AIOS", 1, "write something like `tecnocrat/AIOS`"),
    ("hub: [tecnocrat/AIOS]", 1, "not a list"),
    ("bases: {main: x}", 1, "must be a list such as `[main]`, not a mapping"),
    ("labels:\n  - ok\n  - ''", 3, "write something like `dependencies`"),
    ("deploy:\n  workflow: true", 2, "put it in quotes"),
    ("deploy:\n  offline_after: soon", 2, "deploy.offline_after"),
    ("locks: {hours: 0}", 1, "a whole number from 1 to 720 such as `24`"),
    ("locks: {hours: day}", 1, "a whole number from 1 to 720"),
    ("locks: {hour: 2}", 1, "did you mean `hours`?"),
    ("commands: {prefix: aios}", 1, "write something like `/aios`"),
    ("commands: {who: {deploy: write}}", 1, "must be a list"),
    ("commands: {who: {explode: [write]}}", 1, "commands.who"),
    ("commands: {break_glass: [root]}", 1, "write something like `admin`"),
    ("review: {required: server/**}", 1, "must be a list"),
    ("review: {auto_merge: sometimes}", 1, "must be `true` or `false`, not text"),
    ("review: {optional: [/etc/**]}", 1, "write something like `notes/**`"),
    ("version: [1]", 1, "version must be 1"),
    ("version:", 1, "version must be 1"),
    ("<<: {nods: {}}", 1, "did you mean `nodes`?"),
    ("'': x", 1, "known here"),
    ("bases: [*nowhere]", 1, "not valid YAML"),
    ("--- \nversion: 1\n--- \nversion: 1", 3, "not valid YAML"),
]


@pytest.mark.parametrize(("text", "line", "says"), WRONG)
def test_a_wrong_file_is_told_with_line_and_cure(text: str, line: int, says: str) -> None:
    with pytest.raises(YamlFileError) as caught:
        parse_fleet(text)
    problem = caught.value.problems[0]
    assert problem.line == line
    assert any(part in problem.message for part in says.split("|")), problem.message
    assert str(caught.value).startswith(f".github/aios-bot.yml:{line}: ")


def test_there_are_many_and_each_message_names_a_cure() -> None:
    assert len(WRONG) >= 80
    assert len({text for text, _, _ in WRONG}) == len(WRONG)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(YamlFileError) as caught:
        parse_fleet("version: 9\nnods: {}\nlabels: x\n")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3]


def test_a_bomb_of_aliases_is_no_danger() -> None:
    bomb = "a: &a [x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    with pytest.raises(YamlFileError):
        parse_fleet(bomb)


def test_a_node_that_no_wave_names_comes_last() -> None:
    fleet = parse_fleet("deploy: {waves: [[B], [A]], soak: 10m}\nnodes: {A: , B: , C: , D: }")
    assert waves_of(fleet.deploy, fleet.nodes) == (("B",), ("A",), ("C", "D"))
    assert fleet.deploy.soak == 600
    assert waves_of(Deploy(), fleet.nodes) == (("A", "B", "C", "D"),)
    assert waves_of(Deploy(), ()) == ()
