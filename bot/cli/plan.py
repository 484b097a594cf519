"""`aios-bot plan`: show what a move of the pin will do, from a checkout on this machine and without a server.

Imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.domain.errors import BotError
from bot.domain.names import CommitSha, SubmodulePath
from bot.fleetfile import FLEET_FILE, Fleet, Submodule, parse_fleet

if TYPE_CHECKING:
    from bot.git.git import GitRepository
    from bot.plan.model import Plan
    from bot.planner.renderer import Renderer


@click.command()
@click.option("--repo", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), show_default=True)
@click.option("--submodule", default="server", show_default=True, help="Path of the submodule in the repository.")
@click.option("--from", "old", help="Commit to start from. Default: the one that HEAD pins.")
@click.option("--to", "new", help="Commit to plan for. Default: the one checked out in the submodule.")
@click.option(
    "--fleet",
    "fleet_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Fleet file to use. Default: .github/aios-bot.yml at HEAD.",
)
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
def plan(  # noqa: PLR0917 - one parameter per option of the command
    repo: Path, submodule: str, old: str | None, new: str | None, fleet_file: Path | None, form: str
) -> None:
    """Show what moving a submodule's pin will do to every running service, from a local checkout."""
    from bot.features.bump.text import render_body
    from bot.plan.report.links import Links
    from bot.plan.report.text import render_json, render_text
    from bot.planner.renderer import Renderer

    with tempfile.TemporaryDirectory(prefix="aios-bot-plan-") as folder:
        renderer = Renderer(cache_root=Path(folder), secret_key=folder.encode())
        made = read_local_plan(
            repo=repo, submodule=submodule, old=old, new=new, fleet_file=fleet_file, renderer=renderer
        )
    match form:
        case "json":
            click.echo(render_json(made))
        case "markdown":
            click.echo(render_body(made, Links()))
        case _:
            click.echo(render_text(made))


def read_local_plan(
    *, repo: Path, submodule: str, old: str | None, new: str | None, fleet_file: Path | None, renderer: Renderer
) -> Plan:
    """The plan of moving `submodule` of the checkout at `repo` from `old` to `new` (any revision that git knows).

    Raises BotError with a cure if a checkout or a commit is missing, or the move is not forward.
    """
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
    if file is not None:
        return parse_fleet(file.read_text(encoding="utf-8"), path=str(file))
    text = repository.read_file(base, FLEET_FILE)
    return parse_fleet(text.decode("utf-8", "replace")) if text is not None else Fleet()
