"""Translate paths between the rendering, the checkout and a node's own system. Pure.

A plan is rendered on Linux with the checkout at CHECKOUT; the node has it at its `root`, perhaps on a drive.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from bot.fleetfile import Node, Platform
from bot.plan.rendering import CHECKOUT, OUTSIDE

# How a drive is spelled by Windows, Git Bash, WSL and Docker Desktop: all of them are `c:`.
_DRIVE = re.compile(r"(?i)(?:/mnt|/host_mnt|/run/desktop/mnt/host)?/{1,2}([a-z])(?=/|$)")
_LETTER = re.compile(r"(?i)[a-z]:(?=/|$)")
_HOME = re.compile(r"/(?:home/[^/]+|Users/[^/]+|root)(?=/)")  # as the start of a node's root


def find_inside(source: str, node: Node) -> str | None:
    """The path relative to the checkout that `source` names on `node`, "" for its root; None when it lies outside.

    Absolute paths that begin with the node's root count, however they are spelled: `C:\\aios\\server` and
    `c:/aios/server` are the same folder. `~` is the home folder that the root lies in.
    """
    home = _HOME.match(node.root)
    if home and source.startswith("~/"):
        source = home[0] + source[1:]
    for root in filter(None, (CHECKOUT, node.root)):
        windows = node.platform is Platform.WINDOWS and root is not CHECKOUT
        start, path = _plain(root, windows=windows), _plain(source, windows=windows)
        compared = path.lower() if windows else path
        if compared == (start.lower() if windows else start):
            return ""
        if compared.startswith((start.lower() if windows else start).rstrip("/") + "/"):
            return path[len(start.rstrip("/")) + 1 :]
    return None


def find_outside(path: str, node: Node) -> tuple[str, ...]:
    """The absolute paths, or those below `~`, that `path` may be on `node`; it leads out of the checkout.

    OUTSIDE stays what it is. A path that begins with `..` starts at the checkout; where nobody knows where that is,
    it may be a folder of the root or of a home.
    """
    slashed = path.replace("\\", "/")
    if path == OUTSIDE:
        return (OUTSIDE,)
    if slashed.startswith("~"):
        below = posixpath.normpath(slashed[1:].lstrip("/") or ".")
        return (f"~/{below}",) if not _leaves(below) else (f"/{_climbed(below)}", f"/home/{_climbed(below)}")
    if not _leaves(slashed):
        return (path,)
    root = node.root.replace("\\", "/")
    if not root:
        return f"~/{_climbed(slashed)}", f"/{_climbed(slashed)}"
    if root.startswith("~"):
        return find_outside(f"{root}/{slashed}", node)
    drive = f"{root[:2]}" if _LETTER.match(root) else ""
    return (drive + posixpath.normpath(f"/{root[len(drive) :].lstrip('/')}/{slashed}"),)


def _leaves(path: str) -> bool:
    return path == ".." or path.startswith("../")


def _climbed(path: str) -> str:
    return re.sub(r"^(?:\.\.(?:/|$))+", "", path)


def _plain(path: str, *, windows: bool) -> str:
    if windows:
        path = path.replace("\\", "/")
        drive = None if _LETTER.match(path) else _DRIVE.match(path)
        if drive:
            path = f"{drive[1]}:{path[drive.end() :]}"
    return posixpath.normpath(path)


def as_node_sees(value: Any, node: Node) -> Any:
    """Replace the checkout's path in compose's model by the one on `node`; unchanged without a known root."""
    match value:
        case dict():
            return {key: as_node_sees(item, node) for key, item in value.items()}
        case list():
            return [as_node_sees(item, node) for item in value]
        case str() if node.root and (value == CHECKOUT or value.startswith(f"{CHECKOUT}/")):
            rest = value[len(CHECKOUT) :]
            if node.platform is Platform.WINDOWS:
                return node.root.rstrip("\\/").replace("/", "\\") + rest.replace("/", "\\")
            return node.root.rstrip("/") + rest
    return value
