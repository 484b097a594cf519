"""The user at the keyboard: their access to GitHub, and the repository that they are in."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot.domain.errors import BotError
from bot.git.git import check_git
from bot.github.app import connect
from bot.github.client import Client
from bot.settings.environment import child_environment
from bot.settings.node import NodeSettings


def open_user_client(settings: NodeSettings) -> Client:
    """A client with the user's own token: GITHUB_TOKEN, otherwise that of `gh`. Raises BotError."""
    if settings.token is not None:
        return connect(settings.api_url, settings.token.reveal())
    host = settings.html_url.partition("://")[2]
    try:
        done = subprocess.run(
            ["gh", "auth", "token", "--hostname", host], env=child_environment(), capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        raise BotError(
            "no token for GitHub: run `gh auth login`, or set GITHUB_TOKEN to a token that may write contents and "
            "pull requests of the fleet repository and administer it (for its runners)"
        ) from None
    return connect(settings.api_url, done.stdout.decode("ascii", "replace").strip())


def find_fleet_of_clone(folder: Path = Path()) -> str:
    """OWNER/NAME of the repository that the clone at `folder` came from, or UsageError, or ProgramMissingError."""
    check_git()
    command = ["git", "-C", str(folder), "config", "--get", "remote.origin.url"]
    done = subprocess.run(command, env=child_environment(), capture_output=True, check=False)
    url = done.stdout.decode("utf-8", "replace").strip()
    path = urlsplit(url).path if "://" in url else url.partition(":")[2]
    name = path.strip("/").removesuffix(".git")
    if name.count("/") != 1:
        raise click.UsageError("this is not a clone of a fleet repository: use --fleet OWNER/NAME")
    return name
