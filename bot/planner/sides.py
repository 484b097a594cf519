"""Find what a rendered stack mounts and builds in a snapshot."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain.names import ServiceName
from bot.fleetfile import Node
from bot.plan.build_ignore import BuildIgnore
from bot.plan.contents import changed_under, find_mounts
from bot.plan.node_paths import find_inside
from bot.plan.rendering import Place, Rendered, Rendering, Side
from bot.planner.renderer import RenderRequest
from bot.planner.snapshot import Snapshot
from bot.planner.snapshot_files import BlobReader, OutsideError, SnapshotFiles, TooLargeError

_MAX_LINK = 4096  # bytes
_POINTER = b"version https://git-lfs.github.com/spec/"
_MAX_POINTER = 1024  # bytes
_MAX_RULES = 64 * 1024  # bytes of an ignore file


def read_side(
    request: RenderRequest,
    rendering: Rendering,
    snapshot: Snapshot,
    node: Node,
    *,
    other: Snapshot | None,
    changed: frozenset[str],
    lfs: bool,
) -> Side:
    """`rendering` with the places that it mounts in `snapshot`; `other` is the other pin's.

    `lfs`: `snapshot` has files of Git LFS.
    """
    places: dict[str, Place] = {}
    if isinstance(rendering, Rendered):
        checkout = SnapshotFiles(BlobReader(snapshot, largest=_MAX_LINK))
        for service in rendering.model.get("services") or {}:
            for mount in find_mounts(service, rendering.model, node):
                places[mount.source] = _place(checkout, mount.source, snapshot, other, changed)
    return Side(
        rendering=rendering,
        files=request.files,
        profiles=request.profiles,
        places=places,
        pointers=_find_pointers(snapshot, places.values()) if lfs else (),
    )


def uses_lfs(snapshot: Snapshot) -> bool:
    """Whether any attributes file of `snapshot` has git keep content elsewhere (Git LFS)."""
    reader = BlobReader(snapshot, largest=_MAX_RULES)
    attributes = [path for path in snapshot.blobs if path.rpartition("/")[2] == ".gitattributes"]
    reader.fetch(attributes)
    return any(b"filter=lfs" in _content(reader, path) for path in attributes)


def _find_pointers(snapshot: Snapshot, places: Iterable[Place]) -> tuple[str, ...]:
    """The mounted files whose content git keeps elsewhere."""
    mounted: set[str] = set()
    for place in places:
        mounted.update((place.path,) if place.kind == "file" else snapshot.files_under(place.path))
    small = BlobReader(snapshot, largest=_MAX_POINTER)
    small.fetch(mounted)
    return tuple(path for path in sorted(mounted) if _content(small, path).startswith(_POINTER))


def _content(reader: BlobReader, path: str) -> bytes:
    try:
        return reader.read(path)
    except TooLargeError:
        return b""


def _place(
    checkout: SnapshotFiles, path: str, snapshot: Snapshot, other: Snapshot | None, changed: frozenset[str]
) -> Place:
    try:
        real = checkout.find(path)
    except OutsideError:
        real = None  # what is outside is not ours to compare
    if real is None:
        return Place(path=path)
    if not checkout.is_folder(real):
        return Place(path=real, kind="file")
    stays = (
        other is None
        or not changed_under(changed, [real])
        or any(path in other.entries for path in snapshot.files_under(real))
    )
    return Place(path=real, kind="folder", survives=stays)


def changed_paths(old: Snapshot | None, new: Snapshot) -> frozenset[str]:
    """Files, links and nested submodules of the whole checkout that differ; all of them when there was none."""
    then, now = (_contents(side) if side else {} for side in (old, new))
    return frozenset(path for path in {*then, *now} if then.get(path) != now.get(path))


def _contents(snapshot: Snapshot) -> dict[str, tuple[str, str]]:
    return {
        path: (entry.mode, entry.oid)
        for path, entry in snapshot.entries.items()
        if entry.kind != "tree" and path != snapshot.submodule
    }


def find_build_inputs(
    rendering: Rendering, node: Node, old: Snapshot, new: Snapshot, changed: frozenset[str]
) -> dict[ServiceName, tuple[str, ...]]:
    """By service, the files that differ for the builder of its image: of its contexts, and the Dockerfile."""
    found = {}
    if isinstance(rendering, Rendered):
        for service, spec in (rendering.model.get("services") or {}).items():
            build = spec.get("build")
            inputs = _inputs(build, node, old, new, changed) if isinstance(build, dict) else set()
            if inputs:
                found[ServiceName(service)] = tuple(sorted(inputs))
    return found


def _inputs(build: Mapping[str, Any], node: Node, old: Snapshot, new: Snapshot, changed: frozenset[str]) -> set[str]:
    contexts = [str(build.get("context", ""))]
    contexts += [str(value) for value in (build.get("additional_contexts") or {}).values()]
    found: set[str] = set()
    for number, context in enumerate(contexts):
        folder = find_inside(context, node)
        if folder is None:
            continue
        dockerfile = posixpath.normpath(posixpath.join(folder, str(build.get("dockerfile") or "Dockerfile")))
        if number == 0 and dockerfile in changed and "dockerfile_inline" not in build:
            found.add(dockerfile)
        rules = [_rules(snapshot, folder, dockerfile if number == 0 else "") for snapshot in (old, new)]
        if rules[0] != rules[1]:
            found |= _reaching(old, folder, rules[0]) ^ _reaching(new, folder, rules[1])
        ignores = [BuildIgnore(text) for text in rules]
        for path in changed_under(changed, [folder]):
            if any((entry := side.entries.get(path)) and entry.kind == "commit" for side in (old, new)):
                found.add(path)  # what a submodule holds is not here
                continue
            inside = path.removeprefix(f"{folder}/")
            there = (path in old.entries, path in new.entries)
            if any(is_there and not ignore.ignores(inside) for is_there, ignore in zip(there, ignores, strict=True)):
                found.add(path)
    return found


def _rules(snapshot: Snapshot, folder: str, dockerfile: str) -> str:
    """The text of the ignore file that counts: the Dockerfile's own before the context's."""
    for path in (f"{dockerfile}.dockerignore", posixpath.join(folder, ".dockerignore")):
        entry = snapshot.entries.get(path)
        if entry is not None and entry.kind == "blob":
            try:
                return BlobReader(snapshot, largest=_MAX_RULES).read(path).decode("utf-8", "replace")
            except TooLargeError:
                return ""  # then everything counts
    return ""


def _reaching(snapshot: Snapshot, folder: str, rules: str) -> set[str]:
    ignore = BuildIgnore(rules)
    return {path for path in snapshot.files_under(folder) if not ignore.ignores(path.removeprefix(f"{folder}/"))}
