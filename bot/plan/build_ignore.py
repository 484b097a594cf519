"""Decide which files of a build context `.dockerignore` excludes. Pure.

The rules: https://docs.docker.com/build/concepts/context/#dockerignore-files. A stranger may have written them, so
matching takes time that grows with the product of path and pattern, and never faster.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Sequence
from typing import NamedTuple

_MAX_RULES = 1000
_LONGEST_NAME = 255  # characters
_EVERY, _NONE = re.compile(""), re.compile("(?!)")
_ANY = None  # stands for `**`


class _Rule(NamedTuple):
    segments: tuple[re.Pattern[str] | None, ...]
    keeps: bool  # begins with `!`


class BuildIgnore:
    """The rules of one file."""

    def __init__(self, text: str = "") -> None:
        lines = text.removeprefix("\ufeff").splitlines()[:_MAX_RULES]
        self._rules = [rule for line in lines if (rule := _rule(line))]
        self._folders: dict[str, bytes] = {}  # by folder, which rules fit it

    def ignores(self, path: str) -> bool:
        """Whether `path`, relative to the context, stays behind.

        As the builder walks: a rule that fitted a folder fits what is below, and none is looked at where it would
        change nothing. So `!src` takes back what fitted `src` itself, and not what fits `src/b`.
        """
        parts = path.split("/")
        above = bytes(len(self._rules))
        for length in range(1, len(parts)):
            folder = "/".join(parts[:length])
            known = self._folders.get(folder)
            above = self._folders[folder] = known if known is not None else self._walk(parts[:length], above)[0]
        return self._walk(parts, above)[1]

    def _walk(self, parts: Sequence[str], above: bytes) -> tuple[bytes, bool]:
        """Which rules fit a path, where `above` fit the folder that it is in; and whether it stays behind."""
        fits = bytearray(above)
        ignored = False
        for at, rule in enumerate(self._rules):
            if not fits[at] and ignored is rule.keeps:
                fits[at] = _fits(rule.segments, parts)
            if fits[at]:
                ignored = not rule.keeps
        return bytes(fits), ignored


def _rule(line: str) -> _Rule | None:
    text = line.strip()
    if not text or line.startswith("#"):
        return None
    keeps = text.startswith("!")
    path = posixpath.normpath(text.removeprefix("!").strip()).lstrip("/")
    if path in ("", "."):
        return None
    return _Rule(tuple(_ANY if segment == "**" else _segment(segment, keeps) for segment in path.split("/")), keeps)


def _segment(text: str, keeps: bool) -> re.Pattern[str]:
    """One part of a pattern. The translation of `fnmatch` does not backtrack; it knows neither `\\x` nor `[^x]`.

    It takes quadratic time for many `[`. A part longer than a file's name may be is not read: it leaves every file in
    the context, as a change of one that is not sent costs no more than a build.
    """
    if len(text) > _LONGEST_NAME:
        return _EVERY if keeps else _NONE
    known = re.sub(r"\\(.)", lambda match: f"[{match[1]}]", text).replace("[^", "[!")
    return re.compile(fnmatch.translate(known))


def _fits(segments: Sequence[re.Pattern[str] | None], parts: Sequence[str]) -> bool:
    """Whether the pattern fits the whole path."""
    reached = {0}  # how many parts are matched so far
    for number, segment in enumerate(segments):
        if segment is _ANY:
            below = number == len(segments) - 1  # `a/**` is what is in `a`, and not `a`
            reached = set(range(min(reached) + below, len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and segment.match(parts[at])}
        if not reached:
            return False
    return len(parts) in reached


def at_any_depth(rule: str) -> str:
    """A rule of .gitignore in the words of .dockerignore: one without a slash in its middle fits at any depth."""
    keeps, plain = rule.startswith("!"), rule.removeprefix("!")
    deep = plain if not plain or plain.startswith("#") or "/" in plain.rstrip("/") else f"**/{plain}"
    return f"!{deep}" if keeps else deep
