"""Reference pages of the commands, from click, and of the settings, from their models."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from bot.domain.errors import ExitCode
from bot.settings.service import ServiceVariables

NODE_SETTINGS = {
    "AIOS_BOT_NODE_STATE": "the node's own folder: whom it trusts, what it did",
    "AIOS_BOT_ORDER": "the signed order, set by the deploy action",
    "AIOS_BOT_GIT_TOKEN": "reads the fleet and its private submodules; left out: the job's own token",
    "GITHUB_TOKEN": "the job's own token: reports how the deployment goes",
}
"""What a node reads beside `GITHUB_API_URL`. The tests compare this with what is read."""


def render_settings() -> str:
    """The page of the settings."""
    rows = []
    for field in ServiceVariables.model_fields.values():
        readers = "the service, a node" if field.alias == "GITHUB_API_URL" else "the service"
        rows.append((field.alias, readers, field.description, f"`{field.default}`" if field.default else ""))
    rows += [(name, "a node", about, "") for name, about in NODE_SETTINGS.items()]
    lines = [f"| `{name}` | {readers} | {about} | {default} |" for name, readers, about, default in rows]
    return f"""\
# Settings

All of them are environment variables, read once at start. Every missing or unusable one is reported at once; values
are never shown. This page is made from the code by `make docs`.

| setting | for | what it is | left out |
| --- | --- | --- | --- |
{chr(10).join(lines)}
"""


def render_commands(root: click.Command) -> str:
    """The page of the commands."""
    codes = "\n".join(f"| {number} | {meaning or 'done'} |" for number, meaning in _exit_codes())
    parts = [_render_command(path, command) for path, command in _commands("aios-bot", root)]
    return f"""\
# Commands

`aios-bot COMMAND --help` says the same. This page is made from the code by `make docs`.

| exit code | meaning |
| --- | --- |
{codes}

{chr(10).join(parts)}"""


def _exit_codes() -> list[tuple[str, str]]:
    """Number and meaning, as they stand in the code."""
    return re.findall(r"^ +[A-Z]+ = (\d+)(?:  # (.+))?$", inspect.getsource(ExitCode), re.MULTILINE)


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in sorted(command.commands):
        yield from _commands(f"{path} {name}", command.commands[name])


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
