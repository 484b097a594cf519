"""The files of a release: wheel, source distribution, the agent's lock, its pip, a bill of materials, checksums."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools/release"
PIP_LOCK = "requirements/pip.txt"
CHECKSUMS = "SHA256SUMS"
SBOM = "aios-bot.cdx.json"


class BuildError(Exception):
    """A step failed. The message says which, and what it printed."""


def build(folder: Path, *, source: Path = ROOT) -> dict[str, str]:
    """Build the wheel and the source distribution of `source`, lock the agent; return each file's SHA-256."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=source)
    write_agent_lock(folder, source=source)
    return digests(folder)


def write_agent_lock(folder: Path, *, source: Path = ROOT) -> Path:
    """Write the lock that a node installs by (bot.agent.installer): packages, the wheel, and the pip that installs.

    Its own SHA-256 stands for all of them. That pip is laid beside it: a machine without python3-venv has none.
    """
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run([*pip, "--require-hashes", "--only-binary", ":all:", "-d", str(folder), "-r", str(source / PIP_LOCK)])
    ((pip_name, pip_digest),) = ((name, value) for name, value in digests(folder).items() if name.startswith("pip-"))
    ((wheel, digest),) = (
        (name, value)
        for name, value in digests(folder).items()
        if name.startswith("aios_bot-") and name.endswith(".whl")
    )
    packages = (source / "requirements/agent.txt").read_text()
    file = folder / "agent.txt"
    file.write_text(
        f"# pip: {pip_name} sha256:{pip_digest}\n{packages}"
        f"aios-bot=={wheel.split('-')[1]} \\\n    --hash=sha256:{digest}\n"
    )
    return file


def digests(folder: Path) -> dict[str, str]:
    """Each file's name and SHA-256."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def write_sbom(folder: Path) -> Path:
    """Write the CycloneDX bill of materials of the service's lock, valid by its schema and the same for each run."""
    file = folder / SBOM
    run(
        [
            *(tool("cyclonedx-py"), "requirements", str(ROOT / "requirements/run.txt")),
            *("--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--output-format", "JSON"),
            *("--output-file", str(file)),
        ]
    )
    named = {one["name"] for one in json.loads(file.read_text())["components"]}
    missing = {"cryptography", "flask", "msgspec"} - {name.lower() for name in named}
    if missing:
        raise BuildError(f"{SBOM} does not name {', '.join(sorted(missing))}, which requirements/run.txt does")
    return file


def check(folder: Path) -> None:
    """Raise BuildError unless the package index would take the distributions."""
    run([tool("twine"), "check", "--strict", *(str(path) for path in folder.glob("aios_bot-*"))])


def write_checksums(folder: Path) -> Path:
    """Write SHA256SUMS over every other file, as `sha256sum --check` reads it."""
    file = folder / CHECKSUMS
    file.unlink(missing_ok=True)
    file.write_text("".join(f"{digest}  {name}\n" for name, digest in digests(folder).items()))
    return file


def tool(name: str) -> str:
    """A program of requirements/release.txt, installed into `.tools/release` when that changed."""
    lock = ROOT / "requirements/release.txt"
    folder = TOOLS.resolve()  # its programs name it, and start no more when it was moved
    stamp, digest = folder / ".lock", f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {folder}"
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--require-hashes", "-r", str(lock)])
        stamp.write_text(digest)
    return str(folder / "bin" / name)


def run(command: list[str], *, cwd: Path = ROOT) -> str:
    """Standard output of `command`. Raises BuildError with what it printed."""
    environment = dict(os.environ) | {"SOURCE_DATE_EPOCH": "315532800"}  # the first second that a zip file can hold
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"`{' '.join(command)}` failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout
