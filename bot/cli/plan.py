"""`aios-bot plan`: show what a move of the pin will do, from a checkout on this machine and without a server.

Imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.plan_sides import PlanRequest, Sides, find_sides
from bot.cli.terminal import show_lines, ticking
from bot.domain.errors import ExitCode
from bot.settings.environment import read_cache_folder
from bot.text.terminal import printable

if TYPE_CHECKING:
    from bot.plan.model import Plan
    from bot.planner.renderer import Renderer

_PATHS_SHOWN = 5
_IN_IT = "edits that are not committed are part of this plan"
_NOT_THERE = "not in the plan, because git does not have them"
_KEY_LENGTH = 32  # bytes


@click.command()
@click.option(
    "--repo",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    show_default=True,
    help="The fleet's checkout, or one of the stacks repository alone.",
)
@click.option("--submodule", default="server", show_default=True, help="Path of the submodule in the repository.")
@click.option("--from", "since", help="Commit to start from. Default: the one that HEAD pins.")
@click.option("--to", "until", help="Commit to plan for. Default: what is checked out, with its edits.")
@click.option("--old", help="As --from, but any commit, or a folder; in either direction.")
@click.option("--new", help="As --to, but any commit, or a folder.")
@click.option("--stacks", help="Glob of the stack folders in a stacks repository alone. Default: stacks/*.")
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
    repo: Path,
    submodule: str,
    since: str | None,
    until: str | None,
    old: str | None,
    new: str | None,
    stacks: str | None,
    fleet_file: Path | None,
    form: str,
) -> None:
    """Show what moving a submodule's pin will do to every running service, from a local checkout.

    Uncommitted edits are part of the plan, and are listed. Exits with 0 when every stack was planned, whatever
    changes; with 4 when a stack cannot be analysed, so would not be deployed; with 1 when there is no plan.
    """
    from bot.engine.programs import find_compose
    from bot.plan.report.rows import unreadable_stacks
    from bot.plan.report.text import render_json, render_lines
    from bot.planner.guarded import ForkGuard
    from bot.planner.renderer import Renderer
    from bot.planner.worktree import ScratchRepository

    if (since or until) and (old or new):
        raise click.UsageError("--from and --to name commits, --old and --new any two sides: use one pair")
    request = PlanRequest(repo, submodule, old or since, new or until, not (old or new), fleet_file, stacks)
    with _cache_folder() as folder, tempfile.TemporaryDirectory(prefix="aios-bot-plan-") as temporary:
        sides = find_sides(request, ScratchRepository(Path(temporary)))
        for words, paths in ((_IN_IT, sides.edits), (_NOT_THERE, sides.unknown)):
            if paths:
                click.echo(printable(f"{words}: {_listed(paths)}"), err=True)
        # Without a thread: the plan is made in a fork of this process.
        with ticking(f"rendering the stacks of {sides.path} before and after") as tick:
            program = find_compose(kept=folder / "compose-version")
            renderer = Renderer(
                cache_root=folder, secret_key=_read_key(folder), program=program, guard=ForkGuard(tick)
            )
            made = make_plan(sides, renderer)
    match form:
        case "json":
            click.echo(printable(render_json(made)))
        case "markdown":
            from bot.features.bump.text import render_body
            from bot.plan.report.links import Links

            click.echo(printable(render_body(made, Links())))
        case _:
            show_lines(render_lines(made))
    if any(unreadable_stacks(made)):
        sys.exit(ExitCode.REFUSED)


def make_plan(sides: Sides, renderer: Renderer) -> Plan:
    """The plan between two sides."""
    from bot.fleetfile import Submodule
    from bot.planner.plans import Revision, plan_between

    own = next((one for one in sides.fleet.submodules if one.path == sides.path), Submodule(path=sides.path))
    return plan_between(
        Revision(sides.base, sides.old),
        Revision(sides.base, sides.new),
        fleet=sides.fleet,
        submodule=own,
        mirror=sides.mirror,
        upstream=sides.upstream,
        renderer=renderer,
        commits=(sides.old, sides.new) if sides.is_history else None,
    )


def _listed(paths: tuple[str, ...]) -> str:
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
