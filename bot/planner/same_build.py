"""Find which settings of a build change without another image coming out of it.

A Dockerfile that moved, or that is written in the compose file now, a context whose folder moved, a stage that has
another name: where the instructions that count are the same ones, and the files that they take, so is the image.
"""

from __future__ import annotations

import re
from typing import Any

from bot.plan.dockerfile import find_default
from bot.plan.image_sources import MAIN
from bot.planner.image_build import ImageBuild

_PLACES = frozenset(("context", "dockerfile", "dockerfile_inline", "target", "additional_contexts"))
_WHILE_RUNNING = frozenset(("extra_hosts", "isolation", "network", "privileged", "shm_size", "ulimits"))
_ALWAYS_READ = re.compile(
    r"BUILDKIT_.*|SOURCE_DATE_EPOCH|(?:BUILD|TARGET)[A-Z]+|(?:https?|ftp|no|all)_proxy", re.IGNORECASE
)


def find_unread(old: ImageBuild, new: ImageBuild) -> frozenset[str]:
    """The settings whose change leaves the image as it is: of `old` before, and of `new` now.

    "args.NAME" stands for one argument; where the places are among them, no file that is taken differs, either.
    """
    old.brings_own = new.brings_own  # before anything is read of it; a base that changes is a build by itself
    old.has_plain_base = new.has_plain_base and old.text == new.text
    new_arguments, old_arguments = (side.build.get("args") or {} for side in (new, old))
    changed = {
        name for name in {*old_arguments, *new_arguments} if old_arguments.get(name) != new_arguments.get(name)
    }
    unread = {
        f"args.{name}"
        for name in map(str, changed)
        if not any(_names(side, name) for side in (old, new)) or _has_same_value(old, new, name)
    }
    effects = [side.sources.effect for side in (old, new)]
    if not any(effect is None or '["run"' in effect for effect in effects):
        unread |= _WHILE_RUNNING
    meanings = [_meaning(side) for side in (old, new)]
    if meanings[0] is not None and meanings[0] == meanings[1] and _contexts(old, new):
        unread |= _PLACES
    return frozenset(unread)


def _meaning(side: ImageBuild) -> object:
    """Equal values, equal instructions; None: not known."""
    if side.text is None:
        return None
    return side.sources.effect or (side.text, side.build.get("target") or "")


def _names(side: ImageBuild, name: str) -> bool:
    """Whether the instructions may name an argument or a context."""
    effect = side.sources.effect
    if effect is None or _ALWAYS_READ.fullmatch(name):
        return True
    return re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", effect.lower()) is not None


def _has_same_value(old: ImageBuild, new: ImageBuild, name: str) -> bool:
    """Whether the one side gives an argument the value that the other's Dockerfile gives it by itself."""
    if _ALWAYS_READ.fullmatch(name) or any(side.sources.effect is None for side in (old, new)):
        return False
    values = [
        arguments[name] if name in arguments else find_default(side.text or "", name)
        for side, arguments in ((side, side.build.get("args") or {}) for side in (old, new))
    ]
    return values[0] is not None and values[0] == values[1]


def _contexts(old: ImageBuild, new: ImageBuild) -> bool:
    """Whether the builds take the same files from the same contexts."""
    return all(_taken(old, name) == _taken(new, name) for name in {MAIN, *old.names, *new.names})


def _taken(side: ImageBuild, name: str) -> Any:
    """What is taken of a context: its files and their modes, or the address of one that is not in the checkout."""
    folder = side.folders.get(name)
    if folder is None:
        more = side.build.get("additional_contexts") or {}
        is_there = name == MAIN or (name in more and _names(side, name))
        return (more.get(name) if name != MAIN else side.build.get("context")) if is_there else {}
    prefix = f"{folder}/" if folder else ""
    return {
        path.removeprefix(prefix): (entry.mode, entry.oid if entry.kind != "tree" else "")
        for path, entry in side.snapshot.entries.items()
        if path.startswith(prefix) and (entry.kind == "commit" or side.takes(path, name))
    }
