"""`aios-bot node add|remove` where a person sits, `aios-bot node join|leave` on the machine itself.

Each command imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.domain.errors import BotError, ExitCode
from bot.fleetfile import Platform

if TYPE_CHECKING:
    from bot.onboarding.join.join import Joining
    from bot.protocol.invitation import Invitation
    from bot.settings.node import NodeSettings

_fleet_option = click.option("--fleet", help="OWNER/NAME of the fleet repository. Default: this clone's origin.")
_platform_option = click.option(
    "--platform", type=click.Choice([str(one) for one in Platform]), default=str(Platform.LINUX), show_default=True
)


@click.command("add")
@click.argument("name")
@_platform_option
@_fleet_option
@click.option("--root", default="", help="Its checkout, as the node spells it. Default: by platform and repository.")
@click.option("--label", "labels", multiple=True, help="Label of its runner; repeat. Default: self-hosted and NAME.")
@click.option("--bootstrap", multiple=True, help="Script of the repository to run on it once; repeat, in order.")
@click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The bot's public key, orders.pub.pem. Default: AIOS_BOT_DATA/keys, where the service runs.",
)
@click.option("--program", help="What pip installs on the node. Default: the released aios-bot.")
def add(  # noqa: PLR0917 - one parameter per option of the command
    name: str,
    platform: str,
    fleet: str | None,
    root: str,
    labels: tuple[str, ...],
    bootstrap: tuple[str, ...],
    key: Path | None,
    program: str | None,
) -> None:
    """Add the machine NAME: a pull request to the fleet file, and one command to paste on it.

    Works with your own token (GITHUB_TOKEN, or what `gh` holds): the bot itself may not register runners.
    """
    from bot.domain.names import NodeName, parse_repo_name
    from bot.fleetfile import parse_fleet
    from bot.fleetfile.edit import set_entry
    from bot.fleetfile.shapes import NODE_NAME
    from bot.onboarding.join.person import as_person, fleet_here
    from bot.onboarding.join.propose import propose, read_downloads, read_fleet_file, read_runner_token
    from bot.protocol.invitation import (
        PROGRAM,
        Invitation,
        fleet_file_entry,
        is_absolute,
        new_node,
        render_command,
        render_invitation,
    )

    if not NODE_NAME.pattern.fullmatch(name):
        raise click.UsageError(f"NAME {name!r} is not usable; {NODE_NAME.words}")
    kind, repo = Platform(platform), parse_repo_name(fleet or fleet_here())
    if root and not is_absolute(root, kind):
        raise click.UsageError(f"--root {root} is no whole path on {platform}")
    settings = _settings()
    pem = _read_key(key)
    client = as_person(settings)
    file = read_fleet_file(client, repo)
    node = next((one for one in parse_fleet(file.text).nodes if one.name == name), None)
    text = file.text
    if node is None:
        node = new_node(NodeName(name), platform=kind, fleet=repo, root=root, labels=labels, bootstrap=bootstrap)
        text = set_entry(text, ("nodes", name), fleet_file_entry(node))
        parse_fleet(text)  # what is proposed is usable
    proposed = propose(
        client,
        repo,
        file,
        text,
        branch=f"aios-bot/node/{name}",
        title=f"Add the node {name}",
        body=f"`{name}` ({node.platform}) joins the fleet. Merging this is the approval: the bot then sends it its "
        "first order, which waits until its runner is there.",
    )
    invitation = Invitation(
        fleet=repo,
        node=node.name,
        platform=node.platform,
        base=file.base,
        root=node.root or root,
        labels=node.runner_labels,
        key=pem,
        web_url=settings.html_url,
        token=read_runner_token(client, repo, purpose="registration"),
        downloads=(),
    )
    if invitation.token:
        invitation = _with(invitation, downloads=read_downloads(client, repo, node.platform))
    script = (
        Path(__file__).parents[1]
        / "onboarding/join"
        / ("join.ps1" if node.platform is Platform.WINDOWS else "join.sh")
    ).read_text()
    click.echo(_say_proposed(proposed.url, name), err=True)
    if not invitation.token:
        click.echo(
            "You may not register runners of this repository; an administrator may. The command below will ask "
            f"for a token, which is found at {settings.html_url}/{repo}/settings/actions/runners/new",
            err=True,
        )
    shell = "PowerShell" if node.platform is Platform.WINDOWS else "a shell"
    click.echo(f"Paste this on {name}, into {shell}, within an hour; it may be pasted again:\n", err=True)
    click.echo(
        render_command(
            render_invitation(invitation), platform=node.platform, script=script, program=program or PROGRAM
        )
    )


def _say_proposed(url: str, name: str) -> str:
    return f"Merge {url}" if url else f"{name} is in the fleet file already"


@click.command("remove")
@click.argument("name")
@_fleet_option
def remove(name: str, fleet: str | None) -> None:
    """Take the machine NAME out of the fleet: a pull request, its runner, and what to type on it."""
    from bot.domain.names import parse_repo_name
    from bot.fleetfile.edit import remove_entry
    from bot.onboarding.join.person import as_person, fleet_here
    from bot.onboarding.join.propose import propose, read_fleet_file, remove_runner

    repo, settings = parse_repo_name(fleet or fleet_here()), _settings()
    client = as_person(settings)
    file = read_fleet_file(client, repo)
    proposed = propose(
        client,
        repo,
        file,
        remove_entry(file.text, ("nodes", name)),
        branch=f"aios-bot/node/{name}",
        title=f"Remove the node {name}",
        body=f"`{name}` leaves the fleet: it gets no orders any more. What runs on it goes on running.",
    )
    click.echo(f"Merge {proposed.url}" if proposed.url else f"{name} is not in the fleet file")
    match remove_runner(client, repo, name):
        case True:
            click.echo(f"The runner {name} is off GitHub's list.")
        case None:
            click.echo(
                "You may not remove runners of this repository: an administrator does it at "
                f"{settings.html_url}/{repo}/settings/actions/runners"
            )
    click.echo(f"On {name} itself: aios-bot node leave")


@click.command("join")
@click.argument("invitation")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="The node's own folder.")
@click.option("--token", default="", help="Runner token, where the invitation holds none.")
def join(invitation: str, state: Path | None, token: str) -> None:
    """Make this machine the node of INVITATION. What `aios-bot node add` prints runs it; safe to run again."""
    from bot.onboarding.join.join import check_platform
    from bot.onboarding.join.readiness import find_obstacles
    from bot.protocol.invitation import parse_invitation

    invited = parse_invitation(invitation)
    if token:
        invited = _with(invited, token=token)
    check_platform(invited)
    joining = _joining(invited, state)
    joining.enrol()
    joining.clone()
    joining.bootstrap()
    obstacles = find_obstacles(joining)
    if obstacles:
        for obstacle in obstacles:
            click.echo(f"FAIL {obstacle}", err=True)
        click.echo("aios-bot: cure these, then paste the same command again", err=True)
        sys.exit(ExitCode.FAILED)
    joining.register_runner()
    click.echo(f"{invited.node} is ready: its first order comes when its pull request is merged", err=True)


@click.command("leave")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="The node's own folder.")
@click.option("--token", default="", help="GitHub's removal token, where the runner is still on its list.")
def leave(state: Path | None, token: str) -> None:
    """Take this machine out of its fleet: its runner, its keys, its name. The checkout and what runs stay."""
    from bot.agent.state import NodeState
    from bot.domain.names import BranchName
    from bot.protocol.invitation import Invitation

    settings = _settings()
    identity = NodeState(state or settings.state).read_identity()
    invited = Invitation(
        fleet=identity.fleet,
        node=identity.node,
        platform=Platform.LINUX,
        base=BranchName("main"),
        root=identity.root or "/",
        labels=(),
        key="",
        web_url=settings.html_url,
        token=token,
    )
    _joining(invited, state).leave()


def _settings() -> NodeSettings:
    from bot.settings.node import read_node_settings

    return read_node_settings()


def _with(invitation: Invitation, **changes: object) -> Invitation:
    import msgspec

    return msgspec.structs.replace(invitation, **changes)


def _joining(invitation: Invitation, state: Path | None) -> Joining:
    from bot.agent.state import NodeState
    from bot.onboarding.join.join import Joining
    from bot.settings.environment import docker_environment, stack_environment

    def tell(line: str) -> None:
        click.echo(line, err=True)

    folder = (state or _settings().state).absolute()
    return Joining(invitation, NodeState(folder), docker_environment() | stack_environment(), tell)


def _read_key(key: Path | None) -> str:
    from bot.settings.environment import read_data_folder
    from bot.storage.keyfiles import ORDERS_PUBLIC

    place = key or read_data_folder() / "keys" / ORDERS_PUBLIC
    try:
        return place.read_text()
    except OSError:
        raise BotError(
            f"{place} is not there: name the bot's public key with --key (where the service runs it is "
            f"AIOS_BOT_DATA/keys/{ORDERS_PUBLIC})"
        ) from None
