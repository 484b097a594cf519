"""Run `aios-bot node deploy`: the program that this node joined with, or the one of this action, installed once.

Only the standard library, the same file for every system, and readable by any Python 3: which Python runs it is known
only when it runs. Everything else is in the package. If the program cannot be installed, the deployment ends as
`error`: the bot would wait for it otherwise.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LOCK = REPOSITORY / "requirements" / "agent.txt"
OLDEST_PYTHON = (3, 11)
REPORT_LIMIT = 30  # seconds


def main() -> int:
    """The command's own exit code, or 1 if it could not be started."""
    try:
        command, environment = _program()
    except (OSError, subprocess.CalledProcessError, RuntimeError) as problem:
        print(f"aios-bot: the program could not be installed: {problem}", file=sys.stderr)
        _report("aios-bot could not be installed on the node; see the log of its job")
        return 1
    return subprocess.call([*command, "node", "deploy"], env=environment)


def _program():
    """The command that runs aios-bot, and its environment."""
    environment = dict(os.environ)
    if importlib.util.find_spec("bot") is not None:  # AIOS_BOT_PYTHON is the joined program's own Python
        return [sys.executable, "-m", "bot"], environment
    found = shutil.which("aios-bot")
    if found is not None:
        return [found], environment
    if sys.version_info < OLDEST_PYTHON:
        version = sys.version.split()[0]
        raise RuntimeError(f"it needs Python 3.11 or newer, and this is {version}: paste the join command again")
    environment["PYTHONPATH"] = str(REPOSITORY)
    return [str(_installed()), "-m", "bot"], environment


def _installed() -> Path:
    """A Python with the packages of the agent's lock: hashed, wheels only. Made whole or not at all."""
    cache = Path(os.environ.get("RUNNER_TOOL_CACHE") or Path.home() / ".cache") / "aios-bot"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    home = cache / f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}-{version}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (home / "whole").exists():
        cache.mkdir(parents=True, exist_ok=True)
        print(f"installing what aios-bot needs into {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)], check=True)
        (home / "whole").touch()  # scripts hold the path of their folder, so it is made in place
    return python


def _report(words: str) -> None:
    """End the order's deployment as `error`. A report that cannot be posted is printed and changes nothing."""
    try:
        payload = json.loads(os.environ["AIOS_BOT_ORDER"])["payload"]
        order = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4)))
        api, repository = os.environ["GITHUB_API_URL"], os.environ["GITHUB_REPOSITORY"]
        address = f"{api}/repos/{repository}/deployments/{order['number']:d}/statuses"
        body = json.dumps({"state": "error", "description": words}).encode()
        headers = {
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
        }
        # The address is that of the job's own GitHub.
        request = urllib.request.Request(address, data=body, headers=headers, method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=REPORT_LIMIT).close()  # noqa: S310
    except (KeyError, TypeError, ValueError, OSError) as problem:
        print(f"aios-bot: the deployment status could not be posted: {problem!r}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
