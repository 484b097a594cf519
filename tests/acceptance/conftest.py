"""The whole of aios-bot in one place: embedded GitHub, the real service, a small AIOS."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.sandbox.github import EmbeddedGitHub
from bot.sandbox.service import Service, free_port, new_secret, run_service
from bot.sandbox.world import AiosWorld, build_world
from tests.acceptance.outside import Outside
from tests.engine import engine

__all__ = ["engine"]


class Running(NamedTuple):
    """A running bot and its world. `secret` signs webhooks; `node_root` is where the node keeps its checkout."""

    world: AiosWorld
    outside: Outside
    service: Service
    secret: str
    node_root: Path
    folder: Path


@pytest.fixture
def running() -> Iterator[Running]:
    """A fresh world with the service running in it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-")))
        hub = stack.enter_context(EmbeddedGitHub(folder / "github"))
        hub.start()
        port, secret = free_port(), new_secret()
        node_root = folder / "node/aios-supercell"
        world = build_world(
            hub,
            folder=folder / "people",
            node_root=node_root,
            webhook_url=f"http://127.0.0.1:{port}/webhook",
            webhook_secret=secret,
        )
        service = stack.enter_context(
            run_service(
                port=port,
                api_url=f"{hub.url}/api/v3",
                app_id=world.app.id,
                private_key=world.app.private_key_pem,
                webhook_secret=secret,
                data=folder / "bot",
            )
        )
        yield Running(world, Outside(world), service, secret, node_root, folder)
