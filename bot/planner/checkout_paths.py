"""Read the paths that compose files name, as paths of the checkout or refused, and those that compose writes."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from bot.engine.environment import RENDER_HOME
from bot.plan.contents import NAMED_PROFILES, split_security_option
from bot.plan.model import SourceLine
from bot.plan.rendering import CHECKOUT
from bot.planner.compose_files import RefusedError

REMOTE = re.compile(r"(?i)[a-z][a-z0-9+.-]*://|oci:|git@|[\w.-]+@[\w.-]+:|(?:www\.)?(?:github|gitlab)\.com/")
# What compose takes for an address of a build context; anything else is a folder, whatever it looks like:
# https://github.com/compose-spec/compose-go/blob/main/paths/context.go
REMOTE_CONTEXT = re.compile(r"[^$]*://|github\.com/|git@")
_DRIVE = re.compile(r"[A-Za-z]:")


def find_inside(text: str, folder: str, where: SourceLine | None, what: str = "a compose file") -> str:
    """`text`, relative to `folder`, as a path of the checkout, or RefusedError when it may lead out of it."""
    shown = f"{what}: {text[:100]!r}"
    if REMOTE.match(text):
        raise RefusedError(f"{shown} is an address; only files of the checkout are read", where)
    slashed = text.replace("\\", "/")
    if slashed.startswith(("/", "~")) or _DRIVE.match(slashed) or "\0" in text:
        raise RefusedError(f"{shown} lies outside the checkout; write a path relative to this folder", where)
    for spelling in (text, slashed):
        path = posixpath.normpath(posixpath.join(folder, spelling))
        if path == ".." or path.startswith("../"):
            raise RefusedError(f"{shown} leads out of the checkout", where)
    path = posixpath.normpath(posixpath.join(folder, text))
    return "" if path == "." else path


def find_way_out(text: str, folder: str) -> str:
    """Where `text`, which `find_inside` refuses, leads out of the checkout; "" where it only looks as if it did.

    It is absolute, below `~`, or begins with `..` and starts at the checkout.
    """
    slashed = text.replace("\\", "/")
    if slashed.startswith(("/", "~")) or _DRIVE.match(slashed):
        return text
    paths = [posixpath.normpath(posixpath.join(folder, spelling)) for spelling in (text, slashed)]
    return next((path for path in paths if path == ".." or path.startswith("../")), "")


def canonical_model(model: Any, seen: str, folder: str) -> Any:
    """The model of the stack in `folder` as `canonical_paths` has it, with the files of seccomp profiles as paths.

    Compose leaves these as they were written, relative to the folder, and reads them when it makes a container.
    """
    found = canonical_paths(model, seen)
    for service in (found.get("services") or {}).values():
        if service.get("security_opt"):
            service["security_opt"] = [_with_path(option, folder) for option in service["security_opt"]]
    return found


def _with_path(option: str, folder: str) -> str:
    kind, sign, path = split_security_option(option)
    if kind != "seccomp" or not path or path in NAMED_PROFILES or path.startswith(("/", "~")):
        return option
    return f"{kind}{sign}{posixpath.normpath(posixpath.join(CHECKOUT, folder, path))}"


def canonical_paths(value: Any, seen: str) -> Any:
    """The model with the checkout at CHECKOUT and `~` as it was written."""
    match value:
        case dict():
            return {key: canonical_paths(item, seen) for key, item in value.items()}
        case list():
            return [canonical_paths(item, seen) for item in value]
        case str():
            moved = value.replace(seen, CHECKOUT)
            return moved[1:] if moved == RENDER_HOME or moved.startswith(f"{RENDER_HOME}/") else moved
    return value
