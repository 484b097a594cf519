"""Run a child program: with exactly the environment that it is given, without input, and for a limited time."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.domain.errors import BotError
from bot.settings.inherited import inherited


class ChildError(BotError):
    """A program could not be started, or did not end in time. The message is what follows the program's name."""


class ChildResult(NamedTuple):
    """Exit code and output of a child."""

    code: int
    out: bytes
    err: bytes


def render_limit(seconds: float) -> str:
    """The words behind the name of a program that was ended."""
    return f"did not end within {seconds:g} s"


def run_child(
    command: Sequence[object], *, environment: Mapping[str, str], seconds: float, merge_errors: bool = False
) -> ChildResult:
    """Run `command` to its end, or raise ChildError. With `merge_errors`, `out` holds both streams as they came."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,  # compose asks before it drops a volume's data: nothing may answer yes
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_errors else subprocess.PIPE,
            check=False,
            timeout=seconds,
            pass_fds=inherited(),
        )
    except subprocess.TimeoutExpired:
        raise ChildError(render_limit(seconds)) from None
    except OSError as problem:
        raise ChildError(f"could not be started: {problem.strerror}") from None
    return ChildResult(done.returncode, done.stdout, done.stderr or b"")
