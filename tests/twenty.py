"""Twenty services in four stacks on one node: what a change of one, or of none, does to all the others."""

from __future__ import annotations

from pathlib import Path

from bot.agent.checkout import CheckoutPosition
from bot.protocol.action import Action
from bot.protocol.outcome import OrderEnd
from sandbox.engine import Engine
from tests.nodeworld import Actions, NodeWorld, make_world

STACKS = tuple(f"stack{number}" for number in range(4))
SERVICES = tuple(f"web{number}" for number in range(5))
CHANGED = ("stack2", "web3")


def twenty_files(prefix: str, *, version: str = "1") -> dict[str, str | None]:
    """The server's files; `version` is what the one service that changes runs."""
    files: dict[str, str | None] = {}
    for stack in STACKS:
        lines = [f"name: {prefix}-{stack}", "services:"]
        for service in SERVICES:
            tag = version if (stack, service) == CHANGED else "1"
            lines += [f"  {service}:", f"    image: web:{tag}", "    volumes: ['./conf:/conf:ro']"]
        files[f"stacks/{stack}/docker-compose.yml"] = "\n".join([*lines, ""])
        files[f"stacks/{stack}/conf/web.conf"] = "one\n"
    return files


def all_services(action: Action, **changes: Action) -> Actions:
    """An order's actions: `action` for each, but for those in `changes` ("stack2_web3")."""
    return {stack: {service: changes.get(f"{stack}_{service}", action) for service in SERVICES} for stack in STACKS}


def make_twenty(folder: Path, engine: Engine, prefix: str) -> tuple[NodeWorld, CheckoutPosition]:
    """A node that runs all twenty."""
    for version in ("1", "2"):
        engine.make_image(f"web:{version}", version=version)
    world, first = make_world(folder, engine, prefix, twenty_files(prefix))
    outcome = world.deploy(world.order(first, all_services(Action.CREATE)))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    return world, first
