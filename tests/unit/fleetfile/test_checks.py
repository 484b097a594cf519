"""Contradictions of a fleet file, each with its place; and where a value stands."""

from __future__ import annotations

import pytest
from ruamel.yaml.error import MarkedYAMLError

from bot.fleetfile import yaml_lines
from bot.fleetfile.checks import Finding, find_contradictions
from bot.fleetfile.problems import Problem, YamlFileError
from bot.fleetfile.yaml_lines import line_at, load_mapping

CURE = "name compose files in `files`, profiles in `profiles`, and the engine on the node itself"


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({}, []),
        ({"nodes": None, "deploy": None}, []),
        ({"nodes": {"A": None, "B": []}, "deploy": {"waves": None}}, []),
        (
            {"nodes": {"LAB": {}, "Pi": {}, "lab": {}, "LaB": {}}},
            [
                (("nodes", "lab"), "nodes: `lab` and `LAB` differ only in case; rename one"),
                (("nodes", "LaB"), "nodes: `LaB` and `LAB` differ only in case; rename one"),
            ],
        ),
        (
            # A number and a word that can be no node's are not repeated here: their own check names them.
            {"nodes": {"B": {}, "A": {}}, "deploy": {"waves": [[1, "C", "A"], "x", ["-", "A", "B", "D"]]}},
            [
                (("deploy", "waves", 0, 1), "deploy.waves: `C` is not a node in this file; known: A, B"),
                (("deploy", "waves", 2, 1), "deploy.waves: `A` is listed twice; a node is in one wave"),
                (("deploy", "waves", 2, 3), "deploy.waves: `D` is not a node in this file; known: A, B"),
            ],
        ),
        ({"deploy": {"waves": [["A"], ["A"]]}}, []),
        (
            {"nodes": {"A": {"stacks": ["a", "b"], "files": {"a": [], "c": [], "d": []}}}},
            [
                (
                    ("nodes", "A", "files", name),
                    f"nodes.A.files: this node does not run `{name}`; add `{name}` to its stacks, or remove the line",
                )
                for name in "cd"
            ],
        ),
        ({"nodes": {"A": {"files": {"a": []}}, "B": {"stacks": [], "files": {"a": []}}}}, []),
        (
            {
                "nodes": {
                    "A": {
                        "variables": {
                            "X": 1,
                            "compose_file": 1,
                            7: 1,
                            "DOCKER_HOST": 1,
                            "DOCKER_APP_TAG": 1,
                            "XDOCKER_HOST": 1,
                        }
                    }
                }
            },
            [
                (
                    ("nodes", "A", "variables", name),
                    f"nodes.A.variables.{name} would change what the tools do; {CURE}",
                )
                for name in ("compose_file", "DOCKER_HOST")
            ],
        ),
    ],
)
def test_contradictions(document: dict[str, object], found: list[Finding]) -> None:
    assert list(find_contradictions(document)) == found


def test_a_value_that_is_absent_stands_where_its_mapping_does() -> None:
    document = load_mapping("# mine\n\nnodes:\n  A:\n    labels: [a,\n      b]\n", path="x")
    places: dict[tuple[str | int, ...], int] = {
        (): 1,
        ("absent",): 1,
        ("absent", "A"): 1,
        ("nodes",): 3,
        ("nodes", "A"): 4,
        ("nodes", "B"): 3,
        ("nodes", "A", "labels"): 5,
        ("nodes", "A", "labels", 0): 5,
        ("nodes", "A", "labels", 1): 6,
        ("nodes", "A", "labels", "x"): 5,
        ("nodes", "A", "labels", 1, "x"): 6,
    }
    assert {place: line_at(document, place) for place in places} == places


def test_aliases_of_aliases_are_counted_once_each() -> None:
    """Written out, the last line would hold 2 ** 60 values."""
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    with pytest.raises(YamlFileError, match="repeat too much"):
        load_mapping("\n".join(lines), path="x.yml")


def test_a_problem_without_a_place_is_of_the_first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Yaml:
        def __init__(self, typ: str) -> None:
            assert typ == "rt"

        def load(self, _stream: object) -> None:
            raise MarkedYAMLError

    monkeypatch.setattr(yaml_lines, "YAML", Yaml)
    with pytest.raises(YamlFileError) as caught:
        load_mapping("a: 1", path="x.yml")
    assert caught.value.problems == (Problem(1, "not valid YAML: it cannot be read"),)
