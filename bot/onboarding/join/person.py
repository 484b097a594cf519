"""GitHub as the person who types, and the repository that they type in."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot.domain.errors import BotError
from bot.github.app import connect
from bot.github.client import Client
from bot.settings.environment import child_environment
from bot.settings.node import NodeSettings


def as_person(settings: NodeSettings) -> Client:
    """GitHub as the person who types."""
    if settings.token is not None:
        return connect(settings.api_url, settings.token.reveal())
    host = settings.html_url.partition("://")[2]
    try:
        said = subprocess.run(
            ["gh", "auth", "token", "--hostname", host], env=child_environment(), capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        raise BotError(
            "no token: run `gh auth login`, or set GITHUB_TOKEN to one of yours that may write contents and pull "
            "requests of the fleet, and administer it (for its runners)"
        ) from None
    return connect(settings.api_url, said.stdout.decode().strip())


def fleet_here(folder: Path = Path()) -> str:
    """The repository on GitHub that the clone at `folder` came from."""
    command = ["git", "-C", str(folder), "config", "--get", "remote.origin.url"]
    done = subprocess.run(command, env=child_environment(), capture_output=True, check=False)
    url = done.stdout.decode().strip()
    path = urlsplit(url).path if "://" in url else url.partition(":")[2]
    name = path.strip("/").removesuffix(".git")
    if name.count("/") != 1:
        raise click.UsageError("this is no clone of a fleet repository: say --fleet OWNER/NAME")
    return name
