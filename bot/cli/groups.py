"""A group of commands that imports a command when it is named: none waits for what another one imports."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module

import click


class CommandGroup(click.Group):
    """A click group that lists each command with its whole first sentence, which click would cut at one line.

    `later` maps the names of commands whose modules are not imported yet to "module:attribute".
    """

    def __init__(self, *args: object, later: Mapping[str, str] | None = None, **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]  # as click's own decorator hands them on
        self._later = dict(later or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in order."""
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, its module imported."""
        if cmd_name in self._later:
            module, _, attribute = self._later.pop(cmd_name).partition(":")
            self.add_command(getattr(import_module(module), attribute), cmd_name)
        command = super().get_command(ctx, cmd_name)
        if command is not None and command.short_help is None:
            text = inspect.cleandoc(command.help or "").partition("\n\n")[0].replace("\n", " ")
            command.short_help = text.partition(". ")[0].rstrip(".") + "."
        return command


def all_commands(group: click.Group) -> dict[str, click.Command]:
    """The commands of `group` by name, each imported."""
    ctx = click.Context(group)
    found = ((name, group.get_command(ctx, name)) for name in group.list_commands(ctx))
    return {name: command for name, command in found if command is not None}
