"""Check what a node needs, one by one, and say how to fix what is missing. Reads only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bot.agent.checkout import Checkout
from bot.agent.runner_version import check_runner, find_runner
from bot.agent.space import check_space
from bot.agent.state import Identity, NodeState, find_unfinished
from bot.agent.work_tree import WorkTree
from bot.domain.errors import BotError
from bot.domain.versions import parse_version
from bot.engine.docker import Docker, DockerError
from bot.engine.podman import find_podman
from bot.engine.programs import find_docker
from bot.engine.versions import UnreachableEngineError, check_versions
from bot.git.git import GitError, read_git_version
from bot.git.safe_git import GitAccess
from bot.settings.environment import docker_environment
from bot.settings.node import find_platform

OLDEST_GIT = (2, 31)  # the first that takes configuration from GIT_CONFIG_COUNT


class NodeCheck(NamedTuple):
    """The result of one check. `text` says what was found, and when it is not good, what to do."""

    name: str
    good: bool
    text: str


def run_checks(state: NodeState, docker: Docker, access: GitAccess, root: Path | None) -> tuple[NodeCheck, ...]:
    """The result of every check, also of those after a failed one."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("identity", lambda: _check_identity(state)),
        ("keys", lambda: _check_keys(state)),
        ("record", lambda: _check_record(state)),
        ("git", _check_git),
        ("engine", lambda: _check_engine(docker)),
        ("checkout", lambda: _check_checkout(state, access, root)),
        ("disk", lambda: _check_disk(state, docker, root)),
        ("runner", lambda: _check_runner(state, root)),
    ]
    return tuple(_find(name, check) for name, check in checks)


ENGINE_REMEDIES = {
    "windows": "start Docker Desktop, and run the runner as the person who is logged on: its pipe lets no service "
    "account in",
    "linux": "`sudo systemctl start docker`; the runner's user must be in the group docker, or DOCKER_HOST say where "
    "the engine is",
    "android": "there is no engine on Android: set DOCKER_HOST to one that can be reached (ssh://me@host), or to "
    "Podman's socket",
}


PODMAN_REMEDY = (
    "`systemctl --user enable --now podman.socket` (for root's without --user), or without systemd "
    "`podman system service --time=0 &`; DOCKER_HOST must name that socket"
)


def _check_engine(docker: Docker) -> str:
    find_docker()  # or the error of a missing client, with its own cure
    try:
        found = f"{check_versions(docker)} at {docker.host}"
    except UnreachableEngineError as problem:
        raise BotError(f"{problem}; {_engine_remedy(docker)}") from None
    return f"{found}; deploys run its health checks, for want of systemd" if find_podman(docker) else found


def _engine_remedy(docker: Docker) -> str:
    if "podman" in docker.environment.get("DOCKER_HOST", ""):
        return PODMAN_REMEDY
    return ENGINE_REMEDIES[find_platform()]


def _find(name: str, check: Callable[[], str]) -> NodeCheck:
    try:
        return NodeCheck(name, True, check())
    except (BotError, OSError) as problem:
        return NodeCheck(name, False, str(problem))


def _check_identity(state: NodeState) -> str:
    identity = state.read_identity()
    return f"{identity.node} of {identity.fleet}" + (", which only reports" if identity.report_only else "")


def _check_keys(state: NodeState) -> str:
    keys = state.read_keys()
    if not keys:
        raise BotError(
            "no key is trusted, so every order is refused: copy keys/orders.pub.pem from the bot's data folder here, "
            "and run `aios-bot node trust orders.pub.pem`"
        )
    trusted = ", ".join(key.fingerprint for key in keys)
    return f"trusts {trusted}; jobs of this runner could change that: anyone who may push workflows can run some"


def _check_record(state: NodeState) -> str:
    records = state.read_record()
    if state.folder.exists() and not os.access(state.folder, os.W_OK):
        raise BotError(f"{state.folder} is not writable for this user: run the runner as its owner")
    unfinished = find_unfinished(records)
    if unfinished is not None:
        raise BotError(
            f"order {unfinished.begun.order.number} was begun and never finished: run `{_command(state)} node "
            f"recover --state {state.folder}`, or let the next order put the node right"
        )
    return f"{len(records)} entries"


def _command(state: NodeState) -> str:
    """The program that was installed here: it is on nobody's PATH."""
    path = state.folder / "program" / ("aios-bot.cmd" if os.name == "nt" else "aios-bot")
    return str(path) if path.exists() else "aios-bot"


def _check_git() -> str:
    version = read_git_version(docker_environment())
    if parse_version(version) < OLDEST_GIT:
        raise BotError(f"git {version} is too old: install 2.31 or newer")
    return f"git {version}"


def _check_checkout(state: NodeState, access: GitAccess, root: Path | None) -> str:
    identity = state.read_identity()
    place = root or _own_root(identity)
    if place is None:
        return "named by the order"
    if not (place / ".git").exists():
        return f"{place} is not there yet; the first order clones it"
    try:
        WorkTree(place, access).edited_files()
    except GitError as problem:
        raise BotError(f"git cannot read {place}: {problem}; run this as the checkout's owner") from None
    head = Checkout(place, access).position("")
    return f"{place} at {head.commit[:7] if head else 'nothing'}"


def _check_disk(state: NodeState, docker: Docker, root: Path | None) -> str:
    engine = None
    with contextlib.suppress(DockerError):  # reported by the engine's own check
        engine = docker.data_folder()
    return check_space([root or state.folder, state.folder], engine=engine)


def _check_runner(state: NodeState, root: Path | None) -> str:
    if not (state.folder / "node.json").exists():
        return "there is no node here yet"
    identity = state.read_identity()
    return check_runner(find_runner(state.folder, root or _own_root(identity) or Path(), identity.node))


def _own_root(identity: Identity) -> Path | None:
    return Path(identity.root).expanduser() if identity.root else None
