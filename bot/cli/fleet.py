"""`aios-bot fleet ...`: make a folder or a repository a fleet.

Each command imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.groups import CommandGroup
from bot.domain.errors import ExitCode
from bot.domain.names import BranchName, NodeName, parse_repo_name
from bot.domain.platforms import Platform
from bot.settings.node import read_node_settings
from bot.text.terminal import printable

if TYPE_CHECKING:
    from bot.onboarding.migrate.facts import AnyStep, Migration
    from bot.onboarding.survey.facts import FleetProposal


@click.group(cls=CommandGroup)
def fleet() -> None:
    """Make a repository a fleet: migrate a folder, propose a fleet file, print the schema."""


@fleet.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--submodule", default="server", show_default=True, help="Path of the submodule with the stacks.")
@click.option("--server-url", help="Repository of the stacks. Default: the origin of the clone at that path.")
@click.option("--server-branch", help="Branch to track. Default: the one checked out at that path, otherwise main.")
@click.option("--remote", help="Repository to push to; create it on GitHub, empty, first.")
@click.option("--branch", default="main", show_default=True, help="Branch of a new repository.")
@click.option("--push/--no-push", default=True, show_default=True, help="Push at the end, or not.")
@click.option("--apply", "applies", is_flag=True, help="Carry out the steps. Without it they are only printed.")
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

    No file is lost: if that cannot be guaranteed, the command refuses, says what to do, and exits with 4. After an
    interruption, run the same command again to continue.
    """
    from bot.onboarding.migrate.apply import migrate as apply_migration
    from bot.onboarding.migrate.decide import decide_migration
    from bot.onboarding.migrate.facts import MigrationRequest
    from bot.onboarding.migrate.folder import MigrationState
    from bot.onboarding.migrate.read.folder import read_folder

    request = MigrationRequest(
        root=str(folder.resolve()),
        submodule=submodule,
        url=server_url,
        remote=remote,
        branch=BranchName(branch),
        tracked=BranchName(server_branch) if server_branch else None,
        push=push,
    )
    facts = read_folder(request)
    migration = decide_migration(facts, request)
    if migration.refusals:
        for refusal in migration.refusals:
            click.echo(f"aios-bot: {_printable(refusal)}", err=True)
        sys.exit(ExitCode.REFUSED)
    if not migration.steps:
        click.echo(_printable(f"{request.root}: nothing to do, {submodule} already is a submodule"))
        return
    if not applies:
        click.echo(_printable(_describe(request.root, migration)))
        return
    total = len(migration.steps)
    done = iter(range(1, total + 1))

    def print_step(step: AnyStep) -> None:
        click.echo(_printable(f"{next(done)}/{total} {step.title}"))

    apply_migration(request, migration, MigrationState(whole=facts.whole, old=facts.old), print_step)
    for note in migration.notes:
        click.echo(_printable(f"note: {note}"))
    click.echo(f"done: every file is still there, unchanged. Next: aios-bot fleet init {folder}")


def _describe(root: str, migration: Migration) -> str:
    lines = [f"{root}: {len(migration.steps)} steps. This is a dry run; --apply carries them out.", ""]
    for number, step in enumerate(migration.steps, start=1):
        lines.append(f"{number:2}. {step.title}")
        lines.extend(f"      {detail}" for detail in step.details)
    lines.extend(["", *(f"note: {note}" for note in migration.notes)] if migration.notes else [])
    return "\n".join(lines)


def _printable(text: str) -> str:
    """Spell what a terminal obeys, and replace what is not valid Unicode: file names may contain any bytes."""
    return printable(text.encode("utf-8", "replace").decode())


