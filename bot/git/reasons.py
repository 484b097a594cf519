"""Find the line in which git says why it failed. Pure."""

from __future__ import annotations

from itertools import takewhile

_NAMES_SHOWN = 5  # of the files that git lists below an error


def find_reason(printed: str) -> str:
    """The first line in which git says what failed, with the names that it lists below; else the last line."""
    lines = [line for line in printed.splitlines() if line.strip()]
    at = next((at for at, line in enumerate(lines) if line.startswith(("fatal: ", "error: "))), None)
    if at is None:
        return lines[-1].strip() if lines else "(no output)"
    listed = [line.strip() for line in takewhile(lambda line: line.startswith("\t"), lines[at + 1 :])]
    reason = " ".join([lines[at].strip(), ", ".join(listed[:_NAMES_SHOWN])]).strip()
    # ssh says why on a line of its own before git says that it could not read.
    is_ssh = at and lines[at].startswith("fatal: Could not read from remote repository")
    return f"{lines[at - 1].strip()} ({reason})" if is_ssh else reason
