"""Build contexts that look like addresses and are folders for compose."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.plan.rendering import Rendered, Unreadable
from tests.integration.planner.render_world import RenderWorld

BUILD = "services:\n  web:\n    build: {context: CONTEXT}\n"


@pytest.mark.parametrize("context", ["./ctx.git", "ctx.git", "ctx.git#main"])
def test_a_link_named_like_a_repository_may_not_lead_out(tmp_path: Path, context: str) -> None:
    world = RenderWorld(tmp_path)
    compose = BUILD.replace("CONTEXT", f'"{context}"')
    link = context.removeprefix("./")
    found = world.render({"compose.yaml": compose}, links={link: "/root"})
    assert isinstance(found, Unreadable)
    assert "a symbolic link leads out of the checkout" in found.message


def test_a_folder_named_like_a_repository_is_a_folder(tmp_path: Path) -> None:
    world = RenderWorld(tmp_path)
    files = {"compose.yaml": BUILD.replace("CONTEXT", "ctx.git"), "ctx.git/Dockerfile": "FROM scratch\n"}
    assert isinstance(world.render(files), Rendered)


@pytest.mark.parametrize("context", ["https://example.org/a.git", "git@example.org:a/b.git", "github.com/a/b"])
def test_an_address_is_left_alone(tmp_path: Path, context: str) -> None:
    world = RenderWorld(tmp_path)
    files = {"compose.yaml": BUILD.replace("CONTEXT", f'"{context}"')}
    assert isinstance(world.render(files), Rendered)
