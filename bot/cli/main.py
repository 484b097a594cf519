"""The `aios-bot` program: its commands, its error messages and its exit codes.

Each command imports what it needs when it runs, so that a node's deploy does not wait for the service's packages.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from bot.cli.groups import CommandGroup
from bot.domain.errors import AccessError, BotError, ExitCode
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
            *("cryptography", "flask", "github", "jwt", "prometheus_client", "pydantic_settings"),
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
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of Windows has a code page that lacks most characters
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as problem:
        with suppress(OSError):
            problem.show()
        sys.exit(ExitCode.USAGE)
    except click.exceptions.Abort:
        sys.exit(ExitCode.INTERRUPTED)
    except BotError as problem:
        _print_problem("; ".join(filter(None, (str(problem), problem.cure))))
        sys.exit(problem.exit_code)
    except ModuleNotFoundError as problem:
        extra = EXTRAS.get((problem.name or "").partition(".")[0])
        if extra is None:
            _print_traceback()
            sys.exit(ExitCode.BUG)
        _print_problem(f"this command needs {problem.name}, which is not installed: pip install 'aios-bot[{extra}]'")
        sys.exit(ExitCode.MISSING)
    except OSError as problem:
        expected = _expected(problem)
        if expected is None:
            _print_traceback()
            sys.exit(ExitCode.BUG)
        _print_problem(str(expected))
        sys.exit(expected.exit_code)
    except Exception:  # noqa: BLE001 - the last resort: a bug is printed in full, with its own exit code
        _print_traceback()
        sys.exit(ExitCode.BUG)
    finally:
        _settle_streams()
        gc.freeze()  # Python looks for garbage again when it ends: among all that goes with the process anyway


_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def _open_missing_streams() -> None:
    """Give this process the null device for each standard stream that it was started without.

    Else the next file that is opened gets the stream's number, and what a child prints is written into that file.
    """
    for name, mode in _STREAMS:
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: the stream's own
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))


def _settle_streams() -> None:
    """Drop what a stream does not take: Python would try again at its end, and end with an exit code of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


_OF_THE_MACHINE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
)


def _expected(problem: OSError) -> BotError | None:
    """What a person can do about `problem`; None where it is a bug."""
    if isinstance(problem, FileNotFoundError) and not _has_folder():
        return AccessError("the folder that this was started in", "read", problem)
    if problem.errno not in _OF_THE_MACHINE:
        return None
    if problem.filename is None:
        return AccessError("the output", "written", problem)
    return AccessError(os.fsdecode(problem.filename), "read or written", problem)


def _has_folder() -> bool:
    try:
        return Path.cwd().is_dir()
    except OSError:
        return False


def _print_problem(text: str) -> None:
    with suppress(OSError):  # standard error may be on a full disk: the exit code says it, too
        click.echo(printable(f"aios-bot: {text}"), err=True)


def _print_traceback() -> None:
    import traceback

    with suppress(OSError):
        traceback.print_exc()
