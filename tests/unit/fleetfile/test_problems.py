"""What people are told about a wrong file: every problem at once, word by word."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.names import RepoName
from bot.fleetfile import (
    HUB_FILE,
    Fleet,
    Hub,
    Platform,
    parse_fleet,
    parse_hub,
)
from bot.fleetfile.problems import Problem, YamlFileError
from bot.fleetfile.yaml_lines import LARGEST_FILE

REPEATING = "its aliases (`*name`) repeat too much; write out what they stand for, or remove them"

GOLDEN = [
    part.partition("\n=> ")[::2] for part in (Path(__file__).parent / "problems.txt").read_text().split("----\n")
]
"""Files, each with all its problems as `=> LINE: MESSAGE`."""


@pytest.mark.parametrize(("text", "expected"), GOLDEN, ids=[text for text, _ in GOLDEN])
def test_every_problem_has_its_line_its_place_and_its_cure(text: str, expected: str) -> None:
    with pytest.raises(YamlFileError) as caught:
        parse_fleet(text, path="a.yml")
    found = [f"{line}: {message}" for line, message in caught.value.problems]
    assert found == expected.rstrip("\n").split("\n=> ")
    assert str(caught.value) == "\n".join(f"a.yml:{problem}" for problem in found)
    assert caught.value.path == "a.yml"


LOADING = [
    ("[]", 1, "the file must be a mapping, such as `version: 1` on its first line"),
    ("# x\n- a", 1, "the file must be a mapping, such as `version: 1` on its first line"),
    ("nodes: [", 1, "not valid YAML: expected the node content, but found '<stream end>'"),
    ("version: 1\nnodes:\n\t- x", 3, "not valid YAML: found character '\\t' that cannot start any token"),
    ("a: 1\na: 2", 2, 'not valid YAML: found duplicate key "a" with value "2" (original value: "1")'),
    ("bases: [*nowhere]", 1, "not valid YAML: found undefined alias 'nowhere'"),
    ("version: 1\n---\nversion: 1", 2, "not valid YAML: but found another document"),
    ("a: \x07", 1, "not valid YAML: unacceptable character #x0007: special characters are not allowed"),
    ("x" * (LARGEST_FILE + 1), 1, "the file is larger than 262144 characters; shorten it"),
    ("bases: &b [*b]", 1, "bases, item 1 must be text such as `main`, not an empty value"),
    (
        "nodes: &n {A: {hub: *n}}",
        1,
        (
            "nodes.A: unknown setting `hub`; known here: bootstrap, files, hooks, keep_edits, labels, platform, "
            "profiles, root, stacks, variables, watch, who"
        ),
    ),
]


@pytest.mark.parametrize(("text", "line", "message"), LOADING, ids=[message for *_, message in LOADING])
def test_what_cannot_be_loaded_is_one_problem(text: str, line: int, message: str) -> None:
    with pytest.raises(YamlFileError) as caught:
        parse_fleet(text)
    assert caught.value.problems == (Problem(line, message),)
    assert str(caught.value) == f".github/aios-bot.yml:{line}: {message}"


def test_nesting_without_end_is_no_danger() -> None:
    for depth in (100, 200, 400):
        with pytest.raises(YamlFileError):
            parse_fleet("version: 2\nx: " + "[" * depth + "]" * depth)


def test_the_largest_file() -> None:
    assert LARGEST_FILE == 256 * 1024
    assert parse_fleet("version: 1 #".ljust(LARGEST_FILE, "x")) == Fleet()


def repeated(rows: int) -> str:
    """A file of `rows` * 100 + 106 values, most of them by an alias. (One for each row's own list, too.)"""
    return f"a: &a [{', '.join(['x'] * 99)}]\nb: [{', '.join(['*a'] * rows)}]\n"


def test_aliases_may_stand_for_as_much_as_a_file_may_hold() -> None:
    with pytest.raises(YamlFileError, match="unknown setting"):
        parse_fleet(repeated(2620))  # 1 + 100 + 1 + 262,000
    with pytest.raises(YamlFileError) as caught:
        parse_fleet(repeated(2621))
    assert caught.value.problems == (Problem(1, REPEATING),)


def test_an_alias_is_read_where_it_is_used() -> None:
    a = "&a {platform: windows, keep_edits: &yes true}"
    fleet = parse_fleet(f"nodes:\n  A: {a}\n  B: *a\n  C:\n    <<: *a\n    keep_edits: *yes\n")
    assert [(node.name, node.platform, node.keep_edits) for node in fleet.nodes] == [
        (name, Platform.WINDOWS, True) for name in "ABC"
    ]


def test_a_hubs_file() -> None:
    assert parse_hub("") == Hub()
    assert parse_hub("fleets: [o/a, o/b]") == Hub(fleets=(RepoName("o/a"), RepoName("o/b")))
    with pytest.raises(YamlFileError) as caught:
        parse_hub("fleets:\n  - o\n  - o/a\n  - o/a\nflets: []\n1: x")
    assert [f"{line}: {message}" for line, message in caught.value.problems] == [
        (
            "2: fleets, item 1: 'o' is not usable, it must be `owner/name`, as GitHub spells it; "
            "write something like `tecnocrat/aios-win`"
        ),
        "4: fleets, item 3: `o/a` is listed twice; remove one",
        "5: the hub's file: unknown setting `flets`; did you mean `fleets`?",
        "6: the hub's file: the name 1 must be text; put it in quotes",
    ]
    assert caught.value.path == ".github/aios-hub.yml" == HUB_FILE


def test_waves_of_a_file_without_nodes_are_not_checked() -> None:
    assert parse_fleet("deploy: {waves: [[A], [A, B]]}").deploy.waves == (("A",), ("A", "B"))


def test_a_contradiction_is_found_beside_other_problems() -> None:
    with pytest.raises(YamlFileError) as caught:
        parse_fleet("deploy: {waves: [[B], 3]}\nnodes:\n  A: {stacks: [a], files: {b: 3}, variables: [x]}\n  5: x\n")
    assert [(line, message.split(";")[0]) for line, message in caught.value.problems] == [
        (1, "deploy.waves, wave 2 must be a list of at least one node, such as `[AIOS]`, not the number 3"),
        (1, "deploy.waves: `B` is not a node in this file"),
        (3, "nodes.A.files.b must be a list such as `[docker-compose.yml]`, not the number 3"),
        (3, "nodes.A.files: this node does not run `b`"),
        (3, "nodes.A.variables must be a mapping (`name: value` lines), not a list"),
        (4, "nodes: the name 5 must be text"),
    ]


@pytest.mark.parametrize("key", ["[key]", "properties", "items", "0"])
def test_a_name_that_means_something_to_a_schema_is_a_name(key: str) -> None:
    for text in (
        "nodes: {{'{}': 5}}",
        "nodes: {{A: {{variables: {{'{}': true}}}}}}",
        "{{'{}': 5}}",
        "risks: {{'{}': 5}}",
    ):
        with pytest.raises(YamlFileError):
            parse_fleet(text.format(key))


def test_long_texts_are_cut_in_messages() -> None:
    word = "x" * 100
    for text in ("{}: 1", "nodes: {{A: {{platform: {}}}}}", "risks: {{{}: off}}", "nodes: {{{}: }}", "hub: {}"):
        with pytest.raises(YamlFileError) as caught:
            parse_fleet(text.format(word))
        assert "x" * 60 in str(caught.value)
        assert "x" * 61 not in str(caught.value)
