"""The invitation: everything that a new node needs to join, in one word that can be pasted. Pure.

It is no longer than a command line may be, and valid for an hour: that is how long GitHub's runner token lives.
"""

from __future__ import annotations

import base64
import binascii
import shlex
from pathlib import PurePosixPath, PureWindowsPath

import msgspec

from bot.domain.errors import BotError
from bot.domain.names import BranchName, NodeName, RepoName
from bot.domain.values import StoredValue
from bot.fleetfile import Node, Platform
from bot.protocol import PROTOCOL_VERSION
from bot.protocol.agent import AgentRelease

HERE_DOCUMENT = "AIOS_BOT_END"
INSTALLER_MARK = "@INSTALLER@"
"""Where a join script carries the text of bot/agent/installer.py."""
_ROOTS = {
    Platform.LINUX: "/srv/{name}",
    Platform.WINDOWS: r"C:\{name}",
    Platform.ANDROID: "/data/data/com.termux/files/home/{name}",
}


class RunnerDownload(StoredValue, frozen=True):
    """GitHub's runner for one kind of processor (x64, arm64, arm)."""

    architecture: str
    url: str
    sha256: str


class Invitation(StoredValue, frozen=True):
    """`token` registers the runner and is "" when it has to be given on the node; `key` is the bot's, as PEM."""

    fleet: RepoName
    node: NodeName
    platform: Platform
    base: BranchName
    root: str
    labels: tuple[str, ...]
    key: str
    web_url: str
    token: str = ""
    downloads: tuple[RunnerDownload, ...] = ()
    protocol: int = 1  # the lowest version of the protocol in which this can be read
    agent: AgentRelease | None = None  # what the join command installs; None: the machine has aios-bot already


def program_of(platform: Platform) -> str:
    """How a shell of a joined machine calls its aios-bot, which is on nobody's PATH: where nothing else was set."""
    return (
        r'& "$env:ProgramData\aios-bot-node\program\aios-bot.cmd"'
        if platform is Platform.WINDOWS
        else "/var/lib/aios-bot-node/program/aios-bot"
    )


def default_root(fleet: RepoName, platform: Platform) -> str:
    """Where a node keeps its checkout when no other place is named."""
    return _ROOTS[platform].format(name=fleet.split("/")[1])


def compose_node(
    name: NodeName,
    *,
    platform: Platform,
    fleet: RepoName,
    root: str,
    labels: tuple[str, ...],
    bootstrap: tuple[str, ...] = (),
) -> Node:
    """The node to be added to the fleet file."""
    return Node(
        name=name, platform=platform, root=root or default_root(fleet, platform), labels=labels, bootstrap=bootstrap
    )


def fleet_file_entry(node: Node) -> dict[str, str | list[str]]:
    """The node's entry in the fleet file."""
    entry: dict[str, str | list[str]] = {"platform": str(node.platform), "root": node.root}
    lists = {"labels": node.labels, "bootstrap": node.bootstrap}
    return entry | {name: list(items) for name, items in lists.items() if items}


def render_invitation(invitation: Invitation) -> str:
    """The invitation as one word."""
    return base64.urlsafe_b64encode(msgspec.json.encode(invitation)).decode().rstrip("=")


def parse_invitation(word: str) -> Invitation:
    """The invitation in `word`, or BotError."""
    try:
        whole = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        invitation = msgspec.json.decode(whole, type=Invitation)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise BotError(
            "this invitation is damaged: paste the whole command that `aios-bot node add` printed"
        ) from None
    if invitation.protocol > PROTOCOL_VERSION:
        raise BotError(
            f"this invitation is of version {invitation.protocol} of the protocol, and this program knows "
            f"{PROTOCOL_VERSION}: install the version of aios-bot that printed it"
        )
    return invitation


def is_absolute(root: str, platform: Platform) -> bool:
    """Whether `root` is a whole path on that platform."""
    kind = PureWindowsPath if platform is Platform.WINDOWS else PurePosixPath
    return kind(root).is_absolute()


def render_join_command(word: str, *, platform: Platform, script: str, installer: str) -> str:
    """One command to paste on the node. It holds script and installer whole, to be read before they run."""
    windows = platform is Platform.WINDOWS
    if windows:
        # Windows PowerShell takes a text between @" and "@ literally but for these two.
        installer = installer.replace("`", "``").replace("$", "`$")
    body = script.replace(INSTALLER_MARK, installer.rstrip("\n")).rstrip("\n")
    if windows:
        # A line that begins with '@ would end the text; neither file has such a line.
        return f"& ([scriptblock]::Create(@'\n{body}\n'@)) '{word}'"
    return f"sh -s -- {shlex.quote(word)} <<'{HERE_DOCUMENT}'\n{body}\n{HERE_DOCUMENT}"
