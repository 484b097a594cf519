"""The editor of fleet files: the one entry changes, every other byte stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.fleetfile import parse_fleet
from bot.fleetfile.edit import EditError, Plain, remove_entry, set_entry
from bot.fleetfile.problems import YamlFileError

EXAMPLE = (Path(__file__).parents[3] / "docs/examples/aios-bot.yml").read_text()
NODE: Plain = {"platform": "windows", "root": r"C:\aios-supercell"}
LINES = "  NEW:\n    platform: windows\n    root: C:\\aios-supercell\n"


def load(text: str) -> object:
    return YAML(typ="safe", pure=True).load(text)


def test_a_node_joins_the_documented_example_and_leaves_it() -> None:
    made = set_entry(EXAMPLE, ("nodes", "NEW"), NODE)
    assert made == EXAMPLE + LINES
    assert [node.name for node in parse_fleet(made).nodes] == ["HP_LAB", "AIOS", "NEW"]
    assert remove_entry(made, ("nodes", "NEW")) == EXAMPLE


SET = [
    ("", "nodes:\n" + LINES),
    ("# only words", "# only words\nnodes:\n" + LINES),
    ("version: 1\n", "version: 1\nnodes:\n" + LINES),
    ("version: 1", "version: 1\nnodes:\n" + LINES),
    ("---\nversion: 1\n...\n", "---\nversion: 1\nnodes:\n" + LINES + "...\n"),
    ("nodes:\n", "nodes:\n" + LINES),
    ("nodes: # the machines\n# end\n", "nodes: # the machines\n" + LINES + "# end\n"),
    ("nodes: {}  # none yet\nversion: 1\n", "nodes:  # none yet\n" + LINES + "version: 1\n"),
    ("nodes: ~\n", "nodes:\n" + LINES),
    ("nodes:\n  A:\n    root: /a   # here\n", "nodes:\n  A:\n    root: /a   # here\n" + LINES),
    ("nodes:\n  A:\n# end\nversion: 1\n", "nodes:\n  A:\n" + LINES + "# end\nversion: 1\n"),
    (
        "nodes:\n  A:\n    root: /a\n    # stacks: [x]\n  # B:\n  #   root: /b\n\nversion: 1\n",
        "nodes:\n  A:\n    root: /a\n    # stacks: [x]\n" + LINES + "  # B:\n  #   root: /b\n\nversion: 1\n",
    ),
    (
        "nodes:\n  A: {}\n\n  B:\n    labels:\n    - x\n    - y\n\nversion: 1\n",
        "nodes:\n  A: {}\n\n  B:\n    labels:\n    - x\n    - y\n\n" + LINES + "\nversion: 1\n",
    ),
    (
        "nodes: {A: {root: /a}}\n",
        "nodes: {A: {root: /a}, NEW: {platform: windows, root: 'C:\\aios-supercell'}}\n",
    ),
    ("base: &b {root: /a}\nnodes:\n  A: *b\n", "base: &b {root: /a}\nnodes:\n  A: *b\n" + LINES),
    ("nodes:\n\n  A: {}\n", "nodes:\n\n  A: {}\n" + LINES),
    (
        "nodes:\n  A:\n    x:\n    - a: 1\n      b: 2\n# end\nz: 1\n",
        "nodes:\n  A:\n    x:\n    - a: 1\n      b: 2\n" + LINES + "# end\nz: 1\n",
    ),
    (
        "nodes:\n  A:\n    x:\n    - - a\n      - b: 1\n        c: 2\n# end\n",
        "nodes:\n  A:\n    x:\n    - - a\n      - b: 1\n        c: 2\n" + LINES + "# end\n",
    ),
    ("nodes:\r\n  A: {}\r\n", "nodes:\r\n  A: {}\r\n" + LINES.replace("\n", "\r\n")),
    ("\ufeffnodes:\n  A: {}\n", "\ufeffnodes:\n  A: {}\n" + LINES),
    ("nodes:\n    A:\n        root: /a\n", "nodes:\n    A:\n        root: /a\n" + LINES.replace("  NEW", "    NEW")),
]


@pytest.mark.parametrize(("text", "made"), SET)
def test_a_node_is_added_where_a_person_would(text: str, made: str) -> None:
    found = set_entry(text, ("nodes", "NEW"), NODE)
    if "    NEW" in made:  # deeper by what the file itself uses
        assert load(found) == {"nodes": {"A": {"root": "/a"}, "NEW": NODE}}
        assert found.startswith(text)
    else:
        assert load(found) == load(made)
        assert found.replace("'C:\\aios-supercell'", "C:\\aios-supercell") == made.replace(
            "'C:\\aios-supercell'", "C:\\aios-supercell"
        )
    assert set_entry(found, ("nodes", "NEW"), NODE) == found


REPLACED = [
    ("nodes:\n  A: # mine\n    root: /a # here\n", "/b", "nodes:\n  A: # mine\n    root: /b # here\n"),
    ("nodes:\n  A:\n    root: >\n      /a\n\nx: 1\n", "/b", "nodes:\n  A:\n    root: /b\n\nx: 1\n"),
    ("nodes: {A: {root: /a, stacks: [x]}}\n", "/b", "nodes: {A: {root: /b, stacks: [x]}}\n"),
    ("nodes:\n  A:\n    root:\n    stacks: [x]\n", ["a", "b"], "nodes:\n  A:\n    root: [a, b]\n    stacks: [x]\n"),
    ("nodes:\n  A:\n    root:\n    - a\n    - b\nx: 1\n", ["c"], "nodes:\n  A:\n    root: [c]\nx: 1\n"),
    ("nodes:\n  A:\n    root:\n    - a\nx: 1\n", {"b": 1}, "nodes:\n  A:\n    root:\n      b: 1\nx: 1\n"),
    (
        "nodes:\n  A:\n    root:\n      c: 2\n  B: {}\n",
        {"b": {"d": 1}},
        "nodes:\n  A:\n    root:\n      b:\n        d: 1\n  B: {}\n",
    ),
    ("nodes:\n  A:\n    root: /a # here\n", {"b": 1}, "nodes:\n  A:\n    root: # here\n      b: 1\n"),
    ("nodes:\n  A:\n    root: /a\n", {"b": 1}, "nodes:\n  A:\n    root:\n      b: 1\n"),
]


@pytest.mark.parametrize(("text", "value", "made"), REPLACED)
def test_a_value_is_replaced_in_place(text: str, value: Plain, made: str) -> None:
    assert set_entry(text, ("nodes", "A", "root"), value) == made


REMOVED = [
    ("nodes:\n  NEW:\n    root: /a\nx: 1\n", "nodes: {}\nx: 1\n"),
    ("nodes: # the machines\n  NEW: {}\n  # end\n", "nodes: {} # the machines\n  # end\n"),
    ("nodes:\n  # first\n  NEW:\n    root: /a # r\n    # inner\n  B: {}\n", "nodes:\n  # first\n  B: {}\n"),
    ("nodes:\n  A: {}\n\n  NEW: {}\n\n  B: {}\n", "nodes:\n  A: {}\n\n  B: {}\n"),
    ("nodes: {A: {}, NEW: {root: /a}, B: {}}\n", "nodes: {A: {}, B: {}}\n"),
    ("nodes: {A: {}, NEW: {root: /a}}\n", "nodes: {A: {}}\n"),
    ("nodes: {NEW: {root: /a}}\n", "nodes: {}\n"),
    ("nodes:\n  A: {}\n", "nodes:\n  A: {}\n"),
    ("version: 1\n", "version: 1\n"),
]


@pytest.mark.parametrize(("text", "made"), REMOVED)
def test_a_node_is_removed(text: str, made: str) -> None:
    assert remove_entry(text, ("nodes", "NEW")) == made


@pytest.mark.parametrize(
    "text",
    [
        "nodes:\n  A:\n    stacks:\n    -\n",
        "nodes: [A]\n",
        "{}\n",
    ],
)
def test_what_cannot_be_edited_safely_is_left_to_a_person(text: str) -> None:
    with pytest.raises(EditError, match=r"by hand|something else"):
        set_entry(text, ("nodes", "NEW"), NODE)


def test_an_entry_is_removed_at_any_depth() -> None:
    text = "version: 1\nnodes:\n  A:\n    root: /a\n    labels: [x]\n"
    assert remove_entry(text, ("version",)) == text.removeprefix("version: 1\n")
    assert remove_entry(text, ("nodes", "A", "root")) == text.replace("    root: /a\n", "")
    assert remove_entry(text, ("nodes", "A", "labels")) == text.replace("    labels: [x]\n", "")


@pytest.mark.parametrize("path", [("nodes", "A"), ("nodes", "A", "root")])
def test_what_a_merge_brought_in_is_removed_by_hand(path: tuple[str, ...]) -> None:
    with pytest.raises(EditError, match=f"by hand: remove {'.'.join(path)}$"):
        remove_entry("base: &b {nodes: {A: {root: /a}}}\n<<: *b\n", path)


def test_a_person_is_told_what_to_write_or_remove() -> None:
    with pytest.raises(EditError) as caught:
        set_entry("nodes:\n  A:\n    stacks:\n    -\n", ("nodes", "NEW"), {"root": "/a", "labels": ["x", "y"]})
    assert str(caught.value) == (
        ".github/aios-bot.yml is laid out in a way that cannot be edited automatically; by hand: "
        "write\nnodes:\n  NEW:\n    root: /a\n    labels: [x, y]\n"
    )
    with pytest.raises(EditError) as caught:
        remove_entry("base: &b {A: {}}\nnodes: *b\n", ("nodes", "A"), file="x.yml")
    assert str(caught.value) == (
        "x.yml is laid out in a way that cannot be edited automatically; by hand: remove nodes.A"
    )
    with pytest.raises(EditError) as caught:
        set_entry("nodes: [A]\n", ("nodes", "NEW"), NODE)
    assert str(caught.value) == ("NEW cannot be written into something else than a mapping; change the file by hand")


def test_an_unusable_file_is_told_with_its_line() -> None:
    with pytest.raises(YamlFileError, match=r"aios-bot\.yml:2: not valid YAML"):
        set_entry("nodes:\n\t- x", ("nodes", "NEW"), NODE)


_names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,9}\Z")
_comments = st.sampled_from(["", "", "  # n: o", " #"])


@st.composite
def fleet_files(draw: st.DrawFn) -> str:
    """A file with nodes as people lay them out."""
    lines = ["version: 1" + draw(_comments), "nodes:" + draw(_comments)]
    blank = draw(st.booleans())
    for name in draw(st.lists(_names, min_size=1, max_size=4, unique_by=str.lower)):
        if blank and len(lines) > 2:
            lines.append("")
        shape = draw(st.integers(0, 3))
        if shape == 0:
            lines.append(f'  "{name}": {{root: /a}}' + draw(_comments))
        else:
            lines.append(f"  'x{name}':" + draw(_comments))
            lines += ["    root: '/a b'" + draw(_comments), "    stacks:", "    - a", "    # - b"][: shape + 1]
    if draw(st.booleans()):
        lines += ["", "# the end", "labels: [a, b]"]
    return draw(st.sampled_from(["\n", "\r\n"])).join([*lines, ""])


@given(fleet_files(), _names)
def test_what_is_added_can_be_removed_byte_for_byte(text: str, name: str) -> None:
    new = f"new{name}"
    made = set_entry(text, ("nodes", new), NODE)
    before, after = load(text), load(made)
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert list(after["nodes"].items()) == [*before["nodes"].items(), (new, NODE)]
    assert remove_entry(made, ("nodes", new)) == text


def test_a_list_counts_by_its_items() -> None:
    assert set_entry("bases: [main, old]\n", ("bases",), ["main", "new"]) == "bases: [main, new]\n"
    assert set_entry("bases: [main, old]\n", ("bases",), ["main", "old"]) == "bases: [main, old]\n"


def test_what_a_person_has_to_write_names_each_step_of_the_way() -> None:
    with pytest.raises(EditError) as found:
        set_entry("nodes: &all\n  A: {}\nother: *all\n", ("nodes", "B", "variables", "X"), "1")
    assert "nodes:\n  B:\n    variables:\n      X: '1'" in str(found.value)
