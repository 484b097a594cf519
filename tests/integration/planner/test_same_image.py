"""Edits of a build after which the same image comes out, by the engine: the plan builds none of them again."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bot.domain.names import NodeName, ServiceName, StackName
from bot.engine.environment import NODE_SETTINGS
from bot.fleetfile import Node
from bot.plan.build_changes import build_causes
from bot.plan.rendering import CHECKOUT, Rendered, StackChange
from bot.planner.builds import read_builds
from bot.planner.sides import changed_paths
from sandbox.engine import Engine
from tests.integration.planner.render_world import RenderWorld

Args = dict[str, str]
NODE = Node(name=NodeName("pi"))
RUN = "RUN echo $L >/x\n"
EDITS: dict[str, tuple[str, Args, str, Args, bool]] = {  # Dockerfile and arguments, before and after; the same image
    "an argument is its default": (f"ARG L=1\n{RUN}", {}, f"ARG L=1\n{RUN}", {"L": "1"}, True),
    "an argument was its default": (f'ARG L="1"\n{RUN}', {"L": "1"}, f'ARG L="1"\n{RUN}', {}, True),
    "two on a line": (f"ARG L=1 M=2\n{RUN}", {}, f"ARG L=1 M=2\n{RUN}", {"M": "2"}, True),
    "an empty one": (f"ARG L=\n{RUN}", {}, f"ARG L=\n{RUN}", {"L": ""}, True),
    "another value": (f"ARG L=1\n{RUN}", {}, f"ARG L=1\n{RUN}", {"L": "2"}, False),
    "no default": (f"ARG L\n{RUN}", {}, f"ARG L\n{RUN}", {"L": ""}, False),
    "two defaults": (f"ARG L=1\n{RUN}ARG L=2\n{RUN}", {}, f"ARG L=1\n{RUN}ARG L=2\n{RUN}", {"L": "1"}, False),
    "a protocol": ("EXPOSE 80\nCOPY f /f\n", {}, "EXPOSE 80/TCP\nCOPY f /f\n", {}, True),
    "ports in another order": (
        "EXPOSE 80 443/udp\nCOPY f /f\n",
        {},
        "EXPOSE 443/udp 80 80/tcp\nCOPY f /f\n",
        {},
        True,
    ),
    "another protocol": ("EXPOSE 80\nCOPY f /f\n", {}, "EXPOSE 80/udp\nCOPY f /f\n", {}, False),
    "quotes of ENV": ('ENV A=1  B="x y"\nCOPY f /f\n', {}, 'ENV A="1" B="x y"\nCOPY f /f\n', {}, True),
    "another value of ENV": ("ENV A=1\nCOPY f /f\n", {}, 'ENV A="1 "\nCOPY f /f\n', {}, False),
    "quotes of LABEL": ('LABEL a=1 b="2"\nCOPY f /f\n', {}, 'LABEL a="1" b=2\nCOPY f /f\n', {}, True),
    "spaces in a list": ('CMD ["a","b"]\nCOPY f /f\n', {}, 'CMD [ "a", "b" ]\nCOPY f /f\n', {}, True),
    "no list any more": ('CMD ["a","b"]\nCOPY f /f\n', {}, "CMD ['a','b']\nCOPY f /f\n", {}, False),
}


@pytest.fixture
def world(tmp_path: Path) -> RenderWorld:
    return RenderWorld(tmp_path / "world")


def build(engine: Engine, folder: Path, dockerfile: str, args: Args) -> str:
    """The id of the image that compose builds."""
    folder.mkdir(exist_ok=True)
    (folder / "f").write_text("f\n")
    (folder / "Dockerfile").write_text(f"FROM app:1\n{dockerfile}")
    services = {"app": {"build": {"context": ".", "args": args}}}
    (folder / "compose.yaml").write_text(json.dumps({"name": "same", "services": services}))
    command = ["docker", "compose", "--project-directory", str(folder), "build", "--quiet"]
    subprocess.run(command, env=engine.environment | NODE_SETTINGS, check=True, capture_output=True)
    return engine.docker("image", "inspect", "--format", "{{.Id}}", "same-app")


def planned(world: RenderWorld, then: tuple[str, Args], now: tuple[str, Args]) -> list[str]:
    """Why the plan builds again."""
    old, new = (world.push({"app/Dockerfile": f"FROM app:1\n{text}", "app/f": "f\n"}) for text, _ in (then, now))
    models = [{"context": f"{CHECKOUT}/server/app", "args": args} for _, args in (then, now)]
    sides = [Rendered(model={"name": "same", "services": {"app": {"build": build}}}) for build in models]
    builds = read_builds(*sides, node=NODE, old=old, new=new, changed=changed_paths(old, new))
    change = StackChange(
        stack=StackName("same"),
        folder="server/stacks/same",
        old=None,
        new=None,
        build_inputs=builds.inputs,
        unread_builds=dict(builds.unread),
    )
    return [cause.text for cause in build_causes(ServiceName("app"), models[0], models[1], change, sides[1])]


@pytest.mark.parametrize("edit", EDITS)
def test_the_plan_builds_again_what_comes_out_different(
    engine: Engine, world: RenderWorld, tmp_path: Path, edit: str
) -> None:
    old, old_args, new, new_args, same = EDITS[edit]
    engine.make_image("app:1")
    images = [build(engine, tmp_path / "app", text, args) for text, args in ((old, old_args), (new, new_args))]
    assert (images[0] == images[1]) is same
    assert (not planned(world, (old, old_args), (new, new_args))) is same
