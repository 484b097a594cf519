"""Which files of a build context reach the builder, by the rules of `.dockerignore`. Pure.

The rules: https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    keeps: bool  # begins with `!`


class BuildIgnore:
    """The rules of one file; the last one that fits a path, or a folder above it, decides."""

    def __init__(self, text: str = "") -> None:
        self._rules = [rule for line in text.removeprefix("\ufeff").splitlines() if (rule := _rule(line))]

    def ignores(self, path: str) -> bool:
        """Whether `path`, relative to the context, stays behind."""
        parts = path.split("/")
        above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        ignored = False
        for rule in self._rules:
            if ignored is rule.keeps and any(rule.pattern.fullmatch(one) for one in above):
                ignored = not rule.keeps
        return ignored


def _rule(line: str) -> _Rule | None:
    text = line.strip()
    if not text or line.startswith("#"):
        return None
    keeps = text.startswith("!")
    path = posixpath.normpath(text.removeprefix("!").strip()).lstrip("/")
    if path in ("", "."):
        return None
    try:
        return _Rule(re.compile(_regex(path), re.DOTALL), keeps)
    except re.error:
        return None  # the builder would refuse it


def _regex(path: str) -> str:
    found, at = "", 0
    while at < len(path):
        char = path[at]
        if path.startswith("**", at):
            at += 2
            if path.startswith("/", at):
                at += 1
                found += "(?:.*/)?"
            else:
                found += ".*"
            continue
        if char == "[" and "]" in path[at + 1 :]:
            end = path.index("]", at + 1)
            found += "[" + path[at + 1 : end].replace("\\", "\\\\") + "]"
            at = end
        elif char == "\\" and at + 1 < len(path):
            at += 1
            found += re.escape(path[at])
        else:
            found += {"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char))
        at += 1
    return found
