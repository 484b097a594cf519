"""Whose merge a rollout stands on: the pin's own, or that of the nodes which came after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bot.domain.names import BranchName, NodeName
from bot.features.rollout.read.approval import Approval, find_approval
from bot.git.mirrors import Mirror
from bot.github.app import connect
from sandbox.github import EmbeddedGitHub
from sandbox.world import FLEET, NODE, PERSON, SERVER, AiosWorld, build_world

BASE = BranchName("main")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AiosWorld]:
    with EmbeddedGitHub(tmp_path / "github") as hub:
        hub.start()
        yield build_world(
            hub, folder=tmp_path / "people", node_root=tmp_path / "n", webhook_url="", webhook_secret="unused"
        )


def ask(world: AiosWorld, folder: Path) -> Approval | None:
    mirror = Mirror(folder / "mirror.git", f"{world.hub.url}/{FLEET}.git")
    mirror.fetch(world.token)
    head = mirror.resolve("refs/heads/main")
    assert head
    pinned = mirror.last_change(head, "server")
    assert pinned
    client = connect(f"{world.hub.url}/api/v3", world.token)
    return find_approval(client, mirror, FLEET, base=BASE, head=head, pinned_by=pinned)


def propose(world: AiosWorld, branch: str, *, edit: str = "", pin: str = "") -> int:
    """A pull request that ends the fleet file with `edit`, or moves the pin; its number."""
    clone = world.checkouts / "aios-win"
    world.git(clone, "checkout", "--quiet", "-b", branch)
    with (clone / ".github/aios-bot.yml").open("a") as file:
        file.write(edit)
    world.git(clone, "add", ".github")
    if pin:
        world.git(clone, "update-index", "--cacheinfo", f"160000,{pin},server")
    world.git(clone, "commit", "--quiet", "--message", branch)
    world.git(clone, "push", "--quiet", "origin", branch)
    world.git(clone, "checkout", "--quiet", "main")
    answer = requests.post(
        f"{world.hub.url}/api/v3/repos/{FLEET}/pulls",
        json={"title": branch, "head": branch, "base": "main"},
        headers={"Authorization": f"Bearer {world.token}"},
        timeout=10,
    )
    return int(answer.json()["number"])


@pytest.mark.parametrize("how", ["rebase", "push"])
def test_the_pin_comes_by_one_of_several_commits(world: AiosWorld, tmp_path: Path, how: str) -> None:
    """Another one stands on it: GitHub lists the pull request for both, and names the last as its merge. A branch
    that is pushed to the base itself is merged, too (docs: about pull request merges, indirect merges)."""
    pin = world.push(SERVER, {"new": "1"}, "Something new")
    number = propose(world, "pin", pin=pin)
    clone = world.checkouts / "aios-win"
    world.git(clone, "checkout", "--quiet", "pin")
    world.git(clone, "commit", "--quiet", "--allow-empty", "--message", "Behind the pin")
    world.git(clone, "push", "--quiet", "origin", "pin")
    world.git(clone, "checkout", "--quiet", "main")
    if how == "rebase":
        world.push(FLEET, {"other.md": "1"}, "Behind it")
        tip = world.hub.merge_pull(FLEET, number, by=PERSON, method="rebase")
    else:
        world.git(clone, "push", "--quiet", "origin", "pin:main")
        tip = world.git(clone, "rev-parse", "pin")
    found = ask(world, tmp_path)
    assert found is not None
    assert (found.pull.number, found.nodes) == (number, None)
    pinned = Mirror(tmp_path / "mirror.git", "").last_change(tip, "server")
    assert pinned != tip


def test_only_a_merge_approves_and_only_the_nodes_it_brought(world: AiosWorld, tmp_path: Path) -> None:
    assert ask(world, tmp_path) is None, f"{NODE} was pushed with the pin"
    world.edit(FLEET, ".github/aios-bot.yml", "nodes:\n", "nodes:\n  PUSHED: {}\n", "Pushed directly")
    assert ask(world, tmp_path) is None
    first = propose(world, "one", edit="  ONE: {}\n")
    assert ask(world, tmp_path) is None, "a pull request that is open is no approval"
    world.hub.merge_pull(FLEET, first, by=PERSON)
    found = ask(world, tmp_path)
    assert found is not None
    assert (found.pull.number, found.nodes) == (first, frozenset({NodeName("ONE")}))
    world.git(world.checkouts / "aios-win", "pull", "--quiet")
    second = propose(world, "two", edit="  TWO: {}\n")
    world.hub.merge_pull(FLEET, second, by=PERSON, method="squash")
    world.edit(FLEET, ".github/aios-bot.yml", "version: 1\n", "version: 1\nlabels: [x]\n", "Something else")
    found = ask(world, tmp_path)
    assert found is not None
    assert (found.pull.number, found.nodes) == (second, frozenset({NodeName("ONE"), NodeName("TWO")}))


def test_the_merge_that_moved_the_pin_is_for_everybody(world: AiosWorld, tmp_path: Path) -> None:
    pushed = world.push(SERVER, {"notes.md": "on\n"}, "On")
    number = propose(world, "bump", pin=pushed)
    world.hub.merge_pull(FLEET, number, by=PERSON)
    found = ask(world, tmp_path)
    assert found is not None
    assert (found.pull.number, found.nodes) == (number, None)
