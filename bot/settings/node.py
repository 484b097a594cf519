"""The settings of the commands on a node. Standard library only: each order starts them again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.settings.environment import process_environment
from bot.settings.values import Secret, derive_html_url, parse_address, parse_folder, settings_error

DEFAULT_WATCH = 15
DEFAULT_LIMIT = 1800
_LONGEST_WATCH = 3600
_LIMITS = (60, 6 * 3600)


@dataclass(frozen=True)
class NodeSettings:
    """GitHub's variables of the job, and where the node keeps its state."""

    state: Path  # the node's own folder
    order: str  # the signed order's JSON; "" when the environment holds none
    repository: str  # "owner/name" of the fleet whose workflow runs; "" outside of a job
    token: Secret | None  # the job's own token: posts deployment statuses
    git_token: Secret | None  # fetches the fleet and its submodules
    api_url: str
    html_url: str
    log_url: str  # the job's page; "" outside of a job
    summary: Path | None  # the job's summary file
    watch: int = (
        DEFAULT_WATCH  # seconds for which a stack must run well after a deploy, where the order says no other
    )
    limit: int = DEFAULT_LIMIT  # seconds for one docker command, or for a one-shot that others wait for

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that output has to hide."""
        return tuple(secret.reveal() for secret in (self.token, self.git_token) if secret is not None)


def read_node_settings(environ: Mapping[str, str] | None = None) -> NodeSettings:
    """A node's settings from `environ` (default: the process environment), or SettingsError."""
    environ = process_environment() if environ is None else environ

    def read(name: str) -> str:
        return environ.get(name, "").strip()

    try:
        api_url = parse_address(read("GITHUB_API_URL") or "https://api.github.com")
    except ValueError as problem:
        raise settings_error([f"GITHUB_API_URL {problem}"]) from None
    token = read("GITHUB_TOKEN")
    git_token = read("AIOS_BOT_GIT_TOKEN") or token
    repository, run, summary = read("GITHUB_REPOSITORY"), read("GITHUB_RUN_ID"), read("GITHUB_STEP_SUMMARY")
    html_url = derive_html_url(api_url)
    return NodeSettings(
        state=parse_folder(read("AIOS_BOT_NODE_STATE") or _default_state(environ)),
        order=environ.get("AIOS_BOT_ORDER", ""),
        repository=repository,
        token=Secret(token) if token else None,
        git_token=Secret(git_token) if git_token else None,
        api_url=api_url,
        html_url=html_url,
        log_url=f"{html_url}/{repository}/actions/runs/{run}" if repository and run else "",
        summary=Path(summary) if summary else None,
        watch=_parse_seconds("AIOS_BOT_NODE_WATCH", read("AIOS_BOT_NODE_WATCH"), DEFAULT_WATCH, 0, _LONGEST_WATCH),
        limit=_parse_seconds("AIOS_BOT_NODE_LIMIT", read("AIOS_BOT_NODE_LIMIT"), DEFAULT_LIMIT, *_LIMITS),
    )


def _parse_seconds(name: str, text: str, default: int, least: int, most: int) -> int:
    if not text:
        return default
    if not text.isdecimal() or len(text) > len(str(most)) or not least <= int(text) <= most:
        raise settings_error([f"{name} must be seconds from {least} to {most}, not {text[:40]!r}"])
    return int(text)


def find_platform(environ: Mapping[str, str] | None = None) -> str:
    """What this machine is to a node: "windows", "android" (Termux) or "linux"."""
    if os.name == "nt":
        return "windows"
    prefix = (process_environment() if environ is None else environ).get("PREFIX", "")
    return "android" if prefix.startswith("/data/data/com.termux/") else "linux"


def _default_state(environ: Mapping[str, str]) -> str:
    match find_platform(environ):
        case "windows":
            return (environ.get("PROGRAMDATA") or r"C:\ProgramData") + r"\aios-bot-node"
        case "android":
            return f"{environ['PREFIX']}/var/lib/aios-bot-node"
    return "/var/lib/aios-bot-node"
