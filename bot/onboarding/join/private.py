"""Make a node's state folder its user's alone: it says whose orders are taken, and holds the program that runs."""

from __future__ import annotations

import getpass
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath

from bot.domain.errors import BotError

_ADMINISTRATORS, _SYSTEM = "*S-1-5-32-544", "*S-1-5-18"  # by SID: their names differ by language


def acl_commands(folder: PurePath, user: str) -> tuple[list[str], ...]:
    """The commands by which only `user`, the administrators and the system may use `folder` and all in it. Pure.

    ProgramData lets everybody write into new folders. What others were given before, also further down, is taken back
    first; everything below inherits what the second command grants.
    """
    grants = [f"{name}:(OI)(CI)F" for name in (user, _ADMINISTRATORS, _SYSTEM)]
    return (
        ["icacls", str(folder), "/reset", "/T", "/C", "/Q"],
        ["icacls", str(folder), "/inheritance:r", "/grant:r", *grants],
    )


def make_private(folder: Path, environment: Mapping[str, str]) -> None:
    """Make `folder` if it is not there; on Windows also set its rights. Raises BotError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise BotError(f"{folder} cannot be made ({problem.strerror}): make it for this user") from None
    if sys.platform == "win32":
        for command in acl_commands(folder, f"{environment.get('USERDOMAIN', '.')}\\{getpass.getuser()}"):
            if subprocess.run(command, env=dict(environment), capture_output=True, check=False).returncode != 0:
                raise BotError(f"the rights of {folder} could not be set: `{' '.join(command)}` shows why")
