"""What a new node is handed, and the command that hands it over."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given

from bot.agent import installer
from bot.domain.errors import BotError
from bot.domain.names import BranchName, NodeName, RepoName
from bot.fleetfile import Node, Platform, parse_fleet
from bot.fleetfile.edit import set_entry
from bot.protocol import PROTOCOL_VERSION
from bot.protocol.agent import LOCK_FILE, AgentRelease, release_address
from bot.protocol.invitation import (
    HERE_DOCUMENT,
    INSTALLER_MARK,
    Invitation,
    RunnerDownload,
    compose_node,
    default_root,
    fleet_file_entry,
    is_absolute,
    parse_invitation,
    program_of,
    render_invitation,
    render_join_command,
)
from tests.stored_values import values_of, with_later_fields

FLEET = RepoName("Tecnocrat/aios-win")
JOINING = Path(__file__).parents[3] / "bot/onboarding/join"
INSTALLER = JOINING.parents[1] / "agent/installer.py"
INVITATION = Invitation(
    fleet=FLEET,
    node=NodeName("HP_LAB"),
    platform=Platform.WINDOWS,
    base=BranchName("main"),
    root=r"C:\aios-win",
    labels=("self-hosted", "HP_LAB"),
    key="-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n",
    web_url="https://github.com",
    token="ABC",
    downloads=tuple(RunnerDownload("x64", f"https://github.com/{n}/" + "u" * 120, "a" * 64) for n in range(3)),
)


def test_an_invitation_is_one_word_that_comes_back_whole() -> None:
    word = render_invitation(INVITATION)
    assert parse_invitation(word) == INVITATION
    assert word.replace("-", "").replace("_", "").isalnum()
    assert len(word) < 8000, "a command line of Windows holds no more"


@given(values_of(Invitation, frozenset({"Invitation.protocol"})))
def test_every_invitation_comes_back(invitation: Invitation) -> None:
    assert parse_invitation(render_invitation(invitation)) == invitation


def test_an_invitation_of_a_later_version_is_read_unless_it_says_that_it_cannot() -> None:
    def word(value: object) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode()

    assert parse_invitation(word(with_later_fields(INVITATION))) == INVITATION
    newer = msgspec.structs.replace(INVITATION, protocol=PROTOCOL_VERSION + 1)
    with pytest.raises(BotError) as caught:
        parse_invitation(word(newer))
    assert str(caught.value) == (
        "this invitation is of version 2 of the protocol, and this program knows 1: "
        "install the version of aios-bot that printed it"
    )


@pytest.mark.parametrize(
    "word", ["[" * 100_000, "", "x", "e30", "!!!", "\u00e9", render_invitation(INVITATION)[:-40]]
)
def test_a_damaged_one_is_told(word: str) -> None:
    with pytest.raises(BotError) as caught:
        parse_invitation(word)
    assert str(caught.value) == "this invitation is damaged: paste the whole command that `aios-bot node add` printed"


@pytest.mark.parametrize("platform", list(Platform))
def test_a_new_node_is_an_entry_that_reads_back(platform: Platform) -> None:
    node = compose_node(
        NodeName("N1"), platform=platform, fleet=FLEET, root="", labels=("gpu",), bootstrap=("scripts/a.sh", "b.ps1")
    )
    text = set_entry("version: 1\n", ("nodes", "N1"), fleet_file_entry(node))
    assert node.bootstrap == ("scripts/a.sh", "b.ps1")
    assert parse_fleet(text).nodes == (node,)
    assert is_absolute(default_root(FLEET, platform), platform)


def test_a_new_node_has_what_it_was_given() -> None:
    node = compose_node(NodeName("N1"), platform=Platform.LINUX, fleet=FLEET, root="/opt/x", labels=("gpu",))
    assert node == Node(name=NodeName("N1"), platform=Platform.LINUX, root="/opt/x", labels=("gpu",))
    assert fleet_file_entry(node) == {"platform": "linux", "root": "/opt/x", "labels": ["gpu"]}
    bare = compose_node(NodeName("N1"), platform=Platform.WINDOWS, fleet=FLEET, root="", labels=())
    assert fleet_file_entry(bare) == {"platform": "windows", "root": r"C:\aios-win"}
    assert default_root(FLEET, Platform.LINUX) == "/srv/aios-win"
    assert default_root(FLEET, Platform.ANDROID) == "/data/data/com.termux/files/home/aios-win"


def test_a_root_is_a_whole_path_of_its_platform() -> None:
    assert is_absolute(r"C:\x", Platform.WINDOWS)
    assert not is_absolute("/srv/x", Platform.WINDOWS)
    assert not is_absolute("x", Platform.LINUX)


def test_the_shells_command_runs_the_script_with_its_word_and_the_installer_inside() -> None:
    script = "printf '%s|' \"$1\"\ncat <<'X'\n@INSTALLER@\nX\n"
    command = render_join_command("word", platform=Platform.LINUX, script=script, installer="$it's `\n\n")
    shown = subprocess.run(["sh"], input=command, capture_output=True, text=True, check=True).stdout
    assert shown == "word|$it's `\n"


@pytest.mark.parametrize("script", ["exit 0 \t\n\n", "exit 0 \t", "exit X\n"])
def test_a_script_loses_nothing_but_the_lines_behind_it(script: str) -> None:
    kept = script.splitlines()[0]
    command = render_join_command("wo rd", platform=Platform.LINUX, script=script, installer="i")
    assert command == f"sh -s -- 'wo rd' <<'AIOS_BOT_END'\n{kept}\nAIOS_BOT_END"


def test_the_scripts_end_nothing_that_carries_them() -> None:
    installer = INSTALLER.read_text()
    assert installer.isascii()
    for text in ("\n'@", '\n"@', "\nAIOS_BOT_INSTALLER"):
        assert text not in installer, "a line that would end the text which carries it"
    shell = (JOINING / "join.sh").read_text()
    assert HERE_DOCUMENT not in shell + installer
    assert shell.isascii()
    assert shell.count(f"\n{INSTALLER_MARK}\n") == 1
    power = (JOINING / "join.ps1").read_text()
    assert "\n'@" not in power
    assert power.isascii()
    assert power.count(f"\n{INSTALLER_MARK}\n") == 1


def test_powershell_is_handed_an_installer_in_which_nothing_is_expanded() -> None:
    script = '$a = @"\n@INSTALLER@\n"@\n'
    command = render_join_command("word", platform=Platform.WINDOWS, script=script, installer="re.$ `x`\n")
    assert command == "& ([scriptblock]::Create(@'\n$a = @\"\nre.`$ ``x``\n\"@\n'@)) 'word'"


def test_an_invitation_names_the_agent_by_the_hash_of_its_lock() -> None:
    agent = AgentRelease(version="1.2.3", url=release_address("1.2.3"), lock="a" * 64)
    invitation = msgspec.structs.replace(INVITATION, agent=agent)
    sent = base64.urlsafe_b64decode(render_invitation(invitation) + "==")
    assert msgspec.json.decode(sent)["agent"] == {
        "version": "1.2.3",
        "url": "https://github.com/Tecnocrat/aios-bot/releases/download/v1.2.3",
        "lock": "a" * 64,
    }
    assert parse_invitation(render_invitation(invitation)) == invitation
    assert b"agent" not in base64.urlsafe_b64decode(render_invitation(INVITATION) + "==")


def test_the_installer_and_the_bot_call_the_lock_by_one_name() -> None:
    assert installer.LOCK_FILE == LOCK_FILE == "agent.txt"


@pytest.mark.portable
def test_a_shell_calls_the_program_where_it_was_installed() -> None:
    linux = "/var/lib/aios-bot-node/program/aios-bot"
    assert [program_of(one) for one in (Platform.LINUX, Platform.ANDROID)] == [linux, linux]
    assert program_of(Platform.WINDOWS) == r'& "$env:ProgramData\aios-bot-node\program\aios-bot.cmd"'
