"""`aios-bot fleet ...`: from what is there to a fleet repository, by a person at the keyboard.

Each command imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.domain.errors import ExitCode
from bot.fleetfile import Platform

if TYPE_CHECKING:
    from bot.onboarding.migrate.model import AnyStep, Migration
    from bot.onboarding.survey.facts import Proposed


@click.group()
def fleet() -> None:
    """Make a repository a fleet: migrate a folder, propose a fleet file, print its schema."""


@fleet.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--submodule", default="server", show_default=True, help="Where the stacks are, or are to be.")
@click.option("--server-url", help="Repository of the stacks. Default: the origin of what lies there.")
@click.option("--server-branch", help="Its branch. Default: the one that is checked out there, else main.")
@click.option("--remote", help="Repository that the folder becomes, made empty on GitHub.")
@click.option("--branch", default="main", show_default=True, help="Branch of a new repository.")
@click.option("--push/--no-push", default=True, show_default=True, help="Whether to push at the end.")
@click.option("--apply", "applies", is_flag=True, help="Do it. Without this every step is printed and nothing done.")
def migrate(  # noqa: PLR0917 - one parameter per option of the command
    folder: Path,
    submodule: str,
    server_url: str | None,
    server_branch: str | None,
    remote: str | None,
    branch: str,
    push: bool,
    applies: bool,
) -> None:
    """Turn FOLDER with a nested, copied or linked `server` into a repository with `server` as a submodule.

    No byte is lost: what cannot be done so is refused, with a cure. Interrupted, the same command goes on; done, it
    finds nothing to do. Exits 4 when it refuses.
    """
    from bot.domain.names import BranchName
    from bot.onboarding.migrate.decide import decide_migration
    from bot.onboarding.migrate.folder import State
    from bot.onboarding.migrate.gather import read_folder
    from bot.onboarding.migrate.model import Wish
    from bot.onboarding.migrate.perform import migrate as carry_out

    wish = Wish(
        root=str(folder.resolve()),
        submodule=submodule,
        url=server_url,
        remote=remote,
        branch=BranchName(branch),
        tracked=BranchName(server_branch) if server_branch else None,
        push=push,
    )
    facts = read_folder(wish)
    migration = decide_migration(facts, wish)
    if migration.refusals:
        for refusal in migration.refusals:
            click.echo(f"aios-bot: {_shown(refusal)}", err=True)
        sys.exit(ExitCode.REFUSED)
    if not migration.steps:
        click.echo(_shown(f"{wish.root}: nothing to do, {submodule} is a submodule"))
        return
    if not applies:
        click.echo(_shown(_describe(wish.root, migration)))
        return
    total = len(migration.steps)
    done = iter(range(1, total + 1))

    def tell(step: AnyStep) -> None:
        click.echo(_shown(f"{next(done)}/{total} {step.title}"))

    carry_out(wish, migration, State(whole=facts.whole, old=facts.old), tell)
    for note in migration.notes:
        click.echo(_shown(f"note: {note}"))
    click.echo(f"done: every file that was there is there, unchanged. Next: aios-bot fleet init {folder}")


def _describe(root: str, migration: Migration) -> str:
    lines = [f"{root}: {len(migration.steps)} steps. This is a dry run; --apply does them.", ""]
    for number, step in enumerate(migration.steps, start=1):
        lines.append(f"{number:2}. {step.title}")
        lines.extend(f"      {said}" for said in step.says)
    lines.extend(["", *(f"note: {note}" for note in migration.notes)] if migration.notes else [])
    return "\n".join(lines)


def _shown(text: str) -> str:
    """File names may hold anything; a terminal takes text."""
    return text.encode("utf-8", "replace").decode()


@fleet.command("init")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--template",
    type=click.Choice([str(platform) for platform in Platform]),
    help="Platform of machines that name none. Default: what the repository's name says.",
)
@click.option("--node", "name", help="One more machine, by its name.")
@click.option("--write", "writes", is_flag=True, help="Write the files. Without this they are printed.")
@click.option("--pull-request", "asks", is_flag=True, help="Open a pull request with them, with your own token.")
def init_command(folder: Path, template: str | None, name: str | None, writes: bool, asks: bool) -> None:
    """Propose what makes the repository at FOLDER a fleet: the fleet file and the deploy workflow.

    Looks at its submodules, their stacks, compose files and networks, at the host registry and at the branches that
    pin. A fleet file that is there keeps its comments and order, and gets what it lacks.
    """
    from bot.domain.names import NodeName
    from bot.fleetfile.shapes import NODE_NAME
    from bot.onboarding.survey.propose import propose
    from bot.onboarding.survey.read import read_repository, workflow_text

    if name is not None and not NODE_NAME.pattern.fullmatch(name):
        raise click.UsageError(f"--node: {name!r} is not usable; {NODE_NAME.words}")
    root = folder.resolve()
    proposed = propose(
        read_repository(root),
        workflow=workflow_text(),
        template=Platform(template) if template else None,
        node=NodeName(name) if name else None,
    )
    for file in proposed.files:
        what = "new" if file.is_new else "changed"
        click.echo(f"--- {file.path} ({what}{', written' if writes else ''})\n{file.text}")
        if writes:
            path = root / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.text.encode())
    if not proposed.files:
        click.echo("nothing to add: the fleet file and the workflow are there")
    for note in proposed.notes:
        click.echo(_shown(f"note: {note}"))
    if proposed.files and asks:
        click.echo(f"proposed: {_propose(root, proposed)}")
    elif proposed.files and not writes:
        click.echo("nothing was written; --write or --pull-request does it. Then: aios-bot plan, commit, push")


def _propose(root: Path, proposed: Proposed) -> str:
    from bot.domain.names import BranchName, parse_repo_name
    from bot.features.hub.apply import propose_once
    from bot.onboarding.join.person import as_person, fleet_here
    from bot.settings.node import read_node_settings

    return propose_once(
        as_person(read_node_settings()),
        parse_repo_name(fleet_here(root)),
        branch=BranchName("aios-bot/init"),
        files={file.path: file.text for file in proposed.files},
        title="Make this repository a fleet",
        body="\n".join(["Proposed by `aios-bot fleet init`.", "", *(f"- {note}" for note in proposed.notes)]),
    )


@fleet.command()
def schema() -> None:
    """Print the JSON Schema of the fleet file."""
    from bot.fleetfile.reference import render_schema

    click.echo(render_schema(), nl=False)
