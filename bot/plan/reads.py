"""Find the files of a checkout that stacks, hooks and workflows read. Pure.

What compose says it reads is exact. The rest is found by words: a text of a model, of a hook or of a workflow that is
the path of something in the checkout counts as read. That is more than is read in truth, and never less than what is
named: who relies on it asks for a person once too often, not once too seldom.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bot.fleetfile import Hooks, Node
from bot.plan.node_paths import find_inside
from bot.plan.rendering import Rendered, Side, StackChange

Exists = Callable[[str], bool]
"""Whether something stands at a path of the checkout."""

_SEPARATORS = re.compile(r"[=,;|&<>(){}\[\]\s\"'`]+")
_PATH_SIGN = re.compile(r"[/\\~.:]")  # one of them is in every path of more than a plain word
_EVERYTHING = ""
UNREADABLE = "\0"
"""Stands among what is read for a stack that cannot be read: it may read anything."""


def find_stack_reads(change: StackChange, node: Node, exists: Exists) -> frozenset[str]:
    """Find the paths that a stack reads before or after a change: files and folders, relative to the checkout.

    A folder stands for all below it, "" for the whole checkout.
    """
    found: set[str] = set()
    for side in (change.old, change.new):
        if side is not None:
            found |= _side_reads(side, change.folder, node, exists)
    return frozenset(found)


def _side_reads(side: Side, folder: str, node: Node, exists: Exists) -> set[str]:
    rendering = side.rendering
    if not isinstance(rendering, Rendered):
        return {UNREADABLE}
    found = {*rendering.reads, *(place.path for place in side.places.values()), *side.places}
    found |= {posixpath.normpath(posixpath.join(folder, name)) for name in side.files}
    for text in find_texts(rendering.model):
        found |= set(find_named(text, folder, node, exists))
    return found


def find_named(text: str, folder: str, node: Node, exists: Exists) -> Iterator[str]:
    """Find the paths of the checkout that `text` names, absolute on the node or relative to `folder`."""
    if not _PATH_SIGN.search(text):
        return  # the usual case: a key, a name, a number
    for word in {text, *_words(text)}:
        inside = find_inside(word, node) if word.startswith(("/", "\\", "~")) or word[1:2] == ":" else None
        if inside is not None:
            yield inside
        relative = _relative(word, folder)
        if relative and exists(relative):
            yield relative


def _words(text: str) -> Iterator[str]:
    for word in _SEPARATORS.split(text):
        yield word
        if ":" in word:
            yield from word.split(":")


def _relative(word: str, folder: str) -> str:
    """`word` as a path of the checkout; "" when it is none, or is no more than a plain word."""
    if not word.strip("./") or ("/" not in word and "." not in word) or word.startswith("/") or len(word) > 1024:
        return ""
    path = posixpath.normpath(posixpath.join(folder, word))
    return "" if path.startswith("..") or path == "." else path


def find_texts(value: Any) -> Iterator[str]:
    """Find every text in a model, keys too."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            pending += one.keys()
            pending += one.values()
        elif isinstance(one, list | tuple):
            pending += one


def find_hook_reads(hooks: Hooks, exists: Exists) -> frozenset[str]:
    """Find what the commands of `hooks` name, and the folders of scripts, because a script reads its neighbours."""
    around = (hooks.before_stack, hooks.after_stack)
    commands = [*hooks.before, *hooks.after, *(c for one in around for listed in one.values() for c in listed)]
    words = {word for command in commands for text in command for word in (text, *_words(text))}
    named = {path for word in words if (path := _relative(word, "") or word) and exists(path)}
    return frozenset(named | {folder for path in named if (folder := posixpath.dirname(path))})


def find_workflow_reads(texts: Iterable[str], files: Iterable[str]) -> frozenset[str]:
    """Find which of `files` the jobs of workflows name, from the root or from the folder that a job works in."""
    words = {word.removeprefix("./").rstrip("/") for text in texts for word in (text, *_words(text))}
    named = {word for word in words if word and ("." in word or "/" in word)}
    ends = {posixpath.basename(word) for word in named}
    found = set()
    for path in files:
        if posixpath.basename(path) in ends and any(path == w or path.endswith(f"/{w}") for w in _tails(path, named)):
            found.add(path)
    return frozenset(found)


def _tails(path: str, named: set[str]) -> Iterator[str]:
    parts = path.split("/")
    return (tail for start in range(len(parts)) if (tail := "/".join(parts[start:])) in named)


def choose_read(paths: Iterable[str], read: frozenset[str]) -> frozenset[str]:
    """Choose those of `paths` that are in `read`, below one of it, or a link or submodule on the way to one."""
    on_the_way = {folder for path in read for folder in _folders(path)}
    return frozenset(
        path
        for path in paths
        if _EVERYTHING in read or path in read or path in on_the_way or any(f in read for f in _folders(path))
    )


def _folders(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts)))
