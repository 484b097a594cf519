"""The reference page of the commands, from their declarations to click."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from bot.cli.groups import all_commands
from bot.domain.errors import ExitCode


def render_commands(root: click.Command) -> str:
    """docs/reference/commands.md, for the commands below `root`."""
    codes = "\n".join(f"| {code.value} | {code.meaning} |" for code in ExitCode)
    parts = [_render_command(path, command) for path, command in _commands("aios-bot", root)]
    return f"""\
# Commands

The same as `aios-bot COMMAND --help` prints. Made from the code by `make docs`.

For completion in bash, put `eval "$(_AIOS_BOT_COMPLETE=bash_source aios-bot)"` into `~/.bashrc`; in zsh the same with
`zsh_source` into `~/.zshrc`; in fish `_AIOS_BOT_COMPLETE=fish_source aios-bot | source` into
`~/.config/fish/completions/aios-bot.fish`.

| exit code | meaning |
| --- | --- |
{codes}

{chr(10).join(parts)}"""


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name, inner in all_commands(command).items():
        yield from _commands(f"{path} {name}", inner)


def _render_command(path: str, command: click.Command) -> str:
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    usage = " ".join([path, "[OPTIONS]", *(f"[{a.human_readable_name}]" for a in arguments)])
    rows = [_render_option(p) for p in command.params if isinstance(p, click.Option) and not p.hidden]
    table = "\n".join(["| option | what it does |", "| --- | --- |", *rows]) + "\n" if rows else ""
    about = inspect.cleandoc(command.help or "").split("\f")[0].rstrip()
    return f"## `{path}`\n\n{about}\n\n```text\n{usage}\n```\n\n{table}"


def _render_option(option: click.Option) -> str:
    names = " / ".join([*option.opts, *option.secondary_opts])
    words = f" {option.make_metavar(click.Context(click.Command('x')))}" if not option.is_flag else ""
    shown = ""
    if option.show_default and option.default is not None and not option.is_flag:
        shown = f" Default: `{option.default}`."
    cells = (f"`{names}{words}`", f"{option.help or ''}{shown}".strip())
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
