"""Read a node's change in parts: stacks that were deployed apart from the others go on from what they run."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.names import StackName
from bot.fleetfile import Node, Submodule
from bot.plan.apart import join_stacks, only_stacks, start_at, without_stacks
from bot.plan.rendering import NodeChange
from bot.planner.changes import read_changes
from bot.planner.culprits import Refused
from bot.planner.file_diffs import ChangedFile, keep_stricter, read_changed_files
from bot.planner.renderer import Renderer
from bot.planner.snapshot import Snapshot


def read_parts(
    nodes: tuple[Node, ...],
    submodule: Submodule,
    old: Snapshot | None,
    new: Snapshot,
    renderer: Renderer,
    *,
    apart: Mapping[StackName, Snapshot | None],
    refused: Refused,
) -> tuple[tuple[NodeChange, ...], tuple[ChangedFile, ...]]:
    """Every stack of every node from what it runs to `new`, and the changed files that services read."""
    whole = read_changes(nodes, submodule, old, new, renderer, refused=refused)
    if not apart:
        return whole, read_changed_files(whole, old, new)
    parts = []
    for side in dict.fromkeys(apart.values()):
        own = frozenset(stack for stack, at in apart.items() if at is side)
        pin = side.pin if side else None
        read = read_changes(nodes, submodule, side, new, renderer, refused=refused)
        parts.append((side, [start_at(only_stacks(change, own), pin) for change in read]))
    parts.append((old, [without_stacks(change, apart.keys()) for change in whole]))
    files: dict[str, ChangedFile] = {}
    for side, changes in parts:
        for one in read_changed_files(changes, side, new):
            files[one.path] = keep_stricter(files.get(one.path, one), one)
    joined = (join_stacks(change, [changes[at] for _, changes in parts]) for at, change in enumerate(whole))
    return tuple(joined), tuple(files[path] for path in sorted(files))
