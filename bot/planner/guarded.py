"""Work on a stranger's text in a child process that can be killed: for a limited time, within limited memory.

What the files of a stack can make a planner do is bounded nowhere else: aliases, nesting, patterns, sizes. The child
is forked, so that it starts with everything loaded, does one piece of work, leaves its result in a file, and ends:
none waits for work. Locks and threads of this process do not live on in it: work makes its own. Only Linux forks
safely beside threads; elsewhere, where a person plans their own files, the work is done in this process.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from bot.domain.errors import BotError

_T = TypeVar("_T")
FORKS = sys.platform == "linux"
_DONE, _RAISED, _NO_MEMORY = 0, 1, 3  # exit codes of the child
_STATUS, _OPEN_FILES = Path("/proc/self/status"), Path("/proc/self/fd")
_IDLE_SECONDS = 5.0  # without processor time and without a process of its own, before a child counts as stuck
_TRIES = 3


class StoppedError(BotError):
    """The child ran into a limit; the message says into which, as the end of a sentence."""


class Limits(NamedTuple):
    """What one piece of work may use, beside what this process has already."""

    seconds: float  # of time, the waiting for children of its own included
    cpu_seconds: int = 20
    memory: int = 1024 * 1024 * 1024  # bytes
    output: int = 64 * 1024 * 1024  # bytes of its result


def run_guarded(work: Callable[[], _T], limits: Limits) -> _T:
    """What `work` returns or raises, in a child; StoppedError when the child is ended by a limit.

    A child that is stuck on a lock of this process is forked once more, so `work` may be begun more than once.

    The result goes through a file, so it may hold nothing that cannot be pickled.
    """
    if not FORKS:
        return work()
    for attempt in range(_TRIES):
        with tempfile.TemporaryFile() as result:
            child = os.fork()
            if child == 0:
                _be_child(work, result, limits)
            try:
                code = _wait(child, limits.seconds, watch=attempt + 1 < _TRIES)
            except _StuckError:
                continue
            result.seek(0)
            if code in (_DONE, _RAISED):
                found: Any = pickle.loads(result.read())  # noqa: S301 - our own fork wrote it, and nobody else can
                if code == _RAISED:
                    raise _made_again(*found)
                return found  # type: ignore[no-any-return]  # what `work` returned
            break
    raise StoppedError(_explain(code, limits))


class _StuckError(Exception):
    """The child waits for a lock that a thread of this process held when it was forked: nobody will release it."""


def _explain(code: int | None, limits: Limits) -> str:
    if code is None:
        return f"it took longer than {limits.seconds:.0f} seconds"
    if code == _NO_MEMORY:
        return "it used more memory than it may"
    if code == -signal.SIGXCPU:
        return f"it used more than {limits.cpu_seconds} seconds of processor time"
    return f"it ended with {code}"


def _be_child(work: Callable[[], object], result: IO[bytes], limits: Limits) -> None:
    """Do `work`, and never return."""
    code = _NO_MEMORY
    try:
        _let_go(result.fileno())
        _limit(limits)
        code = _leave(work, result, limits)
    except MemoryError:
        code = _NO_MEMORY
    finally:
        os._exit(code)


def _leave(work: Callable[[], object], result: IO[bytes], limits: Limits) -> int:
    """Leave in `result` what `work` returns or raises; the exit code that says which."""
    code = _DONE
    try:
        content = pickle.dumps(work())
    except MemoryError:
        return _NO_MEMORY
    except RecursionError:
        code, content = _RAISED, _pickled(StoppedError("it is nested too deeply"))
    except Exception as problem:  # noqa: BLE001 - raised where the work was asked for
        if not isinstance(problem, BotError):
            problem.add_note("".join(traceback.format_exception(problem)))  # where it was, in the child
        code, content = _RAISED, _pickled(problem)
    if len(content) > limits.output:
        code, content = _RAISED, _pickled(StoppedError(f"its result is larger than {limits.output >> 20} MiB"))
    result.write(content)
    result.flush()
    return code


def _pickled(problem: Exception) -> bytes:
    """What `_made_again` takes. An exception by itself is made again by a call that its class may not allow."""
    try:
        return pickle.dumps((type(problem), problem.args, problem.__dict__))
    except Exception:  # noqa: BLE001 - whatever it holds: its words are what counts
        return pickle.dumps((BotError, (str(problem),), {}))


def _made_again(kind: type[Exception], arguments: tuple[object, ...], attributes: dict[str, object]) -> Exception:
    found = kind.__new__(kind, *arguments)
    found.__dict__.update(attributes)
    return found


def _let_go(kept: int) -> None:
    """Let go of this process's locks and sockets: a service that is started while a child still works needs them.

    Their numbers stay taken, for objects that nobody uses here any more may still close them.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in [int(entry.name) for entry in _OPEN_FILES.iterdir()]:
        if number > 2 and number not in (kept, nothing):
            with contextlib.suppress(OSError):  # that of this listing
                os.fstat(number)
                os.dup2(nothing, number, inheritable=False)


def _limit(limits: Limits) -> None:
    import resource  # noqa: PLC0415 - only where there is a fork

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the parent gets it too, and ends us
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(limits.seconds) + 5)  # should the parent be gone
    now = sum(os.times()[:2])
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(now) + limits.cpu_seconds),
        (resource.RLIMIT_DATA, _data_bytes() + limits.memory),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _data_bytes() -> int:
    lines = _STATUS.read_text("ascii", "replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)


def _wait(child: int, seconds: float, *, watch: bool) -> int | None:
    """Its exit code, negative for a signal; None when it had to be killed because its time was over.

    Raises _StuckError, with the child killed, when `watch` is on and it neither computes nor waits for a process.
    """
    try:
        handle = os.pidfd_open(child)
        try:
            in_time = _poll(child, handle, seconds, watch=watch)
        finally:
            os.close(handle)
    except BaseException:
        _end(child)
        raise
    if not in_time:
        _end(child)
        return None
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _poll(child: int, handle: int, seconds: float, *, watch: bool) -> bool:
    """Whether the child ended in time."""
    ended = select.poll()
    ended.register(handle, select.POLLIN)
    now = time.monotonic()
    over, busy_until, before = now + seconds, now, -1
    while (left := over - now) > 0:
        if ended.poll(min(left, 1.0) * 1000 if watch else left * 1000):
            return True
        now, (used, wants) = time.monotonic(), _use(child)
        if used != before or wants or _has_children(child):
            busy_until, before = now, used
        elif watch and now - busy_until > _IDLE_SECONDS:
            raise _StuckError
    return bool(ended.poll(0))


def _use(child: int) -> tuple[int, bool]:
    """The processor time of the child and of its processes that ended, in clock ticks; whether it wants more now."""
    fields = Path(f"/proc/{child}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])), fields[0] != "S"


def _has_children(child: int) -> bool:
    """Whether the child has processes of its own; true where the kernel does not list them."""
    lists = list(Path(f"/proc/{child}/task").glob("*/children"))
    try:
        return not lists or any(one.read_text("ascii") for one in lists)
    except OSError:  # a thread ended while we read: it was at work
        return True


def _end(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
