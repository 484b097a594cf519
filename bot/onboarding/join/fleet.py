"""Propose a change of the fleet file, and get or remove a runner, with the user's own token.

The App itself may not do this: registering runners needs `administration: write`, which also allows to change branch
protection, keys and collaborators (docs/decisions/a-person-adds-nodes.md).
"""

from __future__ import annotations

import base64
from typing import NamedTuple
from urllib.parse import quote

from bot.domain.errors import BotError
from bot.domain.names import BranchName, CommitSha, RepoName
from bot.domain.values import Wire
from bot.fleetfile import FLEET_FILE, Platform
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.errors import GitHubError, NotFound
from bot.github.pulls import propose_files
from bot.github.shapes import Branch
from bot.protocol.invitation import RunnerDownload


class FleetFile(NamedTuple):
    """The text of the fleet file on the default branch `base`, whose newest commit is `head`."""

    base: BranchName
    head: CommitSha
    text: str


class _Content(Wire, frozen=True):
    content: str


class _Token(Wire, frozen=True):
    token: str


class _Download(Wire, frozen=True):
    os: str
    architecture: str
    download_url: str
    sha256_checksum: str = ""


class _Runner(Wire, frozen=True):
    id: int
    name: str


_SYSTEMS = {Platform.LINUX: "linux", Platform.WINDOWS: "win", Platform.ANDROID: "linux"}


def read_fleet_file(client: Client, fleet: RepoName) -> FleetFile:
    """Read the fleet file. Raises BotError if the repository has none, or the token may not read it."""
    repo = repository.find_repository(client, fleet)
    if repo is None:
        raise BotError(f"{fleet} does not exist, or your token may not read it")
    base = BranchName(repo.default_branch)
    head = client.get(f"/repos/{fleet}/branches/{quote(base, safe='/')}", Branch).commit.sha
    found = client.find(f"/repos/{fleet}/contents/{FLEET_FILE}?ref={head}", _Content)
    if found is None:
        raise BotError(
            f"{fleet} has no {FLEET_FILE} on {base}: run `aios-bot fleet init` in a clone of it to propose one"
        )
    return FleetFile(base, CommitSha(head), base64.b64decode(found.content).decode())


def propose_text(
    client: Client, fleet: RepoName, file: FleetFile, text: str, *, branch: str, title: str, body: str
) -> str:
    """Open a pull request that gives the fleet file this text, or update the open one.

    Returns its address, "" if the file has this text already.
    """
    if text == file.text:
        return ""
    return propose_files(
        client,
        fleet,
        base=file.base,
        start=file.head,
        branch=BranchName(branch),
        files={FLEET_FILE: text},
        title=title,
        body=body,
    )


def read_runner_token(client: Client, fleet: RepoName, *, purpose: str) -> str:
    """A token to register or remove a runner (`purpose`), valid for an hour; "" if the user may not have one."""
    try:
        return client.post(f"/repos/{fleet}/actions/runners/{purpose}-token", _Token, {}).token
    except GitHubError as problem:
        if problem.status in (401, 403, 404):
            return ""
        raise


def read_downloads(client: Client, fleet: RepoName, platform: Platform) -> tuple[RunnerDownload, ...]:
    """The runners that GitHub offers for the platform, one per architecture, without those that lack a checksum."""
    found = client.get(f"/repos/{fleet}/actions/runners/downloads", list[_Download])
    return tuple(
        RunnerDownload(architecture=one.architecture, url=one.download_url, sha256=one.sha256_checksum)
        for one in found
        if one.os == _SYSTEMS[platform] and one.sha256_checksum
    )


def remove_runner(client: Client, fleet: RepoName, name: str) -> bool | None:
    """Remove the runner from GitHub. False if there was none, None if the user may not remove it."""
    try:
        runners = client.list(f"/repos/{fleet}/actions/runners", _Runner, within="runners")
        for runner in (one for one in runners if one.name == name):
            client.send("DELETE", f"/repos/{fleet}/actions/runners/{runner.id}")
            return True
    except NotFound:
        return None
    except GitHubError as problem:
        if problem.status != 403:
            raise
        return None
    return False
