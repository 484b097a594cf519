"""Run compose over untrusted files, confined: what it sees, how long it runs, how much it uses.

With bubblewrap it has no network, sees no other process, and has a file system that holds the stack's files
(read-only, at CHECKOUT) and its own program. Without bubblewrap it has only limits, and is safe because the planner
gives it nothing but files that passed its check (bot.planner.inputs).
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bot.plan.rendering import CHECKOUT
from bot.settings.environment import child_environment

SECONDS = 30.0
_CPU_SECONDS = 20
_MEMORY = 1024 * 1024  # KiB of data; compose itself needs about 50 MiB
_OUTPUT = 16 * 1024 * 1024  # bytes
_ERRORS_SHOWN = 64 * 1024  # bytes
_PROCESSES = 4096  # of this user altogether: what a fork bomb would pass
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
# `ulimit -f` counts 512 bytes in every POSIX shell; processes are -u in bash and -p elsewhere.
_LIMITS = (
    f"ulimit -c 0; ulimit -t {_CPU_SECONDS}; ulimit -f {_OUTPUT // 512}; ulimit -d {_MEMORY}; "
    f"ulimit -u {_PROCESSES} 2>/dev/null || ulimit -p {_PROCESSES} 2>/dev/null; "
    'exec "$@"'
)


class ConfinedResult(NamedTuple):
    """How a confined process ended. `stopped` names the limit that it ran into, "" for none."""

    code: int
    out: bytes
    err: bytes
    stopped: str = ""


class Confinement(NamedTuple):
    """A way to run compose. The service logs `description` when it starts."""

    program: Path
    description: str
    bubblewrap: tuple[str, ...] = ()  # its command, or empty

    def seen_root(self, root: Path) -> str:
        """Where the process sees the folder `root`."""
        return CHECKOUT if self.bubblewrap else str(root)

    def run(
        self,
        arguments: Sequence[str],
        *,
        root: Path,
        folder: str,
        environment: Mapping[str, str],
        seconds: float = SECONDS,
    ) -> ConfinedResult:
        """Run the program with `arguments` in `folder` of `root`, with this environment and no other."""
        command: list[str] = [str(self.program), *arguments]
        inside = root / folder
        if self.bubblewrap:
            view = ["--ro-bind", str(root), CHECKOUT, "--chdir", f"{CHECKOUT}/{folder}".rstrip("/")]
            command = [*self.bubblewrap, *view, "--remount-ro", "/", "--", "/compose", *arguments]
            inside = root
        if os.name == "posix":
            command = ["/bin/sh", "-c", _LIMITS, "sh", *command]
        return _run(command, inside, environment, seconds)


def find_confinement(program: Path, *, allow_bubblewrap: bool = True) -> Confinement:
    """The strongest confinement that works here, found out by running `program` in it."""
    if allow_bubblewrap and (wrapper := shutil.which("bwrap", path=child_environment().get("PATH"))):
        base = (
            wrapper,
            *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *("--ro-bind", str(program), "/compose"),
        )
        libraries = tuple(word for path in _LIBRARIES for word in ("--ro-bind-try", path, path))
        for bubblewrap in (base, base + libraries):
            found = Confinement(program, "bubblewrap: no network, only the stack's own files visible", bubblewrap)
            with tempfile.TemporaryDirectory() as empty:
                done = found.run(["version", "--short"], root=Path(empty), folder="", environment={}, seconds=20)
            if done.code == 0 and done.out.strip():
                return found
    return Confinement(
        program,
        "process limits only: time, memory and output are bounded, and compose is given only the stack's own files; "
        "install bubblewrap (and allow user namespaces) for rendering without network and file system",
    )


def _run(command: list[str], folder: Path, environment: Mapping[str, str], seconds: float) -> ConfinedResult:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code, stopped = _wait(process, seconds), ""
        except subprocess.TimeoutExpired:
            code, stopped = 1, f"it took longer than {seconds:.0f} seconds"
        finally:
            _end_group(process)
        size = out.tell() if not stopped else 0
        if size >= _OUTPUT:
            stopped = f"its output is larger than {_OUTPUT // 1024 // 1024} MiB"
        elif code in (-signal.SIGKILL, 128 + signal.SIGKILL, 128 + signal.SIGXCPU, -signal.SIGXCPU) and not stopped:
            stopped = "it used more processor time or memory than it may"
        out.seek(0)
        err.seek(0)
        return ConfinedResult(code, out.read(_OUTPUT), err.read(_ERRORS_SHOWN), stopped)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    """The exit code, or subprocess.TimeoutExpired. Wakes at once, where Popen.wait with a limit polls every 50 ms."""
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(process.pid)
            ended = select.poll()
            ended.register(handle, select.POLLIN)
            try:
                ended.poll(seconds * 1000)
            finally:
                os.close(handle)
            return process.wait(timeout=0.05)
    return process.wait(timeout=seconds)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the process and of everything it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
