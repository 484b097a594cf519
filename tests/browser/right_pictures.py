"""Draws what a person sees when the App lacks a right: the check run, and `aios-bot check`, into docs/images."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from bot.github import manifest
from sandbox.world import FLEET
from tests.browser.picture import PICTURE, draw
from tests.github.stepping import Stepper, stepping

_LACKING = "actions"
_PAGE = "<title>aios-bot check</title><body style='margin:0;padding:12px;background:#0c0c0c'>{terminal}</body>"
_CODE = "<pre style='margin:0;color:#d9d9d9;font:14px/20px monospace'>{code}</pre>"
_WIDTH = 112  # characters


def main() -> None:
    """An owner who has not accepted a permission yet."""
    with tempfile.TemporaryDirectory(prefix="aios-") as name, stepping(Path(name), private=True) as steps:
        granted = {name: level for name, level in manifest.permissions().items() if name != _LACKING}
        steps.hub.accept_permissions(steps.world.installation, granted)
        steps.begin()
        run = steps.check(FLEET, "aios/access")
        assert run is not None
        draw(str(run["html_url"]), PICTURE.with_name("missing-right.png"), height=420)
        printed = f"$ aios-bot check\n{run_check(steps)}"
        console = Console(record=True, width=_WIDTH, file=io.StringIO())
        console.print(Text.from_ansi(printed))
        terminal = console.export_html(theme=MONOKAI, inline_styles=True, code_format=_CODE)
        page = Path(name) / "check.html"
        page.write_text(_PAGE.format(terminal=terminal), encoding="utf-8")
        draw(page.as_uri(), PICTURE.with_name("missing-right-terminal.png"), height=24 + 20 * printed.count("\n"))


def run_check(steps: Stepper) -> str:
    """What the command prints on a terminal."""
    environment = os.environ | {
        "GITHUB_APP_ID": str(steps.world.app.id),
        "GITHUB_APP_PRIVATE_KEY": steps.world.app.private_key_pem,
        "GITHUB_WEBHOOK_SECRET": "0123456789abcdef",
        "GITHUB_API_URL": f"{steps.hub.url}/api/v3",
        "AIOS_BOT_DATA": str(steps.world.checkouts.parent / "bot"),
        "COLUMNS": str(_WIDTH),
        "TERM": "xterm-256color",
    }
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-m", "bot", "check"]
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=subprocess.DEVNULL):
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # a terminal that the other side has left answers with an error
            while more := os.read(terminal, 1 << 16):
                printed += more
    os.close(terminal)
    return printed.decode().replace("\r\n", "\n")


if __name__ == "__main__":
    main()
