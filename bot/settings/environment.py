"""The one reader of the process environment, and the part of it that child programs get.

Child programs (git, docker) get `child_environment`, never our own, which may hold the App's key and the webhook
secret.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from bot.domain.tool_settings import is_tool_setting
from bot.settings.values import parse_folder

PROXIES = tuple(
    spelling(f"{name}_proxy") for name in ("http", "https", "no", "all") for spelling in (str.lower, str.upper)
)
"""Every spelling in which a proxy is named: git and curl read `http_proxy` in lower case alone."""

_KEPT_FOR_CHILDREN = (
    *PROXIES,
    "PATH",
    "HOME",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_KEPT_FOR_DOCKER = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "SSH_AUTH_SOCK",  # for an engine reached over ssh
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PATHEXT",
    "COMSPEC",
)
_NOT_FOR_STACKS = ("GITHUB_", "ACTIONS_", "RUNNER_", "INPUT_", "AIOS_BOT_", "GIT_", "PYTHON_ON_WHALES_")

DEFAULT_DATA = "data"


def process_environment() -> Mapping[str, str]:
    """Every variable of this process."""
    return os.environ


def child_environment() -> dict[str, str]:
    """What any child program may see: enough to be found and to verify TLS, no setting and no secret."""
    return _take(_KEPT_FOR_CHILDREN)


def _take(names: Collection[str]) -> dict[str, str]:
    """Those that are set, each once: on Windows, upper and lower case name one variable."""
    return {name: value for name, value in os.environ.items() if name in names}


def docker_environment() -> dict[str, str]:
    """What a docker client may see: `child_environment`, and where the engine is and how to reach it."""
    return child_environment() | _take(_KEPT_FOR_DOCKER)


def stack_environment() -> dict[str, str]:
    """What compose may interpolate on a node: the node's own environment without the job's and the bot's variables.

    A node's secrets come from there (the GitHub environment named like the node) or from `.env` files. What would
    make compose do something else than the order says (`COMPOSE_FILE`, ...) is left out.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(_NOT_FOR_STACKS)
        and not (is_tool_setting(name) and name.upper().startswith("COMPOSE_"))
    }


def read_cache_folder() -> Path:
    """Where a person's own commands keep what they can make again."""
    named = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(named) if named else Path.home() / ".cache") / "aios-bot"


def runner_environment() -> dict[str, str]:
    """What GitHub's runner is set up and started with: the node's own environment, and the runner's own switches."""
    own = {name: value for name, value in os.environ.items() if name.startswith("RUNNER_ALLOW_")}
    return docker_environment() | stack_environment() | own


def read_data_folder() -> Path:
    """Where the service on this machine keeps its data."""
    return parse_folder(os.environ.get("AIOS_BOT_DATA", "").strip() or DEFAULT_DATA)
