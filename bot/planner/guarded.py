"""Work on a stranger's text in a child process that can be killed: for a limited time, within limited memory.

What the files of a stack can make a planner do is bounded nowhere else: aliases, nesting, patterns, sizes. The child
is forked, so that it starts with everything loaded, does one piece of work, leaves its result in a file, and ends:
none waits for work. A lock that another thread holds stays locked in a fork for ever, so `run_guarded` is for a
process of one thread; one of several has a ForkServer (bot.planner.forkserver). Only Linux forks safely; elsewhere,
where a person plans their own files, the work is done in this process.
"""

from __future__ import annotations

import contextlib
import gc
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
from typing import IO, Any, NamedTuple, NoReturn, Protocol, TypeVar

from bot.domain.errors import BotError

_T = TypeVar("_T")
FORKS = sys.platform == "linux"
_DONE, _RAISED, _NO_MEMORY = 0, 1, 3  # exit codes of the child
OUT_OF_TIME = None  # in place of an exit code: it had to be killed
_TICK_SECONDS = 0.1
_STATUS, _OPEN_FILES = Path("/proc/self/status"), Path("/proc/self/fd")


class StoppedError(BotError):
    """The child ran into a limit; the message says into which, as the end of a sentence."""


class NoChildError(BotError):
    """The system refused another process."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"the system refuses another process for a plan ({os.strerror(number)}): "
            "raise its limit of processes, or give it more memory"
        )


class Limits(NamedTuple):
    """What one piece of work may use, beside what this process has already."""

    seconds: float  # of time, the waiting for children of its own included
    cpu_seconds: int = 20
    memory: int = 1024 * 1024 * 1024  # bytes
    output: int = 64 * 1024 * 1024  # bytes of its result


class ChildRunner(Protocol):
    """Does work in a child with limits. What it returns or raises comes back, so it has to be picklable.

    Raises NoChildError where there cannot be a child.
    """

    def __call__(self, work: Callable[[], _T], limits: Limits, /) -> _T:
        """What `work` returns or raises; StoppedError when the child is ended by a limit."""


class ForkGuard(NamedTuple):
    """A ChildRunner that forks this process, which has no other threads; `meanwhile` is called while it waits."""

    meanwhile: Callable[[], object] | None = None

    def __call__(self, work: Callable[[], _T], limits: Limits, /) -> _T:
        """What `work` returns or raises; StoppedError when a limit ended it."""
        return _run(work, limits, self.meanwhile) if FORKS else work()


run_guarded = ForkGuard()


def _run(work: Callable[[], _T], limits: Limits, meanwhile: Callable[[], object] | None) -> _T:
    with tempfile.TemporaryFile() as result:
        gc.freeze()  # garbage collection in the child would touch, and so copy, every object that is loaded
        try:
            child = os.fork()
        except OSError as problem:
            gc.unfreeze()
            raise NoChildError(problem.errno or 0) from problem
        if child == 0:
            be_child(work, result.fileno(), limits)
        gc.unfreeze()
        code = _wait(child, limits.seconds, meanwhile)
        return read_result(code, result, limits)  # type: ignore[no-any-return]  # what `work` returned


def read_result(code: int | None, result: IO[bytes], limits: Limits) -> Any:
    """What a child that ended with `code` left in `result`: returned, or raised."""
    if code not in (_DONE, _RAISED):
        raise StoppedError(_explain(code, limits))
    result.seek(0)
    found: Any = pickle.loads(result.read())  # noqa: S301 - our own fork wrote it, and nobody else can
    if code == _RAISED:
        raise _made_again(*found)
    return found


def _explain(code: int | None, limits: Limits) -> str:
    if code is OUT_OF_TIME:
        return f"it took longer than {limits.seconds:.0f} seconds"
    if code == _NO_MEMORY:
        return "it used more memory than it may"
    if code == -signal.SIGXCPU:
        return f"it used more than {limits.cpu_seconds} seconds of processor time"
    return f"it ended with {code}"


def be_child(work: Callable[[], object], result: int, limits: Limits) -> NoReturn:
    """Do `work` within `limits`, leave what comes of it in the open file `result`, and never return."""
    code = _NO_MEMORY
    try:
        _let_go(result)
        _limit(limits)
        code = _leave(work, result, limits)
    except MemoryError:
        code = _NO_MEMORY
    finally:
        os._exit(code)


def _leave(work: Callable[[], object], result: int, limits: Limits) -> int:
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
    with open(result, "wb", closefd=False) as file:
        file.write(content)
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


def _wait(child: int, seconds: float, meanwhile: Callable[[], object] | None) -> int | None:
    """Its exit code, negative for a signal, or OUT_OF_TIME with the child killed."""
    try:
        handle = os.pidfd_open(child)
        try:
            in_time = _poll(handle, seconds, meanwhile)
        finally:
            os.close(handle)
    except BaseException:
        _end(child)
        raise
    if not in_time:
        _end(child)
        return OUT_OF_TIME
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _poll(handle: int, seconds: float, meanwhile: Callable[[], object] | None) -> bool:
    """Whether the child ended in time."""
    ended = select.poll()
    ended.register(handle, select.POLLIN)
    over = time.monotonic() + seconds
    while meanwhile is not None and (left := over - time.monotonic()) > 0:
        if ended.poll(min(left, _TICK_SECONDS) * 1000):
            return True
        meanwhile()
    return bool(ended.poll(max(0.0, over - time.monotonic()) * 1000))


def _end(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
