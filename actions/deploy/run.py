"""Run `aios-bot node deploy`: the one on PATH, else the one of this action's own repository, installed once.

Only the standard library, and the same file for every system; everything else is in the package.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
OLDEST_PYTHON = (3, 11)


def main() -> int:
    """The command's own exit code."""
    program = shutil.which("aios-bot")
    if program is None:
        if sys.version_info < OLDEST_PYTHON:
            print(f"aios-bot needs Python 3.11 or newer, and this is {sys.version.split()[0]}", file=sys.stderr)
            return 1
        program = str(_installed())
    return subprocess.call([program, "node", "deploy"])


def _installed() -> Path:
    """The program in a folder of the runner's tool cache, made when this version is not there yet."""
    cache = Path(os.environ.get("RUNNER_TOOL_CACHE") or Path.home() / ".cache") / "aios-bot"
    home = cache / f"{_version()}-{sys.version_info.major}.{sys.version_info.minor}"
    if not home.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # Scripts hold the path of their folder, so it is made in place; the marker says that it is whole.
        print(f"installing aios-bot into {home}", file=sys.stderr)
    if not (home / "whole").exists():
        venv.create(home, with_pip=True, clear=True)
        python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        with tempfile.TemporaryDirectory() as build:
            source = Path(build) / "aios-bot"
            shutil.copytree(REPOSITORY, source, ignore=shutil.ignore_patterns(".git", ".venv", "tests"))
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(source)], check=True
            )
        (home / "whole").touch()
    return home / ("Scripts/aios-bot.exe" if os.name == "nt" else "bin/aios-bot")


def _version() -> str:
    """Sixteen digits that change with any file of the package."""
    digest = hashlib.sha256()
    for path in [REPOSITORY / "pyproject.toml", *sorted((REPOSITORY / "bot").rglob("*.py"))]:
        digest.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
