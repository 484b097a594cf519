"""What a new node is handed, and the command that hands it over."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.domain.errors import BotError
from bot.domain.names import BranchName, NodeName, RepoName
from bot.fleetfile import Platform, parse_fleet
from bot.fleetfile.edit import set_entry
from bot.protocol.invitation import (
    HERE_DOCUMENT,
    Invitation,
    RunnerDownload,
    default_root,
    fleet_file_entry,
    is_absolute,
    new_node,
    parse_invitation,
    render_command,
    render_invitation,
)

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


@pytest.mark.parametrize("word", ["", "x", "e30", "!!!", "\u00e9", render_invitation(INVITATION)[:-40]])
def test_a_damaged_one_is_told(word: str) -> None:
    with pytest.raises(BotError, match="paste the whole command"):
        parse_invitation(word)


@pytest.mark.parametrize("platform", list(Platform))
def test_a_new_node_is_an_entry_that_reads_back(platform: Platform) -> None:
    node = new_node(
        NodeName("N1"), platform=platform, fleet=FLEET, root="", labels=("gpu",), bootstrap=("scripts/a.sh", "b.ps1")
    )
    text = set_entry("version: 1\n", ("nodes", "N1"), fleet_file_entry(node))
    assert parse_fleet(text).nodes == (node,)
    assert is_absolute(default_root(FLEET, platform), platform)


def test_a_root_is_a_whole_path_of_its_platform() -> None:
    assert is_absolute(r"C:\x", Platform.WINDOWS)
    assert not is_absolute("/srv/x", Platform.WINDOWS)
    assert not is_absolute("x", Platform.LINUX)


def test_the_shells_command_runs_the_script_with_its_two_words() -> None:
    script = 'printf \'%s|%s\' "$1" "$2"\n'
    command = render_command("word", platform=Platform.LINUX, script=script, program="it's a; program")
    said = subprocess.run(["sh"], input=command, capture_output=True, text=True, check=True).stdout
    assert said == "word|it's a; program"


def test_the_scripts_end_nothing_that_carries_them() -> None:
    shell = (JOINING / "join.sh").read_text()
    assert HERE_DOCUMENT not in shell
    assert shell.isascii()
    power = (JOINING / "join.ps1").read_text()
    assert "\n'@" not in power
    assert power.isascii()
    command = render_command("word", platform=Platform.WINDOWS, script=power, program="a'b")
    assert command.endswith("'word' 'a''b'")
