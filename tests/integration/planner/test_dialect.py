"""YAML that compose does not read: each version of it says so, and the plan does, with the line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.planner.render_request import RenderRequest
from tests.cases_world import composes
from tests.integration.planner.render_world import RenderWorld, refused, rendered

WEB = "services:\n  web:\n    image: app:1\n"
REFUSED: dict[str, tuple[str, int, str]] = {  # the file, the line, and a part of the message
    "a merge with a tag": ("x: &x {init: true}\nservices:\n  web:\n    image: a\n    !!str <<: *x\n", 5, "a tag"),
    "an empty document before": (f"---\n---\n{WEB}", 1, "a document without content"),
    "an empty document behind": (f"{WEB}---\n", 4, "a document without content"),
    "a null document behind": (f"{WEB}---\nnull\n", 4, "a document without content"),
    "another version of YAML": (f"%YAML 1.2\n---\n{WEB}", 1, "%YAML names another version than 1.1"),
    "a byte order mark within": (f"{WEB}\ufeff", 4, "a byte order mark"),
    "an escaped slash": (f'{WEB}    command: "a\\/b"\n', 4, "a backslash before a slash"),
    "an escaped slash further on": (f'{WEB}    command: "a\n      b\\\\\\/c"\n', 4, "a backslash before a slash"),
}
TAKEN = {
    "an older version of YAML": f"%YAML 1.1\n---\n{WEB}",
    "a byte order mark at the start": f"\ufeff{WEB}",
    "slashes behind backslashes": f'{WEB}    command: [\'a\\/b\', "a\\\\\\\\/b", a\\/b] # "\\/"\n',
    "the end of a document": f"{WEB}...\n",
    "two documents": f"{WEB}---\nservices: {{db: {{image: b}}}}\n",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> RenderWorld:
    return RenderWorld(tmp_path_factory.mktemp("render"))


def takes(folder: Path, text: str) -> set[bool]:
    """Whether compose reads the file, by its versions."""
    (folder / "compose.yaml").write_text(text, encoding="utf-8")
    programs = [program.path for program in composes().values()]
    ended = [subprocess.run([one, "config", "-q"], cwd=folder, capture_output=True, check=False) for one in programs]
    return {one.returncode == 0 for one in ended}


@pytest.mark.parametrize("what", REFUSED)
def test_the_plan_refuses_what_compose_refuses(world: RenderWorld, tmp_path: Path, what: str) -> None:
    text, line, words = REFUSED[what]
    assert takes(tmp_path, text) == {False}
    snapshot = world.push({"stacks/web/compose.yaml": text})
    found = refused(world.renderer.render(snapshot, [RenderRequest(folder="server/stacks/web")])[0])
    assert words in found.message
    assert found.where is not None
    assert found.where.line == line


@pytest.mark.parametrize("what", TAKEN)
def test_the_plan_takes_what_compose_takes(world: RenderWorld, tmp_path: Path, what: str) -> None:
    assert takes(tmp_path, TAKEN[what]) == {True}
    snapshot = world.push({"stacks/web/compose.yaml": TAKEN[what]})
    rendered(world.renderer.render(snapshot, [RenderRequest(folder="server/stacks/web")])[0])


def test_where_compose_itself_breaks_its_last_words_are_shown_and_not_its_stack(
    world: RenderWorld, tmp_path: Path
) -> None:
    text = f"{WEB}    configs: [{{source: c, target: 0}}, {{source: c, target: 1}}]\nconfigs: {{c: {{content: x}}}}\n"
    assert takes(tmp_path, text) == {False}
    snapshot = world.push({"stacks/web/compose.yaml": text})
    found = refused(world.renderer.render(snapshot, [RenderRequest(folder="server/stacks/web")])[0])
    assert found.message == "compose fails at it: panic: interface conversion: interface {} is int, not string"


def test_a_time_is_left_to_the_version_of_compose(world: RenderWorld, tmp_path: Path) -> None:
    text = f"{WEB}    environment: {{A: 2001-12-14t21:59:43.10-05:00, B: 2001-12-14 21:59:43}}\n"
    assert takes(tmp_path, text) == {False, True}  # 2.40.3 takes it for a time, 5 for text
    snapshot = world.push({"stacks/web/compose.yaml": text})
    found = refused(world.renderer.render(snapshot, [RenderRequest(folder="server/stacks/web")])[0])
    assert "invalid jsonType time.Time" in found.message
