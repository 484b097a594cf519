"""Standard streams that are closed or full, a folder that is gone, Ctrl-C: one line at most, and no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain.errors import ExitCode
from bot.settings.environment import child_environment
from sandbox.service import free_port

ROOT = Path(__file__).parents[3]
BOT = f"{sys.executable} -m bot"


def shell(folder: Path, line: str, **environment: str) -> tuple[int, str]:
    """Exit code of a line of sh in which $BOT is the program, and what it prints on standard error."""
    own = child_environment() | {"PYTHONPATH": str(ROOT), "BOT": BOT, "AIOS_BOT_NODE_STATE": str(folder / "state")}
    done = subprocess.run(
        ["sh", "-c", line],
        env=own | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$BOT fleet schema >&-", ExitCode.OK),
        ("$BOT node show 2>&-", ExitCode.NO_DATA),
        ("$BOT node deploy --order - <&-", ExitCode.USAGE),
        ("$BOT --help >/dev/full", ExitCode.NOT_WRITABLE),
        ("$BOT fleet schema >/dev/full", ExitCode.NOT_WRITABLE),
        ("$BOT node show 2>/dev/full", ExitCode.NO_DATA),
        ("$BOT nonsense 2>/dev/full", ExitCode.USAGE),
        ("$BOT fleet schema | head -1 >/dev/null", ExitCode.OK),
        ("mkdir gone && cd gone && rmdir ../gone && $BOT plan", ExitCode.NOT_WRITABLE),
    ],
)
def test_a_stream_or_folder_that_is_gone_or_full_ends_in_one_line(tmp_path: Path, line: str, code: ExitCode) -> None:
    ended, text = shell(tmp_path, line)
    assert (ended, "Traceback" in text, "Exception ignored" in text) == (code, False, False), text
    if "/dev/full" in line and code == ExitCode.NOT_WRITABLE:
        assert text == "aios-bot: the output cannot be written: No space left on device; make room there\n"


def test_the_service_starts_without_standard_streams(tmp_path: Path) -> None:
    waits = "for i in $(seq 200); do [ -s data/aios-bot.sqlite3 ] && break; sleep 0.1; done"
    line = f"$BOT serve <&- >&- 2>&- & {waits}; $BOT inbox list; code=$?; kill $!; wait $!; exit $code"
    ended, text = shell(tmp_path, line, PORT=str(free_port()))
    assert ended == ExitCode.OK, text
    assert (tmp_path / "data/aios-bot.sqlite3").read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("program", ["bot", "sandbox"])
def test_an_interrupt_while_the_program_is_loaded_leaves_no_traceback(tmp_path: Path, program: str) -> None:
    script = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise SystemExit(99)\n"
    (tmp_path / "click.py").write_text(script)  # the first package that is imported
    done = subprocess.run(
        [sys.executable, "-m", program, "--help"],
        env=child_environment() | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (ExitCode.INTERRUPTED, b"")


@pytest.mark.parametrize("program", ["bot", "sandbox"])
def test_a_clone_without_its_packages_names_the_command_that_installs_them(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", program, "--help"],
        env={"PATH": "/usr/bin:/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.MISSING
    assert done.stderr.startswith("aios-bot: the package click is not installed here: in a clone, `make demo`")
    assert len(done.stderr.splitlines()) == 1
