"""The program `aios-bot`, also as `python -m bot`, for where it is not on PATH."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bot.domain.errors import ExitCode

_OWN = ("bot", "sandbox", "tools")


@contextmanager
def starting() -> Iterator[None]:
    """Around the imports of a program: Ctrl-C ends it without a traceback, and a package that is missing is named.

    There is nothing to undo yet. A shell that starts the program in the background has SIGINT ignored: it stays so.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(ExitCode.INTERRUPTED))
    try:
        yield
    except ModuleNotFoundError as problem:
        if (problem.name or "").partition(".")[0] in _OWN:
            raise
        sys.stderr.write(
            f"aios-bot: the package {problem.name} is not installed here: in a clone, `make demo` installs what is "
            "needed into .venv, whose programs are .venv/bin/aios-bot and .venv/bin/python\n"
        )
        sys.exit(ExitCode.MISSING)
    finally:
        signal.signal(signal.SIGINT, before)


def main() -> None:
    """Import the program, and run it."""
    with starting():
        from bot.cli.main import main as run  # noqa: PLC0415 - the imports are what the block is for
    run()


if __name__ == "__main__":
    main()
