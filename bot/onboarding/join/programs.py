"""Run other programs while a user looks on: their output goes to the terminal."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from bot.domain.errors import BotError


def run_shown(
    command: list[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    cure: str,
    secrets: Mapping[str, str] | None = None,
) -> None:
    """Run `command`, or raise BotError with the cure.

    `secrets` reach it as variables, for its arguments are everybody's to read.
    """
    try:
        done = subprocess.run(command, cwd=cwd, env={**environment, **(secrets or {})}, check=False)
    except OSError as problem:
        raise BotError(f"cannot run {command[0]} ({problem.strerror}): {cure}") from None
    if done.returncode != 0:
        raise BotError(f"{Path(command[0]).name} exited with {done.returncode}: {cure}")