@fleet.command("init")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--template",
    type=click.Choice([str(platform) for platform in Platform]),
    help="Platform of machines without one. Default: taken from the repository's name.",
)
@click.option("--node", "name", help="Name of a machine to add.")
@click.option("--write", "writes", is_flag=True, help="Write the files. Without it they are only printed.")
@click.option(
    "--pull-request", "opens", is_flag=True, help="Open a pull request with the files, with your own token."
)
def init_command(folder: Path, template: str | None, name: str | None, writes: bool, opens: bool) -> None:
    """Propose the fleet file and the deploy workflow for the repository at FOLDER.

    Reads its submodules, their stacks, compose files and networks, the host registry, and the branches that pin the
    submodules. An existing fleet file keeps its comments and order, and gets the entries that it lacks.
    """
    from bot.fleetfile import FLEET_FILE
    from bot.fleetfile.shapes import NODE_NAME
    from bot.onboarding.survey.decide import decide_files
    from bot.onboarding.survey.read import read_repository, workflow_text

    if name is not None and not NODE_NAME.pattern.fullmatch(name):
        raise click.UsageError(f"--node: {name!r} is not usable; {NODE_NAME.words}")
    root = folder.resolve()
    proposal = decide_files(
        read_repository(root),
        workflow=workflow_text(),
        template=Platform(template) if template else None,
        node=NodeName(name) if name else None,
    )
    for file in proposal.files:
        what = "new" if file.is_new else "changed"
        click.echo(f"--- {file.path} ({what}{', written' if writes else ''})\n{file.text}")
        if writes:
            path = root / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.text.encode())
    if not proposal.files:
        complete = (root / FLEET_FILE).exists()
        click.echo(
            "nothing to add: the fleet file and the workflow are complete" if complete else "no file is proposed"
        )
    for note in proposal.notes:
        click.echo(_printable(f"note: {note}"))
    if proposal.files and opens:
        click.echo(f"opened: {_open_pull(root, proposal)}")
    elif proposal.files and not writes:
        click.echo("nothing was written: use --write or --pull-request. Then run aios-bot plan, commit and push")


def _open_pull(root: Path, proposal: FleetProposal) -> str:
    from bot.cli.user import find_fleet_of_clone, open_user_client
    from bot.features.hub.apply import propose_once

    return propose_once(
        open_user_client(read_node_settings()),
        parse_repo_name(find_fleet_of_clone(root)),
        branch=BranchName("aios-bot/init"),
        files={file.path: file.text for file in proposal.files},
        title="Make this repository a fleet",
        body="\n".join(["Proposed by `aios-bot fleet init`.", "", *(f"- {note}" for note in proposal.notes)]),
    )


@fleet.command("agent")
@click.option("--fleet", "named", help="OWNER/NAME of the fleet repository. Default: this clone's origin.")
@click.option(
    "--agent", "address", help="Folder of the release, as an address. Default: the release of this version."
)
def agent_command(named: str | None, address: str | None) -> None:
    """Propose the aios-bot that every node runs: open a pull request to the fleet file, with your own token.

    Merging it is the approval. From then on an order names that release by its hash, and the node that takes it
    fetches, checks and switches to it first.
    """
    from importlib.metadata import version

    from bot.cli.user import find_fleet_of_clone, open_user_client
    from bot.fleetfile import parse_fleet
    from bot.fleetfile.edit import set_entry
    from bot.onboarding.join.fleet import propose_text, read_fleet_file
    from bot.onboarding.join.release import read_release
    from bot.protocol.agent import release_address, render_agent

    release = read_release(address or release_address(version("aios-bot")))
    repo, client = parse_repo_name(named or find_fleet_of_clone()), open_user_client(read_node_settings())
    file = read_fleet_file(client, repo)
    text = set_entry(file.text, ("deploy", "agent"), render_agent(release))
    if address:
        text = set_entry(text, ("deploy", "agent_from"), release.url)
    parse_fleet(text)  # never propose an unusable file
    url = propose_text(
        client,
        repo,
        file,
        text,
        branch="aios-bot/agent",
        title=f"Run aios-bot {release.version} on every node",
        body=f"Merging this is the approval: each node's next order names aios-bot {release.version} by the SHA-256 "
        f"of its lock, `{release.lock}` ({release.url}). A node that cannot install it touches nothing, and says so.",
    )
    click.echo(f"opened: {url}" if url else f"the fleet file names aios-bot {release.version} already")


@fleet.command()
def schema() -> None:
    """Print the JSON Schema of the fleet file."""
    from bot.fleetfile.reference import render_schema

    click.echo(render_schema(), nl=False)
