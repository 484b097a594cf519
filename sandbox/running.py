"""Run the small AIOS with the real service, for the acceptance tests and the benches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sandbox.github import EmbeddedGitHub
from sandbox.service import Service, free_port, new_secret, run_service
from sandbox.world import AiosWorld, build_world


class RunningAios(NamedTuple):
    """The running parts. `secret` signs webhooks."""

    world: AiosWorld
    service: Service
    secret: str


@contextmanager
def run_small_aios(
    folder: Path, *, node_root: Path, prepare: Callable[[AiosWorld], object] = lambda _world: None
) -> Iterator[RunningAios]:
    """Run an embedded GitHub with a small AIOS and its bot, below `folder`. `prepare` runs before the bot starts."""
    with EmbeddedGitHub(folder / "github") as hub:
        hub.start()
        port, secret = free_port(), new_secret()
        world = build_world(
            hub,
            folder=folder / "people",
            node_root=node_root,
            webhook_url=f"http://127.0.0.1:{port}/webhook",
            webhook_secret=secret,
        )
        prepare(world)
        with run_service(
            port=port,
            api_url=f"{hub.url}/api/v3",
            app_id=world.app.id,
            private_key=world.app.private_key_pem,
            webhook_secret=secret,
            data=folder / "bot",
        ) as service:
            yield RunningAios(world, service, secret)
