"""Help comes at once and is complete, and the completion that the reference page names is there."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot.cli.groups import all_commands
from bot.cli.main import aios_bot

MAX_CPU = 0.25  # seconds, user and system
REFERENCE = Path(__file__).resolve().parents[3] / "docs/reference/commands.md"
RUN = [sys.executable, "-c", "from bot.cli.main import main; main()"]


def test_help_takes_little_of_the_processor() -> None:
    def measure() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*RUN, "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    measure()  # compiles what was not compiled yet
    best = min(measure() for _ in range(5))
    print(f"aios-bot --help: {best:.3f} s of CPU")
    assert best < MAX_CPU


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in all_commands(group).items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in commands(aios_bot)], ids=" ".join)
def test_each_command_says_what_it_does_and_so_does_each_of_its_options(path: tuple[str, ...]) -> None:
    command = dict(commands(aios_bot))[path]
    assert command.help
    missing = [
        one.name for one in command.params if isinstance(one, click.Option) and not one.hidden and not one.help
    ]
    assert missing == []
    if not isinstance(command, click.Group):
        assert f"aios-bot {' '.join(path)}" in REFERENCE.read_text()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_documented_completion_is_there(shell: str) -> None:
    assert f"_AIOS_BOT_COMPLETE={shell}_source aios-bot" in REFERENCE.read_text() or shell == "zsh"
    environment = os.environ | {"_AIOS_BOT_COMPLETE": f"{shell}_source"}
    shown = subprocess.run(RUN, env=environment, capture_output=True, text=True, check=True).stdout
    assert f"_AIOS_BOT_COMPLETE={shell}_complete" in shown
    words = {"COMP_WORDS": "aios-bot node jo", "COMP_CWORD": "2", "_AIOS_BOT_COMPLETE": "bash_complete"}
    found = subprocess.run(RUN, env=os.environ | words, capture_output=True, text=True, check=True).stdout
    assert found.split() == ["plain,join"]
