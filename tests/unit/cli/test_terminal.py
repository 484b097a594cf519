"""Tables and progress as a real terminal and a pipe get them."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
HOSTILE = "evil\x1b]0;title\x07[/x] [red]name"
TABLE = f"from bot.cli.terminal import show_table; show_table(('state', 'name'), [('failed', {HOSTILE!r})])"
VERDICTS = (
    "from bot.cli.terminal import show_verdicts\n"
    f"show_verdicts([('ok', 'green', {HOSTILE!r}), ('FAIL', 'bold red', 'word ' * 30)])"
)
WORKING = "import time; from bot.cli.terminal import working\nwith working({what!r}): time.sleep({seconds})"
TICKING = (
    "import threading; from bot.cli import terminal; terminal.PATIENCE = 0.0\n"
    "with terminal.ticking('rendering') as tick: print(tick and tick(), threading.active_count())"
)
SHOWN = "evil\\u001b]0;title\\u0007[/x] [red]name"


def on_terminal(program: str, **environment: str) -> str:
    """What a terminal of 100 columns gets from `program`."""
    main, other = pty.openpty()
    given = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100", "LINES": "24", **environment}
    with subprocess.Popen([sys.executable, "-c", program], stdout=other, stderr=other, env=given) as process:
        os.close(other)
        found = b""
        while True:
            try:
                more = os.read(main, 4096)
            except OSError:
                break
            if not more:
                break
            found += more
    os.close(main)
    assert process.returncode == 0, found
    return found.decode()


def piped(program: str, *, without: str = "") -> tuple[str, str]:
    hidden = f"import sys; sys.modules.update(dict.fromkeys({without.split()!r}))\n"
    done = subprocess.run(
        [sys.executable, "-c", hidden + program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_a_table_on_a_terminal_has_a_head_and_hostile_names_do_nothing() -> None:
    lines = on_terminal(TABLE, NO_COLOR="1").splitlines()
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in lines]
    assert bare == ["state   name", f"failed  {SHOWN}"]
    assert "\x1b]" not in "".join(lines)
    assert not re.search(r"\x1b\[[0-9;]*(3|4|9|10)[0-7]m", "".join(lines)), "NO_COLOR"


def test_a_pipe_gets_plain_lines_and_so_does_a_node_without_rich() -> None:
    assert piped(TABLE) == (f"failed  {SHOWN}\n", "")
    assert piped(TABLE, without="rich") == (f"failed  {SHOWN}\n", "")
    assert piped(WORKING.format(what="x", seconds=0)) == ("", "")


def test_a_long_text_is_wrapped_beside_its_verdict_on_a_terminal_and_whole_in_a_pipe() -> None:
    lines = on_terminal(VERDICTS).splitlines()
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in lines]
    assert bare == [
        f"ok   {SHOWN}",
        "FAIL " + " ".join(["word"] * 19),
        "     " + " ".join(["word"] * 11),
    ]
    assert "\x1b]" not in "".join(lines)
    assert "\x1b[32mok" in lines[0]
    assert "\x1b[1;31mFAIL" in lines[1]
    assert piped(VERDICTS)[0] == f"ok   {SHOWN}\nFAIL {'word ' * 30}\n"


def test_progress_is_shown_after_two_seconds_and_is_gone_at_the_end() -> None:
    program = WORKING.format(what=HOSTILE, seconds=3)
    found = on_terminal(program, NO_COLOR="1")
    assert SHOWN in found
    assert "\x1b]" not in found
    assert "0:00:02" in found
    assert SHOWN not in on_terminal(WORKING.format(what=HOSTILE, seconds=0.5))


def test_ticking_says_the_same_without_a_thread() -> None:
    shown = on_terminal(TICKING)
    assert "rendering" in shown
    assert "None 1" in shown
    assert piped(TICKING) == ("None 1\n", "")
