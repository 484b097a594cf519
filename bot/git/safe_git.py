"""Run git safely in a node's checkout, whose files come from a repository that may be hostile.

The owner of the checkout keeps their settings: line ends, credentials, filters they installed. A repository cannot
set any of those, only name them. What it can choose are the addresses in `.gitmodules`; and a container with a
writable mount may have written below `.git`, so hooks, watchers and filters of the clone itself are never started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.domain.errors import BotError
from bot.domain.names import RepoName
from bot.git.credentials import add_settings, token_environment
from bot.git.gitmodules import Stanza
from bot.settings.environment import docker_environment

# host:path; a host of one letter is a drive of Windows.
_SCP = re.compile(r"(?:[^@/\s]+@)?[A-Za-z0-9][^:/\s]+:(?!//)(?!.*::)[^\s]+")
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.longpaths": "true",  # Windows; elsewhere it means nothing
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "gc.autoDetach": "false",  # nothing of ours is still at work after its command has ended
}


class UnsafeAddressError(BotError):
    """A submodule's address is of a kind from which a node does not fetch."""


class GitAccess(NamedTuple):
    """Where the fleet's GitHub is, and the token that reads it (None: git's own credentials do)."""

    web_url: str  # "https://github.com"
    token: str | None


def git_environment(access: GitAccess, *, origin: str, overridden: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """The environment for git in the checkout. `origin` is where the fleet is fetched from, rewritten or not.

    `overridden` are settings of the clone that do not count (bot.git.clone_settings).

    Only https, ssh and the origin's own protocol are spoken: `ext::` would run a command, and a `file:` address
    would put another repository of this machine into the checkout.
    """
    user = {"GIT_CONFIG_NOSYSTEM": "0", "GCM_INTERACTIVE": "never"}
    token = token_environment(access.token, server=access.web_url)
    protocols = dict.fromkeys(["https", "ssh", _protocol_of(origin)])
    made = docker_environment() | user | token | {"GIT_ALLOW_PROTOCOL": ":".join(protocols)}
    return add_settings(made, [*_SETTINGS.items(), *overridden])


def check_address(stanza: Stanza) -> None:
    """UnsafeAddressError unless the submodule lies beside the fleet, or is reached by https or ssh."""
    url = stanza.url
    if url.startswith(("./", "../")):
        return
    if "::" not in url and (_is_remote(url) or ("://" not in url and _SCP.fullmatch(url))):
        return
    raise UnsafeAddressError(
        f"the submodule at {stanza.path} comes from {url[:100]!r}: a node fetches by https or ssh, or from an "
        "address relative to the fleet's; change it in .gitmodules"
    )


def _is_remote(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("https", "ssh")
    except ValueError:  # "https://[host/x"
        return False


def _protocol_of(address: str) -> str:
    """ "http" of "http://host/x", "file" of a path, "ssh" of an scp-like address."""
    scheme = address.partition("://")[0].lower() if "://" in address else ""
    if scheme in ("http", "https", "ssh", "file"):
        return scheme
    return "ssh" if _SCP.fullmatch(address) else "file"


def is_address_of(url: str, fleet: RepoName) -> bool:
    """Whether a remote's address (https, ssh, scp-like or a path) ends in the fleet's owner and name."""
    path = url.replace("\\", "/").replace(":", "/").rstrip("/").removesuffix(".git").lower()
    return path.split("/")[-2:] == fleet.lower().split("/")
