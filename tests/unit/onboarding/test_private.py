"""The state folder is its user's alone: on Windows by its access list, elsewhere by its mode."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest

from bot.onboarding.join.private import acl_commands, make_private

SCRIPT = Path(__file__).parents[3] / "bot/onboarding/join/join.ps1"


@pytest.mark.portable
def test_what_others_were_given_is_taken_back_before_three_are_granted_everything() -> None:
    reset, grant = acl_commands(PureWindowsPath(r"C:\ProgramData\aios-bot-node"), r"HOME\Ada")
    folder = r"C:\ProgramData\aios-bot-node"
    assert reset == ["icacls", folder, "/reset", "/T", "/C", "/Q"]
    everything = ":(OI)(CI)F"
    granted = [rf"HOME\Ada{everything}", f"*S-1-5-32-544{everything}", f"*S-1-5-18{everything}"]
    assert grant == ["icacls", folder, "/inheritance:r", "/grant:r", *granted]


@pytest.mark.portable
def test_the_script_that_joins_does_the_same() -> None:
    lines = [line.strip() for line in SCRIPT.read_text(encoding="utf-8").splitlines() if "& icacls" in line]
    mine = '"*${me}:(OI)(CI)F"'
    assert lines == [
        "& icacls $state /reset /T /C /Q | Out-Null",
        f"& icacls $state /inheritance:r /grant:r {mine} '*S-1-5-32-544:(OI)(CI)F' '*S-1-5-18:(OI)(CI)F' | Out-Null",
    ]


def test_elsewhere_the_folder_is_made_for_its_user(tmp_path: Path) -> None:
    make_private(tmp_path / "a/state", {})
    assert (tmp_path / "a/state").stat().st_mode & 0o777 == 0o700
