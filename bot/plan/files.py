"""Compare a file of a checkout with its old version: its diff, where it begins, and which guards it loses. Pure."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from typing import NamedTuple

_CONTEXT = 3  # lines
_MAX_COMPARED = 600  # lines between the first and the last that differs, on either side
_MAX_LINES = 120  # of a diff that is shown
_MAX_WIDTH = 300  # characters of one line
_COMMENT = re.compile(r"\s*(?:#|;|//)")
_GUARD = re.compile(
    r"(?<![a-z])(?:basic_?auth|digest_?auth|forward_?auth|auth_basic(?:_user_file)?|auth_request|middlewares"
    r"|ip_?(?:allow|white)_?list|tls|ssl_certificate|require_?auth|requirepass|one_factor|two_factor|oauth2?|jwt"
    r"|authentication|authorization|password_file|deny)(?![a-z])",
    re.IGNORECASE,
)


class TextDiff(NamedTuple):
    """A unified diff, cut to a length that people read; `left_out` lines of it are not there."""

    text: str
    left_out: int = 0


def diff_texts(old: str, new: str) -> TextDiff:
    """The diff of two texts. Where much lies between the first and the last difference it is a single hunk."""
    before, after = old.splitlines(), new.splitlines()
    head, tail = _same_ends(before, after)
    start, end = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    was, now = (lines[start : len(lines) - end] for lines in (before, after))
    if max(len(was), len(now)) <= _MAX_COMPARED:
        hunks = list(difflib.unified_diff(was, now, n=_CONTEXT, lineterm=""))[2:]
        lines = [_moved(line, start) for line in hunks]
    else:
        kept = [lines[head : len(lines) - tail] for lines in (before, after)]
        lines = [f"@@ -{head + 1},{len(kept[0])} +{head + 1},{len(kept[1])} @@"]
        lines += [*(f"-{line}" for line in kept[0]), *(f"+{line}" for line in kept[1])]
    shown = [line if len(line) <= _MAX_WIDTH else f"{line[:_MAX_WIDTH]}…" for line in lines[:_MAX_LINES]]
    return TextDiff("\n".join(shown), len(lines) - len(shown))


_HUNK = re.compile(r"@@ -(\d+)((?:,\d+)?) \+(\d+)((?:,\d+)?) @@")


def _moved(line: str, by: int) -> str:
    """A line of a diff of parts that begin `by` lines into their texts; of a hunk's head the numbers are moved."""
    found = _HUNK.fullmatch(line)
    return f"@@ -{int(found[1]) + by}{found[2]} +{int(found[3]) + by}{found[4]} @@" if found else line


def first_difference(old: str, new: str) -> int:
    """The number of the first line of `new` that is not as in `old`, or that follows what is gone; from 1."""
    before, after = old.splitlines(), new.splitlines()
    return max(1, min(_same_ends(before, after)[0] + 1, len(after)))


def _same_ends(before: list[str], after: list[str]) -> tuple[int, int]:
    """How many lines are the same at the beginning, and how many of the others at the end."""
    shorter = min(len(before), len(after))
    head = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    most = shorter - head
    return head, next((at for at in range(most) if before[-1 - at] != after[-1 - at]), most)


def find_lost_guards(old: str, new: str) -> tuple[str, ...]:
    """The words for authentication, TLS and lists of addresses that a configuration has less often than before."""
    before, after = _guards(old), _guards(new)
    return tuple(word for word, times in before.items() if after[word] < times)


def _guards(text: str) -> Counter[str]:
    """How often each guard is named, comments left out; by its name in small letters."""
    lines = (line for line in text.splitlines() if not _COMMENT.match(line))
    return Counter(found.group().lower() for line in lines for found in _GUARD.finditer(line))
