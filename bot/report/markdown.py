"""Markdown that hostile text cannot break out of: small builders, nothing of what they say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&@:/=$^])")


def text(hostile: str) -> str:
    """`hostile` as plain words on one line: no markup, no mention, no reference, no link."""
    line = " ".join(_CONTROL.sub("", hostile).split())
    # A numeric reference shows the character, and GitHub's autolinkers do not see it.
    return _SPECIAL.sub(lambda found: f"&#{ord(found.group(1))};", line)


def code(hostile: str) -> str:
    """`hostile` as inline code, its fence longer than any run of backticks inside."""
    line = " ".join(_CONTROL.sub("", hostile).split()) or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")


def fence(hostile: str, language: str = "") -> str:
    """`hostile` as a block of code."""
    body = _CONTROL.sub("", hostile.replace("\r\n", "\n"))
    marks = "`" * max(3, max((len(run) for run in re.findall(r"`+", body)), default=0) + 1)
    return f"{marks}{language}\n{body}\n{marks}"


def fold(summary: str, body: str) -> str:
    """`body` behind a line that opens it; `summary` is HTML-safe already."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
