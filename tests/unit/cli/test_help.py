"""The list of commands in each group's help."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from bot.cli.groups import all_commands
from bot.cli.main import aios_bot


def groups(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in all_commands(group).items():
        if isinstance(command, click.Group):
            yield from groups(command, *path, name)


@pytest.mark.parametrize("path", list(groups(aios_bot)), ids=" ".join)
def test_no_line_of_the_list_is_cut(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(aios_bot, [*path, "-h"], terminal_width=80)
    assert done.exit_code == 0
    listed = done.output.partition("\nCommands:\n")[2]
    assert listed
    assert "..." not in listed
    assert max(map(len, done.output.splitlines())) <= 80


def test_the_list_has_the_whole_first_sentence() -> None:
    text = " ".join(CliRunner().invoke(aios_bot, ["node", "-h"], terminal_width=80).output.split())
    assert "Add the machine NAME: open a pull request to the fleet file, and print one command" in text
