"""`aios-bot node add|remove` for the user at a keyboard, `aios-bot node join|leave` on the node itself.

Each command imports what it needs when it runs, as in bot.cli.main.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.domain.errors import AccessError, BotError, ExitCode, NoDataError
from bot.domain.names import BranchName, NodeName, parse_repo_name
from bot.domain.platforms import Platform
from bot.settings.environment import read_data_folder, runner_environment
from bot.settings.node import read_node_settings

if TYPE_CHECKING:
    from bot.onboarding.join.node import NodeJoin
    from bot.protocol.agent import AgentRelease
    from bot.protocol.invitation import Invitation

_fleet_option = click.option("--fleet", help="OWNER/NAME of the fleet repository. Default: this clone's origin.")
_platform_option = click.option(
    "--platform",
    type=click.Choice([str(one) for one in Platform]),
    default=str(Platform.LINUX),
    show_default=True,
    help="What the machine runs.",
)


@click.command("add")
@click.argument("name")
@_platform_option
@_fleet_option
@click.option("--root", default="", help="Absolute path of its checkout. Default: by platform and repository.")
@click.option(
    "--label", "labels", multiple=True, help="Label of its runner; may be repeated. Default: self-hosted and NAME."
)
@click.option(
    "--bootstrap", multiple=True, help="Script of the repository to run on it once; may be repeated, in order."
)
@click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The bot's public key. Default: orders.pub.pem in AIOS_BOT_DATA/keys, on the service's machine.",
)
@click.option(
    "--agent",
    help="Folder of the release that the node installs, as an address; `installed` where aios-bot is on the machine "
    "already. Default: the release of this version.",
)
def add(  # noqa: PLR0917 - one parameter per option of the command
    name: str,
    platform: str,
    fleet: str | None,
    root: str,
    labels: tuple[str, ...],
    bootstrap: tuple[str, ...],
    key: Path | None,
    agent: str | None,
) -> None:
    """Add the machine NAME: open a pull request to the fleet file, and print one command to paste on it.

    Uses your own token (GITHUB_TOKEN, or that of `gh`): the bot itself may not register runners.
    """
    from bot.cli.user import find_fleet_of_clone, open_user_client
    from bot.fleetfile import parse_fleet
    from bot.fleetfile.edit import set_entry
    from bot.fleetfile.shapes import NODE_NAME
    from bot.onboarding.join.fleet import propose_text, read_downloads, read_fleet_file, read_runner_token
    from bot.protocol.invitation import (
        Invitation,
        compose_node,
        fleet_file_entry,
        is_absolute,
        render_invitation,
        render_join_command,
    )

    if not NODE_NAME.pattern.fullmatch(name):
        raise click.UsageError(f"NAME {name!r} is not usable; {NODE_NAME.words}")
    kind, repo = Platform(platform), parse_repo_name(fleet or find_fleet_of_clone())
    if root and not is_absolute(root, kind):
        raise click.UsageError(f"--root {root} is not an absolute path on {platform}")
    settings = read_node_settings()
    pem, release = _read_key(key), _read_agent(agent)  # before anything is proposed
    client = open_user_client(settings)
    file = read_fleet_file(client, repo)
    node = next((one for one in parse_fleet(file.text).nodes if one.name == name), None)
    text = file.text
    if node is None:
        node = compose_node(NodeName(name), platform=kind, fleet=repo, root=root, labels=labels, bootstrap=bootstrap)
        text = set_entry(text, ("nodes", name), fleet_file_entry(node))
        parse_fleet(text)  # never propose an unusable file
    url = propose_text(
        client,
        repo,
        file,
        text,
        branch=f"aios-bot/node/{name}",
        title=f"Add the node {name}",
        body=f"`{name}` ({node.platform}) joins the fleet. Merging this is the approval: the bot then sends it "
        "its first order, which waits until its runner is online.",
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
        agent=release,
    )
    if invitation.token:
        invitation = _with(invitation, downloads=read_downloads(client, repo, node.platform))
    script = files("bot.onboarding.join") / ("join.ps1" if node.platform is Platform.WINDOWS else "join.sh")
    click.echo(f"Merge {url}" if url else f"{name} is already in the fleet file", err=True)
    if not invitation.token:
        click.echo(
            "You may not register runners for this repository, so the command below needs an administrator's "
            f"token, from {settings.html_url}/{repo}/settings/actions/runners/new",
            err=True,
        )
    shell = "PowerShell" if node.platform is Platform.WINDOWS else "a shell"
    click.echo(f"Paste this into {shell} on {name} within an hour. It may be pasted again:\n", err=True)
    click.echo(
        render_join_command(
            render_invitation(invitation),
            platform=node.platform,
            script=script.read_text(),
            installer=(files("bot.agent") / "installer.py").read_text(),
        )
    )


@click.command("remove")
@click.argument("name")
@_fleet_option
def remove(name: str, fleet: str | None) -> None:
    """Remove the machine NAME from the fleet: open a pull request, remove its runner, say what to run on it."""
    from bot.cli.user import find_fleet_of_clone, open_user_client
    from bot.fleetfile import parse_fleet
    from bot.fleetfile.edit import remove_entry
    from bot.onboarding.join.fleet import propose_text, read_fleet_file, remove_runner
    from bot.protocol.invitation import program_of

    repo, settings = parse_repo_name(fleet or find_fleet_of_clone()), read_node_settings()
    client = open_user_client(settings)
    file = read_fleet_file(client, repo)
    url = propose_text(
        client,
        repo,
        file,
        remove_entry(file.text, ("nodes", name)),
        branch=f"aios-bot/node/{name}",
        title=f"Remove the node {name}",
        body=f"`{name}` leaves the fleet and gets no more orders. Its containers keep running.",
    )
    removed = remove_runner(client, repo, name)
    nodes = parse_fleet(file.text).nodes
    if not url and removed is False:
        known = f"; its nodes are {', '.join(one.name for one in nodes)}" if nodes else ""
        raise BotError(
            f"{repo} has no node {name}, and no runner of that name{known}. On a machine that was removed before, "
            "`aios-bot node leave` is what is left to run"
        )
    click.echo(f"Merge {url}" if url else f"{name} is not in the fleet file")
    match removed:
        case True:
            click.echo(f"The runner {name} was removed from GitHub.")
        case None:
            click.echo(
                "You may not remove runners of this repository; an administrator can do it at "
                f"{settings.html_url}/{repo}/settings/actions/runners"
            )
    platform = next((one.platform for one in nodes if one.name == name), Platform.LINUX)
    click.echo(f"Then run on {name}: {program_of(platform)} node leave")
    click.echo("(Where AIOS_BOT_NODE_STATE was set when it joined, its program is below that folder.)")


@click.command("join")
@click.argument("invitation")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="The node's state folder.")
@click.option("--token", default="", help="Runner token, if the invitation has none.")
def join(invitation: str, state: Path | None, token: str) -> None:
    """Make this machine the node that INVITATION is for. Run by the command from `aios-bot node add`."""
    from bot.onboarding.join.node import check_platform, find_obstacles
    from bot.onboarding.join.runner import check_user
    from bot.protocol.invitation import parse_invitation

    invited = parse_invitation(invitation)
    if token:
        invited = _with(invited, token=token)
    check_platform(invited)
    node_join = _joining(invited, state)
    check_user(node_join.environment)
    node_join.enrol()
    node_join.clone()
    node_join.bootstrap()
    obstacles = find_obstacles(node_join)
    if obstacles:
        for obstacle in obstacles:
            click.echo(f"FAIL {obstacle}", err=True)
        click.echo("aios-bot: fix these, then paste the same command again", err=True)
        sys.exit(ExitCode.FAILED)
    node_join.register_runner()
    click.echo(f"{invited.node} is ready. Its first order follows when its pull request is merged.", err=True)
    if node_join.program is not None:
        click.echo(f"Its aios-bot is {node_join.program}, for example `{node_join.program} node doctor`.", err=True)


@click.command("leave")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="The node's state folder.")
@click.option("--token", default="", help="GitHub's removal token, if the runner is still registered.")
def leave(state: Path | None, token: str) -> None:
    """Remove this machine from its fleet: its runner, keys and identity. Its checkout and containers stay."""
    from bot.agent.state import NodeState
    from bot.protocol.invitation import Invitation

    settings = read_node_settings()
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


def _with(invitation: Invitation, **changes: object) -> Invitation:
    import msgspec

    return msgspec.structs.replace(invitation, **changes)


def _joining(invitation: Invitation, state: Path | None) -> NodeJoin:
    from bot.agent.state import NodeState
    from bot.onboarding.join.node import NodeJoin

    def log(line: str) -> None:
        click.echo(line, err=True)

    folder = (state or read_node_settings().state).absolute()
    return NodeJoin(invitation, NodeState(folder), runner_environment(), log)


def _read_agent(named: str | None) -> AgentRelease | None:
    from importlib.metadata import version

    from bot.onboarding.join.release import read_release
    from bot.protocol.agent import release_address

    return None if named == "installed" else read_release(named or release_address(version("aios-bot")))


def _read_key(key: Path | None) -> str:
    from bot.envelope.keys import PublicKeyError, parse_public_key
    from bot.storage.keyfiles import ORDERS_PUBLIC

    place = key or read_data_folder() / "keys" / ORDERS_PUBLIC
    try:
        return parse_public_key(place.read_bytes()).pem
    except FileNotFoundError:
        raise NoDataError(
            f"{place} does not exist: name the bot's public key with --key (on the service's machine it is "
            f"AIOS_BOT_DATA/keys/{ORDERS_PUBLIC})"
        ) from None
    except OSError as problem:
        raise AccessError(place, "read", problem) from None
    except PublicKeyError as problem:
        raise BotError(f"{place} is {problem}") from None
