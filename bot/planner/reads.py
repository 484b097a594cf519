"""Find what the stacks of a fleet read before and after a change, in a child with limits."""

from __future__ import annotations

from functools import partial

from bot.fleetfile import Node, Submodule
from bot.plan.reads import find_stack_reads
from bot.planner.changes import read_changes
from bot.planner.culprits import WHOLE
from bot.planner.guarded import StoppedError
from bot.planner.renderer import Renderer
from bot.planner.snapshot import Snapshot


def read_stack_reads(
    nodes: tuple[Node, ...], submodule: Submodule, old: Snapshot, new: Snapshot, renderer: Renderer
) -> set[str]:
    """Paths that the stacks read, as in bot.plan.reads; every file where a limit ended the look-up."""
    try:
        return renderer.guard(partial(_find_reads, nodes, submodule, old, new, renderer), WHOLE)
    except StoppedError:
        return {*old.blobs, *new.blobs}  # nobody knows what is read: so all of it


def _find_reads(
    nodes: tuple[Node, ...], submodule: Submodule, old: Snapshot, new: Snapshot, renderer: Renderer
) -> set[str]:
    found: set[str] = set()
    for change in read_changes(nodes, submodule, old, new, renderer):
        for stack in change.stacks:
            found |= find_stack_reads(
                stack, change.node, lambda path: old.oid(path) is not None or new.oid(path) is not None
            )
    return found
