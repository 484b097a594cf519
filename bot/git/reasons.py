"""Find the line in which git says why it failed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

_NAMES_SHOWN = 5  # of the files that git lists below an error
_UNAVAILABLE = re.compile(
    r"The requested URL returned error: (?:5\d\d|429)\b|HTTP (?:5\d\d|429)\b"
    r"|Could not resolve host|Failed to connect|Couldn't connect|Connection (?:timed out|refused|reset)|Recv failure"
    r"|Operation (?:timed out|too slow)|Empty reply from server|early EOF|the remote end hung up"
    r"|unexpected disconnect|expected '?(?:flush|packfile|shallow)|invalid index-pack output|SSL_ERROR_SYSCALL"
    r"|TLS connection was"
)
"""What git and curl say of a server that is away, overloaded, or that ended in the middle of its answer."""

_WITH_VALUE = ("-C", "-c", "--git-dir")  # options before the verb


def is_unavailable(reason: str) -> bool:
    """Whether what git says is a matter of the network or of the server's state, so that the same may work later."""
    return _UNAVAILABLE.search(reason) is not None


def find_verb(command: Sequence[str]) -> str:
    """ "fetch" of ("git", "-C", "a", "fetch", "origin")."""
    words = iter(command[1:])
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


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
