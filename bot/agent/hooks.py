"""Run an order's hooks: commands of the fleet file, in the checkout, as argument lists, without a shell.

They come from the signed order and nowhere else. A command that names a file (`scripts/make-certs.sh`) runs the one
of the ordered commit, which was approved with the rest of that commit.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from bot.agent.errors import OrderFailedError
from bot.domain.names import StackName
from bot.engine.docker import Docker
from bot.protocol.order import Hook, HookTime, Order
from bot.protocol.outcome import FailureReason

TIME_LIMIT = 900  # seconds
SHOWN_LINES = 20


class HookError(OrderFailedError):
    """A hook failed; the message ends with the last lines that it printed."""

    def __init__(self, message: str) -> None:
        super().__init__(FailureReason.HOOK, message)


def hooks_for(order: Order, when: HookTime, stack: StackName | None) -> tuple[Hook, ...]:
    """The hooks to run before or after `stack`, or all of the stacks when it is None."""
    return tuple(hook for hook in order.hooks if hook.when is when and hook.stack == stack)


def run_hook(hook: Hook, order: Order, root: Path, docker: Docker, log: Callable[[str], None]) -> None:
    """Run one hook in the checkout at `root`, or HookError. What it prints is logged, redacted."""
    name = " ".join(hook.command)
    variables = {"AIOS_BOT_NODE": order.node, "AIOS_BOT_COMMIT": order.commit, "AIOS_BOT_PIN": order.pin}
    variables |= {"AIOS_BOT_KIND": order.kind, "AIOS_BOT_STACK": hook.stack or ""}
    try:
        process = subprocess.Popen(
            [_program(hook.command[0], root), *hook.command[1:]],
            cwd=root,
            env=docker.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that what it started ends with it
        )
    except OSError as problem:
        raise HookError(f"the hook `{name}` could not be started: {problem.strerror}") from None
    try:
        out, _ = process.communicate(timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        _kill_group(process)
        raise HookError(f"the hook `{name}` did not end within {TIME_LIMIT} s") from None
    lines = [line for line in docker.redact(out.decode("utf-8", "replace")).splitlines() if line.strip()]
    for line in lines[-SHOWN_LINES:]:
        log(f"  {line}")
    if process.returncode != 0:
        last = " / ".join(lines[-3:]) or "(no output)"
        raise HookError(f"the hook `{name}` ended with code {process.returncode}: {last}")


def _program(word: str, root: Path) -> str:
    """A bare name is found on PATH; a path is a file of the checkout."""
    if "/" not in word and "\\" not in word:
        return word
    path = root / word
    if not path.resolve().is_relative_to(root.resolve()):
        raise HookError(f"the hook `{word}` leads out of the checkout")
    return str(path)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if os.name == "nt":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
