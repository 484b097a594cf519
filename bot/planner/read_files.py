"""Digest every file of a snapshot that a stack reads: what compose reads, what is mounted, what is built."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from bot.fleetfile import Hooks, Node
from bot.plan.node_paths import find_inside
from bot.plan.reads import find_hook_reads, find_named, find_texts
from bot.plan.rendering import Rendered, Side
from bot.planner.snapshot import Snapshot


def digest_files(side: Side, folder: str, node: Node, snapshot: Snapshot) -> str:
    """SHA-256, in full, of path, mode and content of each file that the stack in `folder` reads on `node`.

    Of a stack that cannot be read every file of its folder counts. Git's attributes count too: by them git writes
    another content into the checkout than it keeps.
    """
    found = _files_of(_read_paths(side, folder, node, snapshot), snapshot)
    found |= _files_of({f"{above}.gitattributes" for path in found for above in _folders(path)}, snapshot)
    entries = (snapshot.entries[path] for path in sorted(found))
    lines = "".join(f"{entry.path}\0{entry.mode}\0{entry.oid}\n" for entry in entries)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def digest_hooks(node: Node, snapshot: Snapshot) -> str:
    """SHA-256, in full, of the commands that run on `node` around a deploy and of their files; "" for no commands."""
    if node.hooks == Hooks():
        return ""
    commands = msgspec.json.encode(node.hooks, order="deterministic")
    return hashlib.sha256(commands + b"\n" + _hook_files(node, snapshot)).hexdigest()


def find_changed_hooks(node: Node, old: Snapshot, new: Snapshot) -> tuple[str, ...]:
    """The files that the hooks of `node` run or may read, and that differ between two commits."""
    reads = [find_hook_reads(node.hooks, side.entries.__contains__) for side in (old, new)]
    paths = {path for at, side in zip(reads, (old, new), strict=True) for path in _files_of(at, side)}
    changed = (path for path in paths if _state(old, path) != _state(new, path))
    return tuple(sorted(changed))


def _hook_files(node: Node, snapshot: Snapshot) -> bytes:
    paths = _files_of(find_hook_reads(node.hooks, snapshot.entries.__contains__), snapshot)
    lines = "".join(f"{path}\0{_state(snapshot, path)}\n" for path in sorted(paths))
    return lines.encode("utf-8", "surrogateescape")


def _files_of(paths: Iterable[str], snapshot: Snapshot) -> set[str]:
    found: set[str] = set()
    for path in paths:
        entry = snapshot.entries.get(path)
        found |= {path} if entry is not None and entry.kind == "blob" else set(snapshot.files_under(path))
    return found


def _folders(path: str) -> Iterator[str]:
    """Every folder that `path` lies in, with a slash behind it; "" for the checkout."""
    return (path[: end + 1] for end in (-1, *(at for at, char in enumerate(path) if char == "/")))


def _state(snapshot: Snapshot, path: str) -> str:
    entry = snapshot.entries.get(path)
    return f"{entry.mode} {entry.oid}" if entry else ""


def _read_paths(side: Side, folder: str, node: Node, snapshot: Snapshot) -> Iterator[str]:
    """What compose says it reads, and whatever else the model names: programs, keys, profiles of a newer compose."""
    rendering = side.rendering
    if not isinstance(rendering, Rendered):
        yield folder
        return
    yield from rendering.reads
    yield from (place.path for place in side.places.values())
    for text in find_texts(rendering.model):
        yield from find_named(text, folder, node, lambda path: snapshot.oid(path) is not None)
    for service in (rendering.model.get("services") or {}).values():
        yield from _built(service.get("build"), node)


def _built(build: Any, node: Node) -> Iterator[str]:
    if not isinstance(build, dict):
        return
    contexts = [str(build.get("context") or "/"), *map(str, (build.get("additional_contexts") or {}).values())]
    for context in contexts:
        inside = find_inside(context, node)
        if inside is not None:
            dockerfile = posixpath.normpath(posixpath.join(inside, str(build.get("dockerfile") or "Dockerfile")))
            yield from (inside, dockerfile, f"{dockerfile}.dockerignore")
