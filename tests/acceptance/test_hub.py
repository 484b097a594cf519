"""The hub's documents: one pull request, kept up to date as pins move, beside a person's own words."""

from __future__ import annotations

import base64
from typing import Any

from bot.domain.names import RepoName
from sandbox.world import FLEET, OWNER, PERSON, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.gitworld import commit, new_repository

HUB = RepoName(f"{OWNER}/AIOS")
PAGE = "docs/fleet/README.md"


def text_of(running: Running, ref: str) -> str:
    found = running.outside.get(f"/repos/{HUB}/contents/{PAGE}", ref=ref)
    return base64.b64decode(found["content"]).decode()


def proposed(running: Running, words: str) -> Any:
    """The hub's only open pull request, once its page holds `words`."""
    pulls = running.outside.pulls(HUB)
    assert len(pulls) <= 1
    return next((pull for pull in pulls if words in text_of(running, pull["head"]["sha"])), None)


def test_the_hub_shows_what_its_fleets_pin(running: Running) -> None:
    world, outside = running.world, running.outside
    world.hub.create_repository(HUB)
    world.hub.set_permission(HUB, PERSON, "admin")
    clone = new_repository(world.checkouts / "AIOS")
    commit(clone, {"README.md": "# AIOS\n"})
    world.git(clone, "remote", "add", "origin", f"{world.hub.url}/{HUB}.git")
    world.git(clone, "push", "--quiet", "--set-upstream", "origin", "main")
    world.hub.add_to_installation(world.installation, [HUB])
    file = (world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    world.push(FLEET, {".github/aios-bot.yml": f"{file}hub: {HUB}\n"}, "Shown by the hub")

    pin = outside.pin(FLEET, "main")
    pull = eventually("the documents", lambda: proposed(running, pin[:7]), seconds=60)
    page = text_of(running, pull["head"]["sha"])
    for words in (">ingress<", ">secrets<", "linux", "HP_LAB", "never", "```mermaid", "Tecnocrat"):
        assert words in page
    files = {one["filename"] for one in outside.get(f"/repos/{HUB}/pulls/{pull['number']}/files")}
    assert files == {PAGE, "docs/fleet/deciding.md"}

    # Merged, then moved on: the next pull request changes the parts, and a person's words stay.
    world.hub.merge_pull(HUB, pull["number"], by=PERSON)
    world.git(clone, "pull", "--quiet")
    mine = (clone / PAGE).read_text().replace("## Platforms compared", "Ask Ada first.\n\n## Platforms compared")
    world.push(HUB, {PAGE: mine}, "My words")
    pushed = world.edit(SERVER, "stacks/ingress/docker-compose.yml", "traefik:v3.1", "traefik:v3.2", "Traefik 3.2")
    fleet = world.checkouts / "aios-win"
    world.git(fleet, "pull", "--quiet")
    world.git(fleet, "update-index", "--cacheinfo", f"160000,{pushed},server")
    world.git(fleet, "commit", "--quiet", "--message", "Bump by hand")
    world.git(fleet, "push", "--quiet")
    second = eventually("the new pin in the documents", lambda: proposed(running, pushed[:7]), seconds=60)
    assert second["number"] != pull["number"]
    assert "Ask Ada first." in text_of(running, second["head"]["sha"])
    assert pin[:7] not in text_of(running, second["head"]["sha"])


def test_a_hub_lists_fleets_in_a_file_of_its_own(running: Running) -> None:
    world, outside = running.world, running.outside
    world.hub.create_repository(HUB)
    world.hub.set_permission(HUB, PERSON, "admin")
    clone = new_repository(world.checkouts / "AIOS")
    commit(clone, {".github/aios-hub.yml": f"fleets: [{FLEET}, stranger/fleet]\n"})
    world.git(clone, "remote", "add", "origin", f"{world.hub.url}/{HUB}.git")
    world.git(clone, "push", "--quiet", "--set-upstream", "origin", "main")
    world.hub.add_to_installation(world.installation, [HUB])
    pin = outside.pin(FLEET, "main")
    # The list alone shows nothing: who may write the hub may not be able to read the fleet.
    eventually("the documents without the fleet", lambda: proposed(running, "No fleet"), seconds=60)
    file = (world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    world.push(FLEET, {".github/aios-bot.yml": f"{file}hub: {HUB}\n"}, "Shown by the hub")
    pull = eventually("the documents", lambda: proposed(running, pin[:7]), seconds=60)
    assert "stranger" not in text_of(running, pull["head"]["sha"])
    assert "HP_LAB" in text_of(running, pull["head"]["sha"])

    def emptied() -> bool:
        return bool(proposed(running, "No fleet"))

    world.push(HUB, {".github/aios-hub.yml": "fleets: []\n"}, "Nobody")
    assert eventually("the documents without the fleet", emptied, seconds=60)


def test_a_public_hub_shows_no_private_fleet_unless_its_own_file_says_so(running: Running) -> None:
    world, outside = running.world, running.outside
    world.hub.create_repository(HUB)
    world.hub.set_permission(HUB, PERSON, "admin")
    world.hub.make_private(FLEET)
    clone = new_repository(world.checkouts / "AIOS")
    commit(clone, {".github/aios-hub.yml": f"fleets: [{FLEET}]\n"})
    world.git(clone, "remote", "add", "origin", f"{world.hub.url}/{HUB}.git")
    world.git(clone, "push", "--quiet", "--set-upstream", "origin", "main")
    world.hub.add_to_installation(world.installation, [HUB])
    file = (world.checkouts / "aios-win/.github/aios-bot.yml").read_text()
    world.push(FLEET, {".github/aios-bot.yml": f"{file}hub: {HUB}\n"}, "Named, and private")
    pull = eventually("the documents without the fleet", lambda: proposed(running, "No fleet"), seconds=60)
    world.push(FLEET, {".github/aios-bot.yml": f"{file}hub: {HUB}\npublish: true\n"}, "Published")
    pin = outside.pin(FLEET, "main")
    eventually("the documents", lambda: proposed(running, pin[:7]), seconds=60)
    first = [one for one in outside.get(f"/repos/{HUB}/pulls/{pull['number']}/commits") if pin[:7] in str(one)]
    assert first == []
