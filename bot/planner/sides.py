"""Find what a rendered stack mounts in a snapshot."""

from __future__ import annotations

from collections.abc import Iterable

from bot.fleetfile import Node
from bot.plan.contents import changed_under, find_mounts
from bot.plan.rendering import OUTSIDE, Place, Rendered, Rendering, Side
from bot.planner.render_request import RenderRequest
from bot.planner.snapshot import Snapshot
from bot.planner.snapshot_files import BlobReader, OutsideError, SnapshotFiles, TooLargeError

_MAX_LINK = 4096  # bytes
_POINTER = b"version https://git-lfs.github.com/spec/"
_MAX_POINTER = 1024  # bytes
_MAX_RULES = 64 * 1024  # bytes of a file of attributes


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
    except OutsideError as problem:  # what is outside is not ours to compare
        known = problem.target.startswith(("/", "~"))
        return Place(path=path, outside=problem.target if known else OUTSIDE)
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
