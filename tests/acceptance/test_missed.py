"""Deliveries that did not come in: fetched at the next start, and always where nothing can come in."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.github.manifest import NO_INGRESS
from sandbox.github import EmbeddedGitHub
from sandbox.service import Service, free_port, start_service
from sandbox.world import FLEET, SERVER, AiosWorld, build_world
from tests.acceptance.outside import Outside, eventually
from tests.acceptance.test_bump import INGRESS


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="aios-") as folder:
        yield Path(folder)


@pytest.fixture
def world(folder: Path) -> Iterator[AiosWorld]:
    """A world whose webhooks reach nobody."""
    with EmbeddedGitHub(folder / "github") as hub:
        hub.start()
        yield build_world(
            hub,
            folder=folder / "people",
            node_root=folder / "node",
            webhook_url=f"http://127.0.0.1:{free_port()}/webhook",
            webhook_secret="unused",
        )


def start(world: AiosWorld, folder: Path, *arguments: str, **more: str) -> Service:
    data = folder / "bot"
    data.mkdir(exist_ok=True)
    settings = {
        "GITHUB_APP_ID": str(world.app.id),
        "GITHUB_APP_PRIVATE_KEY": world.app.private_key_pem,
        "GITHUB_API_URL": f"{world.hub.url}/api/v3",
        "AIOS_BOT_DATA": str(data),
        "PORT": str(free_port()),
    }
    return start_service(settings | more, *arguments)


def proposed(world: AiosWorld, pushed: str) -> list[Any]:
    outside = Outside(world)
    return [pull for pull in outside.pulls(FLEET, "all") if outside.pin(FLEET, pull["head"]["sha"]) == pushed]


def stored(folder: Path) -> dict[str, str]:
    """The deliveries in the service's table: guid to state."""
    with sqlite3.connect(folder / "bot/aios-bot.sqlite3") as database:
        return dict(database.execute("SELECT guid, state FROM deliveries").fetchall())


def listed(world: AiosWorld) -> set[str]:
    return {delivery.guid for delivery in world.hub.deliveries}


def test_what_came_while_the_service_was_down_is_fetched_and_never_asked_for_again(
    world: AiosWorld, folder: Path
) -> None:
    for number in range(3):
        world.push(SERVER, {"notes.md": f"{number}\n"}, f"Notes {number}")
    pushed = world.edit(SERVER, INGRESS, "traefik:v3.1", "traefik:v3.2", "Upgrade")
    assert world.hub.wait_for_deliveries()
    missed = listed(world)
    assert len(missed) >= 5
    with ExitStack() as stack:
        service = start(world, folder, GITHUB_WEBHOOK_SECRET="0123456789abcdef")
        stack.callback(service.stop)
        assert len(eventually("the pull request", lambda: proposed(world, pushed))) == 1
        eventually("every missed delivery", lambda: missed <= stored(folder).keys())
        eventually("its work", lambda: "received" not in stored(folder).values())
        page = requests.get(f"{service.url}/metrics", timeout=10).text
    assert not any(one.method == "POST" and "/attempts" in one.path for one in world.hub.requests)
    assert 'aios_bot_deliveries_total{event="push",way="fetched"}' in page
    assert 'aios_bot_decisions_total{look="bump",reason="upstream_moved"} 1' in page
    assert "aios_bot_github_budget_left{" in page


def test_a_bot_behind_a_router_pulls_its_deliveries(world: AiosWorld, folder: Path) -> None:
    world.hub.set_webhook(world.app, NO_INGRESS.replace("https://aios-bot.invalid", "http://127.0.0.1:9"), "unused")
    with ExitStack() as stack:
        service = start(world, folder, "--pull")
        stack.callback(service.stop)
        answer = requests.post(f"{service.url}/webhook", json={}, timeout=10)
        assert answer.status_code == 404, "there is no door"
        eventually("the first look around", lambda: "received" not in stored(folder).values() and stored(folder))
        pushed = world.edit(SERVER, INGRESS, "traefik:v3.1", "traefik:v3.2", "Upgrade")
        assert len(eventually("the pull request", lambda: proposed(world, pushed), seconds=120)) == 1
        eventually("every delivery", lambda: listed(world) <= stored(folder).keys(), seconds=120)
