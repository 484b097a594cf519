"""Digest every file of a snapshot that a stack reads: what compose reads, what is mounted, what is built."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from typing import Any

from bot.fleetfile import Node
from bot.plan.node_paths import find_inside
from bot.plan.rendering import Rendered, Side
from bot.planner.snapshot import Snapshot


def digest_files(side: Side, folder: str, node: Node, snapshot: Snapshot) -> str:
    """SHA-256, in full, of path, mode and content of each file that the stack in `folder` reads on `node`.

    Of a stack that cannot be read every file of its folder counts.
    """
    found: set[str] = set()
    for path in _read_paths(side, folder, node):
        entry = snapshot.entries.get(path)
        found |= {path} if entry is not None and entry.kind == "blob" else set(snapshot.files_under(path))
    entries = (snapshot.entries[path] for path in sorted(found))
    lines = "".join(f"{entry.path}\0{entry.mode}\0{entry.oid}\n" for entry in entries)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _read_paths(side: Side, folder: str, node: Node) -> Iterator[str]:
    rendering = side.rendering
    if not isinstance(rendering, Rendered):
        yield folder
        return
    yield from rendering.reads
    yield from (place.path for place in side.places.values())
    for service in (rendering.model.get("services") or {}).values():
        yield from _built(service.get("build"), node)
    for section in ("configs", "secrets"):
        for resource in (rendering.model.get(section) or {}).values():
            inside = find_inside(str(resource.get("file") or "/"), node)
            yield from () if inside is None else (inside,)


def _built(build: Any, node: Node) -> Iterator[str]:
    if not isinstance(build, dict):
        return
    contexts = [str(build.get("context") or "/"), *map(str, (build.get("additional_contexts") or {}).values())]
    for context in contexts:
        inside = find_inside(context, node)
        if inside is not None:
            yield inside
            yield posixpath.normpath(posixpath.join(inside, str(build.get("dockerfile") or "Dockerfile")))
