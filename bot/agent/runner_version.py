"""GitHub's runner that `node join` installed here: its folder, its version, and whether GitHub still accepts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot.domain.errors import BotError
from bot.domain.names import NodeName
from bot.domain.versions import is_version, parse_version, render_version
from bot.settings.environment import child_environment

OLDEST_RUNNER = (2, 329, 0)
"""The oldest that GitHub lets register (GitHub's changelog: minimum version of self-hosted runners)."""
_LIMIT = 30  # seconds


def find_runner(state: Path, root: Path, node: NodeName) -> Path:
    """The runner's folder: on Windows near the drive's root, because its paths are long."""
    return Path(root.anchor) / f"runner-{node}" if sys.platform == "win32" else state / "runner"


def check_runner(folder: Path) -> str:
    """A line about the runner in `folder`. Raises BotError for one that GitHub gives no jobs."""
    program = folder / "bin" / ("Runner.Listener.exe" if sys.platform == "win32" else "Runner.Listener")
    if not program.exists():
        return "none of `node join` is here, so its version is not known"
    try:
        command = [str(program), "--version"]
        done = subprocess.run(
            command, env=child_environment(), capture_output=True, text=True, timeout=_LIMIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise BotError(f"{program} --version failed ({problem}): paste the command of `node add` again") from None
    return judge_version(done.stdout.strip())


def judge_version(version: str) -> str:
    """A line about a runner of `version`, as it prints it. Raises BotError for one that GitHub gives no jobs."""
    if not is_version(version):
        shown = f"the runner does not say which version it is ({version[:80]!r})"
        raise BotError(f"{shown}: paste the command of `node add` again")
    if parse_version(version) < OLDEST_RUNNER:
        raise BotError(
            f"runner {version} is older than {render_version(OLDEST_RUNNER)}, so GitHub gives it no jobs and it "
            "looks offline: leave its own updates on, or remove its folder and paste the command of `node add` again"
        )
    return f"runner {version}"
