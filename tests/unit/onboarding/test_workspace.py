"""JSON with comments, edited in place: nothing around an edit changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.onboarding.migrate.jsonc import Edit, JsonError, append_to_list, apply_edits, parse_jsonc
from bot.onboarding.migrate.workspace import new_workspace, rewrite_workspace

ROOT = r"C:\aios-supercell"
OLD = (r"C:\Users\jesus\server",)


def rewrite(text: str, root: str = ROOT) -> str:
    return rewrite_workspace(text, name="aios-win", submodule="server", root=root, old=OLD)


WORKSPACE = """\
{
\t// The cell, and what it runs.
\t"folders": [
\t\t{ "path": "C:\\\\aios-supercell", "name": "cell" }, // here
\t\t{ "name": "stacks", /* was a link */ "path": "c:\\\\users\\\\jesus\\\\server\\\\" },
\t\t{ "path": "../notes" },
\t],
\t"settings": { "editor.rulers": [118,], "a//b": "/* no comment */" }
}
"""


def test_entries_point_to_the_submodule_and_the_rest_is_kept() -> None:
    got = rewrite(WORKSPACE)
    assert got == WORKSPACE.replace('"C:\\\\aios-supercell"', '"."').replace(
        '"c:\\\\users\\\\jesus\\\\server\\\\"', '"./server"'
    )
    assert rewrite(got) == got


BOTH = """"folders": [
    { "path": ".", "name": "aios-win" },
    { "path": "./server", "name": "server" }
  ]"""
SERVER = '{ "path": "./server", "name": "server" }'
WINDOWS = '{\r\n  "folders": [\r\n    { "path": "." }%s // only me\r\n%s  ]\r\n}\r\n'
COMMENTED = '{\n  "folders": [\n    { "path": "." }%s\n    /* the end */ %s]\n}\n'
COMPLETE = '{"folders": [{"path": "./server/"}, {"path": ""}]}'
WITH_URI = '{"folders": [{"uri": "vscode-remote://x"}, {"path": "."}, {"path": "server"}]}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"folders": [{"path": "."}]}', f'{{"folders": [{{"path": "."}}, {SERVER}]}}'),
        (WINDOWS % ("", ""), WINDOWS % (",", f"    {SERVER}\r\n")),
        (COMMENTED % ("", ""), COMMENTED % (",", f"\n    {SERVER}\n    ")),
        ('{ "settings": {} }', f'{{\n  {BOTH}, "settings": {{}} }}'),
        ("{}", f"{{\n  {BOTH}\n}}"),
        ('{"folders": []}', f'{{"folders": [\n  {{ "path": ".", "name": "aios-win" }},\n  {SERVER}\n]}}'),
        (COMPLETE, COMPLETE),
        (WITH_URI, WITH_URI),
    ],
)
def test_what_is_missing_is_added_in_the_layout_of_the_file(text: str, expected: str) -> None:
    got = rewrite(text)
    assert got == expected
    assert rewrite(got) == got


def test_a_new_workspace_has_both_folders() -> None:
    folders = json.loads(new_workspace(name="aios-win", submodule="server"))["folders"]
    assert folders == [{"path": ".", "name": "aios-win"}, {"path": "./server", "name": "server"}]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: a value"),
        ("[]", "line 1: a workspace file must be a mapping"),
        ('{\n"folders": {}}', "line 2: `folders` is not a list"),
        ('{\n"folders": [\n', "line 3"),
        ('{"a" 1}', "`:` is expected"),
        ('{"a": "b}', "in quotes"),
        ("{'a': 1}", "in quotes"),
        ('{"a": 1} x', "after the end"),
        ('{"a": \\u00}', "a value"),
        ('{"a": 01x}', "line 1"),
        ("[" * 500, "nested too deeply"),
    ],
)
def test_invalid_json_is_an_error_with_its_line(text: str, says: str) -> None:
    with pytest.raises(JsonError) as caught:
        rewrite(text)
    assert says in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, 1, "\t"]), st.lists(st.sampled_from(['"new"', "{}"]), min_size=1, max_size=2))
def test_appending_to_a_list_keeps_its_items(value: object, indent: int | str | None, more: list[str]) -> None:
    text = json.dumps({"a": value, "list": [value]}, indent=indent)
    item = parse_jsonc(text)
    assert item.members is not None
    got = apply_edits(text, append_to_list(text, item.members["list"], more))
    assert json.loads(got) == {"a": value, "list": [value, *map(json.loads, more)]}


@given(JSON, st.integers(0, 30))
def test_edits_apply_where_they_were_found(value: object, at: int) -> None:
    text = json.dumps(["x", value])
    item = parse_jsonc(text)
    assert item.items is not None
    first = item.items[0]
    assert json.loads(apply_edits(text, [Edit(first.start, first.end, json.dumps(at))])) == [at, value]
