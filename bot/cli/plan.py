"""`aios-bot plan`: show what a move of the pin will do, from a checkout on this machine and without a server.

Imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.terminal import working
from bot.domain.errors import BotError
from bot.domain.names import CommitSha, SubmodulePath
from bot.settings.environment import read_cache_folder
from bot.text.terminal import printable

if TYPE_CHECKING:
    from bot.fleetfile import Fleet
    from bot.git.git import GitRepository
    from bot.plan.model import Plan
    from bot.planner.renderer import Renderer

_PATHS_SHOWN = 5
_KEY_LENGTH = 32  # bytes


@click.command()
@click.option(
    "--repo",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    show_default=True,
    help="The fleet's checkout.",
)
@click.option("--submodule", default="server", show_default=True, help="Path of the submodule in the repository.")
@click.option("--from", "old", help="Commit to start from. Default: the one that HEAD pins.")
@click.option("--to", "new", help="Commit to plan for. Default: the one checked out in the submodule.")
@click.option(
    "--fleet",
    "fleet_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Fleet file to use. Default: .github/aios-bot.yml at HEAD.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="For a terminal, as in a pull request, or for a program.",
)
def plan(  # noqa: PLR0917 - one parameter per option of the command
    repo: Path, submodule: str, old: str | None, new: str | None, fleet_file: Path | None, form: str
) -> None:
    """Show what moving a submodule's pin will do to every running service, from a local checkout."""
    from bot.features.bump.text import render_body
    from bot.plan.report.links import Links
    from bot.plan.report.text import render_json, render_text
    from bot.planner.renderer import Renderer

    if new is None:
        _check_committed(repo / submodule, submodule)
    with _cache_folder() as folder:
        renderer = Renderer(cache_root=folder, secret_key=_read_key(folder))
        with working(f"rendering the stacks of {submodule} before and after"):
            made = read_local_plan(
                repo=repo, submodule=submodule, old=old, new=new, fleet_file=fleet_file, renderer=renderer
            )
    match form:
        case "json":
            click.echo(printable(render_json(made)))
        case "markdown":
            click.echo(printable(render_body(made, Links())))
        case _:
            click.echo(printable(render_text(made)))


def read_local_plan(
    *, repo: Path, submodule: str, old: str | None, new: str | None, fleet_file: Path | None, renderer: Renderer
) -> Plan:
    """The plan of moving `submodule` of the checkout at `repo` from `old` to `new` (any revision that git knows).

    Raises BotError with a cure if a checkout or a commit is missing, or the move is not forward.
    """
    from bot.fleetfile import Submodule
    from bot.planner.plans import Revision, plan_between

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
        raise BotError(f"{end[:7]} does not descend from {start[:7]}: a bump only moves forward")
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


def _check_committed(checkout: Path, submodule: str) -> None:
    """BotError when tracked files are edited: what is not committed would not be in the plan."""
    from bot.git.git import GitError, GitRepository

    try:
        status = ("--work-tree", str(checkout), "status", "--porcelain", "-z", "--untracked-files=normal")
        lines = GitRepository.of_checkout(checkout).run(*status).decode("utf-8", "replace").split("\0")
    except GitError:
        return  # read_local_plan says what is wrong with the checkout
    edited = [line[3:] for line in lines if line and not line.startswith("??")]
    if edited:
        raise BotError(
            f"{submodule} has edits that are not committed, and a plan knows commits only: {_listed(edited)}; "
            "commit them, or name the commit to plan for with --to (--to HEAD leaves the edits out)"
        )
    unknown = [line[3:] for line in lines if line.startswith("??")]
    if unknown:
        click.echo(printable(f"not in the plan, because git does not have them: {_listed(unknown)}"), err=True)


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - _PATHS_SHOWN} more" if len(paths) > _PATHS_SHOWN else ""
    return ", ".join(paths[:_PATHS_SHOWN]) + more


@contextlib.contextmanager
def _cache_folder() -> Iterator[Path]:
    """A folder of this person's that is kept from run to run; one for this run alone where none can be written."""
    folder = read_cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        (folder / "work").mkdir(exist_ok=True)
    except OSError:
        with tempfile.TemporaryDirectory(prefix="aios-bot-plan-") as temporary:
            yield Path(temporary)
    else:
        yield folder


def _read_key(folder: Path) -> bytes:
    """The key of the kept renderings, made the first time."""
    file = folder / "key"
    with contextlib.suppress(OSError):
        known = file.read_bytes()
        if len(known) == _KEY_LENGTH:
            return known
    fresh = secrets.token_bytes(_KEY_LENGTH)
    with contextlib.suppress(OSError):
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as target:
            target.write(fresh)
    return fresh


def _open(path: Path, cure: str, *, parent: GitRepository | None = None) -> GitRepository:
    from bot.git.git import GitError, GitRepository

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
    from bot.fleetfile import FLEET_FILE, Fleet, parse_fleet

    if file is not None:
        return parse_fleet(file.read_text(encoding="utf-8"), path=str(file))
    text = repository.read_file(base, FLEET_FILE)
    return parse_fleet(text.decode("utf-8", "replace")) if text is not None else Fleet()
