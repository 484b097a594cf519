"""A plan from a checkout on this machine, without any server: what a person runs before pushing."""

from __future__ import annotations

from pathlib import Path

from bot.domain.errors import BotError
from bot.domain.names import CommitSha, SubmodulePath
from bot.fleetfile import FLEET_FILE, Fleet, Submodule, parse_fleet
from bot.git.git import GitError, GitRepository
from bot.plan.model import Plan
from bot.planner.plans import Revision, plan_between
from bot.planner.renderer import Renderer


def read_local_plan(
    *, repo: Path, submodule: str, old: str | None, new: str | None, fleet_file: Path | None, renderer: Renderer
) -> Plan:
    """The plan of moving `submodule` of the checkout at `repo` from `old` to `new` (any revision git knows)."""
    fleet_repo = _open(repo, "--repo must be a git checkout")
    upstream = _open(
        repo / submodule, f"run `git submodule update --init {submodule}` in {repo} first", parent=fleet_repo
    )
    base = _resolve(fleet_repo, "HEAD", where=str(repo))
    pin = fleet_repo.pin_at(base, submodule)
    if pin is None:
        raise BotError(f"{repo} pins no submodule at {submodule!r}; name it with --submodule")
    start = _resolve(upstream, old or pin, where=submodule)
    end = _resolve(upstream, new or "HEAD", where=submodule)
    if not upstream.is_ancestor(start, end):
        raise BotError(f"{end[:7]} does not descend from {start[:7]}: a bump never goes there")
    fleet = _read_fleet(fleet_repo, base, fleet_file)
    path = SubmodulePath(submodule)
    own = next((one for one in fleet.submodules if one.path == path), Submodule(path=path))
    return plan_between(
        Revision(base, start),
        Revision(base, end),
        fleet=fleet,
        submodule=own,
        mirror=fleet_repo,
        upstream=upstream,
        renderer=renderer,
        commits=(start, end),
    )


def _open(path: Path, cure: str, *, parent: GitRepository | None = None) -> GitRepository:
    try:
        found = GitRepository.of_checkout(path)
    except GitError as problem:
        raise BotError(f"{path}: {problem}; {cure}") from None
    if parent is not None and found.git_dir.resolve() == parent.git_dir.resolve():
        raise BotError(f"{path} is not checked out; {cure}")
    return found


def _resolve(repository: GitRepository, revision: str, *, where: str) -> CommitSha:
    found = repository.resolve(revision)
    if found is None:
        raise BotError(f"{where} has no commit {revision!r}; fetch it first")
    return found


def _read_fleet(repository: GitRepository, base: CommitSha, file: Path | None) -> Fleet:
    if file is not None:
        return parse_fleet(file.read_text(encoding="utf-8"), path=str(file))
    text = repository.read_file(base, FLEET_FILE)
    return parse_fleet(text.decode("utf-8", "replace")) if text is not None else Fleet()
