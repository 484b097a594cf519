"""A node carries out orders on a real engine, in a real checkout."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.node.state import End
from bot.plan.model import Action
from bot.sandbox.engine import Engine
from tests.nodeworld import NodeWorld, make_world

INGRESS = """\
services:
  traefik:
    image: traefik:{tag}
    volumes: [./dynamic:/etc/traefik/dynamic:ro]
    networks: [ingress]
  whoami:
    image: whoami:1
    networks: [ingress]
networks:
  ingress:
    name: {prefix}-ingress
"""
SECRETS = """\
services:
  vault:
    image: vault:1
    networks: [ingress]
    volumes: [data:/data]
networks:
  ingress:
    name: {prefix}-ingress
    external: true
volumes:
  data:
"""
CREATE_ALL = {
    "secrets": {"vault": Action.CREATE},
    "ingress": {"traefik": Action.CREATE, "whoami": Action.CREATE},
}
"""The user of the network stands before its owner, as a fleet file may well have it."""


def files(prefix: str, tag: str = "1") -> dict[str, str]:
    return {
        "stacks/ingress/docker-compose.yml": INGRESS.format(tag=tag, prefix=prefix),
        "stacks/ingress/dynamic/headers.yml": "one\n",
        "stacks/secrets/docker-compose.yml": SECRETS.format(prefix=prefix),
    }


@pytest.fixture(scope="module")
def images(engine: Engine) -> None:
    for name in ("traefik:1", "traefik:2", "whoami:1", "vault:1"):
        engine.make_image(name, version=name)


@pytest.fixture
def world(tmp_path: Path, engine: Engine, images: None) -> Iterator[NodeWorld]:
    """A node that runs the first version."""
    prefix = f"t{uuid.uuid4().hex[:8]}"
    made, first = make_world(tmp_path, engine, prefix, files(prefix))
    outcome = made.deploy(made.order(first, CREATE_ALL))
    assert outcome.end is End.SUCCESS, (outcome, made.told)
    made.posted.clear()
    yield made
    made.clean_up()


def test_the_first_order_clones_and_brings_everything_up(world: NodeWorld) -> None:
    assert set(world.containers()) == {"ingress/traefik", "ingress/whoami", "secrets/vault"}
    assert (world.root / "server/stacks/ingress/docker-compose.yml").exists()


def test_a_new_image_runs_and_nothing_else_is_touched(world: NodeWorld) -> None:
    before = world.containers()
    at = world.push(files(world.prefix, tag="2"))
    order = world.order(
        at,
        {
            "ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE},
            "secrets": {"vault": Action.NONE},
        },
    )
    outcome = world.deploy(order)
    assert outcome.end is End.SUCCESS, outcome
    after = world.containers()
    assert world.version("ingress/traefik") == "traefik:2"
    assert {name for name in after if after[name] != before[name]} == {"ingress/traefik"}
    assert all(service.as_predicted for service in outcome.services)
    assert (outcome.commit, outcome.pin) == at
    assert [state for _, state, _ in world.posted] == ["in_progress", "success"]
    assert world.posted[-1][2] == f"runs server@{at[1][:7]}: 1 recreated, 2 untouched"
