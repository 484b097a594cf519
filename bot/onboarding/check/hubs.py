"""Read why a hub leaves a fleet out, for `aios-bot check`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from bot.domain.names import RepoName, parse_repo_name
from bot.domain.values import Wire
from bot.features.hub.decide import HubReason, decide_hub_fleet
from bot.features.hub.facts import HubFleetFacts
from bot.fleetfile import HUB_FILE, Fleet, parse_hub
from bot.fleetfile.problems import YamlFileError
from bot.github.client import Client
from bot.github.endpoints.repository import Repository
from bot.onboarding.check.facts import FleetCheckFacts, HubCheckFacts, UpstreamFacts

UNSEEN = "unseen"


class _Content(Wire, frozen=True):
    content: str


def read_text(client: Client, name: RepoName, path: str, *, ref: str = "") -> str | None:
    query = f"?ref={quote(ref, safe='')}" if ref else ""
    found = client.find(f"/repos/{name}/contents/{path}{query}", _Content)
    return base64.b64decode(found.content).decode("utf-8", "replace") if found else None


def find_hub_problem(
    client: Client,
    fleet: RepoName,
    file: Fleet,
    upstreams: Sequence[UpstreamFacts],
    known: Mapping[str, Repository],
) -> str:
    """Why the hub that `file` names does not show `fleet`; "" where it does. `known` is by name in lower case."""
    if file.hub is None:
        return ""
    hub = known.get(file.hub.lower())
    if hub is None:
        return UNSEEN
    names = [fleet, *(one.upstream for one in upstreams if one.upstream is not None)]
    facts = HubFleetFacts(
        fleet=fleet,
        named=True,
        listed=_is_listed(client, parse_repo_name(hub.full_name), fleet),
        publish=file.publish,
        private=any(name.lower() not in known or known[name.lower()].private for name in names),
        hub_private=hub.private,
    )
    reason = decide_hub_fleet(facts)
    return "" if reason is HubReason.SHOWN else str(reason)


def _is_listed(client: Client, hub: RepoName, fleet: RepoName) -> bool | None:
    text = read_text(client, hub, HUB_FILE)
    try:
        return fleet.lower() in {name.lower() for name in parse_hub(text).fleets} if text is not None else None
    except YamlFileError:
        return False


def read_hubs(
    client: Client, known: Mapping[str, Repository], fleets: Sequence[FleetCheckFacts]
) -> tuple[HubCheckFacts, ...]:
    """Every repository with a list of fleets, and those of its list that do not name it."""
    naming = {(fleet.repo.lower(), (fleet.hub or "").lower()) for fleet in fleets}
    found = []
    for one in known.values():
        name = parse_repo_name(one.full_name)
        text = read_text(client, name, HUB_FILE) if not one.archived else None
        if text is None:
            continue
        try:
            listed = parse_hub(text).fleets
        except YamlFileError:
            continue  # its own check tells of it
        silent = tuple(fleet for fleet in listed if (fleet.lower(), name.lower()) not in naming)
        found.append(HubCheckFacts(repo=name, silent=silent))
    return tuple(found)
