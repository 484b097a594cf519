"""What git's plumbing commands print, as values.

Another program that is called `git` may end with 0, too: what no git prints is an error with a cure, not a bug.
"""

from __future__ import annotations

from bot.domain.errors import ProgramMissingError
from bot.domain.names import CommitSha, parse_commit_sha
from bot.domain.versions import parse_version


class BrokenGitError(ProgramMissingError):
    """The program `git` does not answer as git does."""

    def __init__(self, out: bytes) -> None:
        shown = _text(out)[:80] if out.strip() else "nothing"
        super().__init__(f"the program `git` on PATH does not answer as git does (it printed {shown!r}): install git")


def parse_git_version(out: bytes) -> str:
    """What `git --version` printed: "2.39.5"."""
    words = _text(out).split()
    if len(words) < 3 or words[:2] != ["git", "version"] or not parse_version(words[2]):
        raise BrokenGitError(out)
    return words[2]


def parse_sha(out: bytes) -> CommitSha:
    """One commit in full."""
    try:
        return parse_commit_sha(_text(out).strip())
    except ValueError:
        raise BrokenGitError(out) from None


def parse_number(out: bytes) -> int:
    """One whole number."""
    try:
        return int(out.strip())
    except ValueError:
        raise BrokenGitError(out) from None


def parse_lines(out: bytes, count: int) -> list[bytes]:
    """`count` lines: git prints one for each name that it is given."""
    lines = out.removesuffix(b"\n").split(b"\n") if out else []
    if len(lines) != count:
        raise BrokenGitError(out)
    return lines


def parse_fields(meta: bytes) -> tuple[str, str, str]:
    """Mode, kind and object of one line of `git ls-tree`."""
    try:
        mode, kind, oid = meta.decode("ascii").split()
    except ValueError:
        raise BrokenGitError(meta) from None
    return mode, kind, oid


def _text(out: bytes) -> str:
    return out.decode("utf-8", "backslashreplace")
