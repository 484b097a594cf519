"""`aios-bot notify test`, with the settings and the extra that there are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bot.domain.errors import ExitCode
from tests.integration.features.notices.receivers import receiving

ROOT = Path(__file__).parents[4]


def run(addresses: str, *, without: str = "") -> tuple[int, str]:
    """Exit code and all that is printed; `without`: a package that is not installed."""
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({without.split()!r})); from bot.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "notify", "test"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "AIOS_BOT_NOTIFY": addresses},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_each_address_is_tried_and_named_without_its_secrets() -> None:
    with receiving() as receivers:
        receivers.broken.add("ntfy")
        addresses = [receivers.addresses[kind] for kind in ("json", "ntfy")]
        secret = addresses[0].replace("json://", "json://ada:pass-word@")
        code, printed = run(f"{secret} {addresses[1]}")
    web = addresses[0].split("/")[2]
    assert f"json at {web}: sent\n" in printed
    assert f"ntfy at {web}: not taken\n" in printed
    assert "1 of 2 addresses failed" in printed
    assert "pass-word" not in printed
    assert code == ExitCode.FAILED
    assert [message.title for message in receivers.messages["json"]] == ["aios-bot: a test message"]


def test_without_an_address_or_the_extra_it_says_what_to_do() -> None:
    code, printed = run("")
    assert (code, printed) == (
        ExitCode.SETTINGS,
        "aios-bot: AIOS_BOT_NOTIFY is not set: there is no address to send to\n",
    )
    code, printed = run("ntfy://127.0.0.1/x", without="apprise")
    assert code == ExitCode.MISSING
    assert printed == (
        "aios-bot: notices are sent by Apprise, which is not installed: pip install 'aios-bot[notify]'\n"
    )
