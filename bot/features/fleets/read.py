"""From bot/service/worker.py, bot/features/bump/read.py: say here what this module is for."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from bot.domain.errors import BotError
from bot.domain.names import BranchName, CommitSha, InstallationId, RepoName, SubmodulePath
from bot.features.fleets import apply as fleets_apply
from bot.features.fleets.facts import Pinned
from bot.features.world import World
from bot.fleetfile import FLEET_FILE, Fleet, Submodule, parse_fleet
from bot.fleetfile.yaml_lines import YamlFileError
from bot.git.git import GitError
from bot.git.gitmodules import BrokenStanza, Stanza, parse_gitmodules, resolve_upstream, tracked_branch
from bot.git.mirrors import Mirror
from bot.github.client import Client
from bot.github.endpoints import repository

log = logging.getLogger(__name__)


def _read_fleet(world: World, client: Client, repo: RepoName, base: BranchName) -> FleetAt | None:
    """The fleet, or None after saying why not where a person sees it."""
    try:
        return read_fleet(world, repo, base)
    except NotAFleet as problem:
        log.info("%s", problem)
    except YamlFileError as problem:
        log.info("%s: %s", repo, problem)
        head = world.mirror(repo).resolve(f"refs/heads/{base}")
        if head:
            fleets_apply.report_file_problems(client, repo, head, problem)
    return None


class NotAFleet(BotError):  # noqa: N818 - an answer, not a failure
    """The branch has no fleet file: the bot has no business there."""


class FleetAt(NamedTuple):
    """A fleet repository at the head of one of its base branches."""

    repo: RepoName
    base: BranchName
    head: CommitSha
    file: Fleet
    stanzas: tuple[Stanza, ...]
    broken: tuple[BrokenStanza, ...]
    mirror: Mirror

    def submodule(self, path: SubmodulePath) -> Submodule | None:
        """What the fleet file says of the submodule at `path`; without a word, every submodule is kept."""
        named = {submodule.path: submodule for submodule in self.file.submodules}
        return named.get(path) if named else Submodule(path=path)


def fetch_all(world: World, client: Client, repos: Iterable[RepoName]) -> None:
    """Bring the mirrors of `repos` up to date, side by side."""
    wanted = tuple(dict.fromkeys(repos))
    with ThreadPoolExecutor(max_workers=4) as pool:
        fetches = [(repo, pool.submit(world.mirror(repo).fetch, client.token, repair=False)) for repo in wanted]
    for repo, fetch in fetches:
        try:
            fetch.result()
        except GitError:
            # Git only says no; GitHub says why: an outage, a limit, an ended token are waited for (RetryLater).
            repository.find_repository(client, repo)
            world.mirror(repo).fetch(client.token)


def read_fleet(world: World, repo: RepoName, base: BranchName) -> FleetAt:
    """The fleet at the head of `base`, from a mirror that has been fetched. YamlFileError when its file is wrong."""
    mirror = world.mirror(repo)
    head = mirror.resolve(f"refs/heads/{base}")
    text = mirror.read_file(head, FLEET_FILE) if head else None
    if head is None or text is None:
        raise NotAFleet(f"{repo} has no {FLEET_FILE} on branch {base}")
    modules = parse_gitmodules((mirror.read_file(head, ".gitmodules") or b"").decode("utf-8", "replace"))
    file = parse_fleet(text.decode("utf-8", "replace"))
    return FleetAt(repo, base, head, file, modules.stanzas, modules.broken, mirror)


def read_pins(
    world: World, client: Client, installation: InstallationId, at: FleetAt, *, default_branch: BranchName
) -> tuple[Pinned, ...]:
    """Every pin of this base that the bot keeps: named by the fleet file, on our GitHub, and really a submodule."""
    pins = []
    for stanza in at.stanzas:
        submodule = at.submodule(stanza.path)
        upstream = resolve_upstream(stanza.url, fleet=at.repo, web_url=world.web_url)
        if submodule is None or upstream is None or at.mirror.pin_at(at.head, stanza.path) is None:
            continue
        tracked = submodule.branch or tracked_branch(stanza, own=at.base)
        if tracked is None:
            found = repository.find_repository(client, upstream)
            if found is None:
                continue
            tracked = BranchName(found.default_branch)
        pins.append(
            Pinned(
                fleet=at.repo,
                installation=installation,
                base=at.base,
                default_branch=default_branch,
                submodule=stanza.path,
                upstream=upstream,
                tracked=tracked,
                waits_for_checks=submodule.wait_for_checks,
                hub=_own_hub(at),
                show_upstream=submodule.show_upstream,
                prefix=at.file.commands.prefix,
            )
        )
    return tuple(pins)


def _own_hub(at: FleetAt) -> RepoName | None:
    """The hub that the fleet names, when it is of the same owner: nobody is written about at a stranger's."""
    hub = at.file.hub
    same = hub is not None and hub.split("/")[0].lower() == at.repo.split("/")[0].lower()
    return hub if same else None
