"""Run `aios-bot node deploy`: the program that this node joined with, or that a signed order switched it to.

It installs nothing: what runs on a node comes by its hash, from the invitation or from an order. Only the standard
library, the same file for every system, and readable by any Python 3: which one runs it is known only when it runs.
If there is no program, the deployment ends as `error`: the bot would wait for it otherwise.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

REPORT_LIMIT = 30  # seconds


def main() -> int:
    """The command's own exit code, or 1 if it could not be started."""
    try:
        return subprocess.call([*_program(), "node", "deploy"])
    except (OSError, RuntimeError) as problem:
        print(f"aios-bot: {problem}", file=sys.stderr)
        _report("aios-bot is not installed on the node: paste its join command again")
        return 1


def _program():
    """The command that runs aios-bot."""
    joined = _joined()
    if joined is not None:
        return [str(joined), "-I", "-m", "bot"]
    if importlib.util.find_spec("bot") is not None:  # AIOS_BOT_PYTHON is the joined program's own Python
        return [sys.executable, "-m", "bot"]
    found = shutil.which("aios-bot")
    if found is None:
        raise RuntimeError("it is not installed for the user of this runner: paste the join command again")
    return [found]


def _joined():
    """The Python of the program that join or a signed order installed last, if there is one."""
    folder = Path(os.environ.get("AIOS_BOT_NODE_STATE") or "/var/lib/aios-bot-node") / "program"
    try:
        home = folder / (folder / "current").read_text().strip()
    except OSError:
        return None
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python") if (home / "whole").exists() else None


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
