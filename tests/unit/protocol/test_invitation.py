"""What a new node is handed, and the command that hands it over."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given

from bot.domain.errors import BotError
from bot.domain.names import BranchName, NodeName, RepoName
from bot.fleetfile import Node, Platform, parse_fleet
from bot.fleetfile.edit import set_entry
from bot.protocol import PROTOCOL_VERSION
from bot.protocol.invitation import (
    HERE_DOCUMENT,
    Invitation,
    RunnerDownload,
    compose_node,
    default_root,
    fleet_file_entry,
    is_absolute,
    parse_invitation,
    render_invitation,
    render_join_command,
)
from tests.stored_values import values_of, with_later_fields

FLEET = RepoName("Tecnocrat/aios-win")
JOINING = Path(__file__).parents[3] / "bot/onboarding/join"
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


def test_the_shells_command_runs_the_script_with_its_two_words() -> None:
    script = 'printf \'%s|%s\' "$1" "$2"\n'
    command = render_join_command("word", platform=Platform.LINUX, script=script, program="it's a; program")
    said = subprocess.run(["sh"], input=command, capture_output=True, text=True, check=True).stdout
    assert said == "word|it's a; program"


@pytest.mark.parametrize("script", ["exit 0 \t\n\n", "exit 0 \t", "exit X\n"])
def test_a_script_loses_nothing_but_the_lines_behind_it(script: str) -> None:
    kept = script.splitlines()[0]
    command = render_join_command("word", platform=Platform.LINUX, script=script, program="p")
    assert command == f"sh -s -- word p <<'AIOS_BOT_END'\n{kept}\nAIOS_BOT_END"


def test_the_scripts_end_nothing_that_carries_them() -> None:
    shell = (JOINING / "join.sh").read_text()
    assert HERE_DOCUMENT not in shell
    assert shell.isascii()
    power = (JOINING / "join.ps1").read_text()
    assert "\n'@" not in power
    assert power.isascii()
    command = render_join_command("word", platform=Platform.WINDOWS, script=power, program="a'b")
    assert command == f"& ([scriptblock]::Create(@'\n{power.rstrip()}\n'@)) 'word' 'a''b'"
