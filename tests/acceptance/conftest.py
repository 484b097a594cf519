"""The whole of aios-bot in one place: embedded GitHub, the real service, a small AIOS."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from sandbox.running import run_small_aios
from sandbox.service import Service
from sandbox.world import AiosWorld
from tests.acceptance.outside import Outside


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
        node_root = folder / "node/aios-supercell"
        world, service, secret = stack.enter_context(run_small_aios(folder, node_root=node_root))
        yield Running(world, Outside(world), service, secret, node_root, folder)


def settings_of(running: Running, **changes: str) -> dict[str, str]:
    """What a service of this world is started with."""
    given = {
        "GITHUB_APP_ID": str(running.world.app.id),
        "GITHUB_APP_PRIVATE_KEY": running.world.app.private_key_pem,
        "GITHUB_WEBHOOK_SECRET": running.secret,
        "GITHUB_API_URL": f"{running.world.hub.url}/api/v3",
        "AIOS_BOT_DATA": str(running.service.data),
        "PORT": running.service.url.rsplit(":", 1)[1],
    }
    return given | changes


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that waited in vain shows what the service did meanwhile, and which deliveries did not reach it."""
    report = yield
    running = getattr(item, "funcargs", {}).get("running")
    if report.failed and isinstance(running, Running):
        lost = [one for one in running.world.hub.deliveries if one.status != "OK"]
        words = [f"{one.delivered_at} {one.event} {one.action}: {one.status} {one.response}" for one in lost[-20:]]
        report.sections.append(("deliveries that did not arrive", "\n".join(words)))
        report.sections.append(("the service's last words", "\n".join(_last_words(running.service.log))))
    return report


def _last_words(log: Path, most: int = 80) -> list[str]:
    lines = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
    return [f"{line['at'][11:23]} {line['logger']}: {line['message']}" for line in lines][-most:]
