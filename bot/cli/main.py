"""The `aios-bot` program: its commands, its error messages and its exit codes.

Each command imports what it needs when it runs, so that a node's deploy does not wait for the service's packages.
"""

from __future__ import annotations

import gc
import io
import sys

import click

from bot.cli.groups import CommandGroup
from bot.domain.errors import BotError, ExitCode
from bot.text.terminal import printable

_COMMANDS = {
    "audit": "bot.cli.audit:audit",
    "backup": "bot.cli.operations:backup",
    "check": "bot.cli.check:check",
    "fleet": "bot.cli.fleet:fleet",
    "inbox": "bot.cli.operations:inbox",
    "keys": "bot.cli.keys:keys",
    "node": "bot.cli.node:node",
    "notify": "bot.cli.notify:notify",
    "plan": "bot.cli.plan:plan",
    "restore": "bot.cli.operations:restore",
    "serve": "bot.cli.serve:serve",
    "status": "bot.cli.status:status",
    "token": "bot.cli.token:token",
}


_GC_THRESHOLD = 20_000  # objects; most of what a command allocates at first is its modules, which stay


@click.group(cls=CommandGroup, later=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aios-bot")
def aios_bot() -> None:
    """Make a fleet of Docker Compose machines run exactly what a person approved."""


EXTRAS = {
    **dict.fromkeys(
        (
            *("cryptography", "dbos", "flask", "github", "jwt", "prometheus_client", "pydantic_settings"),
            *("rich", "sqlalchemy", "waitress", "werkzeug"),
        ),
        "service",
    ),
    "psycopg": "postgres",
    "apprise": "notify",
}
"""The packages that a node does without, each with the extra of aios-bot that brings it."""

_CLONE = "git clone https://github.com/Tecnocrat/aios-bot && cd aios-bot"
_ANY_ARGUMENTS = {"ignore_unknown_options": True}


@aios_bot.command(context_settings=_ANY_ARGUMENTS)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:  # noqa: ARG001 - those of `python -m sandbox demo` are accepted
    """Print how to run the demo from a clone of the repository."""
    raise BotError(f"the demo is not in the installed package; run it from a clone: {_CLONE} && make demo")


@aios_bot.command(context_settings=_ANY_ARGUMENTS)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:  # noqa: ARG001 - those of `python -m sandbox serve` are accepted
    """Print how to run the embedded GitHub from a clone of the repository."""
    raise BotError(f"the sandbox is not in the installed package; run it from a clone: {_CLONE} && make sandbox")


def main() -> None:
    """The `aios-bot` program."""
    run_program(aios_bot, "aios-bot")


def run_program(command: click.Command, name: str) -> None:
    """Run `command` as the program `name`. An expected error prints one message, a bug its traceback."""
    gc.set_threshold(_GC_THRESHOLD)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of Windows has a code page that lacks most characters
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        sys.exit(ExitCode.USAGE)
    except click.exceptions.Abort:
        sys.exit(130)
    except BotError as problem:
        click.echo(printable(f"aios-bot: {problem}"), err=True)
        sys.exit(problem.exit_code)
    except ModuleNotFoundError as problem:
        extra = EXTRAS.get((problem.name or "").partition(".")[0])
        if extra is None:
            _print_traceback()
            sys.exit(ExitCode.BUG)
        click.echo(
            f"aios-bot: this command needs {problem.name}, which a node does not install: "
            f"pip install 'aios-bot[{extra}]'",
            err=True,
        )
        sys.exit(ExitCode.MISSING)
    except (PermissionError, NotADirectoryError) as problem:
        where = problem.filename or "a file"
        click.echo(
            f"aios-bot: {where}: {problem.strerror}; run this as its owner, or choose another folder", err=True
        )
        sys.exit(ExitCode.NOT_WRITABLE)
    except Exception:  # noqa: BLE001 - the last resort: a bug is printed in full, with its own exit code
        _print_traceback()
        sys.exit(ExitCode.BUG)
    finally:
        gc.freeze()  # Python looks for garbage again when it ends: among all that goes with the process anyway


def _print_traceback() -> None:
    import traceback

    traceback.print_exc()
