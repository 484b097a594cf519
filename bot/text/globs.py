"""Match paths against the globs that people write in a fleet file. Pure.

Two other languages stay what they are elsewhere: a `.dockerignore`'s (`bot.plan.build_ignore`: character classes,
escapes, exceptions, and a folder's rule holds for all below it), and that of a submodule's `stacks`
(`bot.planner.stacks.find_stacks`: character classes, and `**` is no more than `*`).
"""

from __future__ import annotations

import re
from functools import cache


def matches_glob(path: str, glob: str) -> bool:
    """Whether all of `path` fits: `**` is any number of folders, `*` any part of one name, `?` one character of it.

    Every other character is itself, brackets too; case counts.
    """
    return _pattern(glob).fullmatch(path) is not None


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = []
    for token in re.split(r"(\*\*/|\*\*|\*|\?)", glob):
        match token:
            case "**/":
                parts.append("(?:[^/]+/)*")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _:
                parts.append(re.escape(token))
    return re.compile("".join(parts), re.DOTALL)
