"""Put a node's change together whose stacks do not all run the same pin. Pure.

A stack that was deployed without the node's others is compared with what it runs itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from bot.domain.names import CommitSha, StackName
from bot.plan.rendering import NodeChange, StackChange


def only_stacks(change: NodeChange, names: Collection[StackName]) -> NodeChange:
    """`change` with those stacks that have, or had, one of `names`, in full or as their folder is called."""
    return replace(change, stacks=tuple(one for one in change.stacks if _is_one_of(one, names)))


def without_stacks(change: NodeChange, names: Collection[StackName]) -> NodeChange:
    """`change` with the other stacks."""
    return replace(change, stacks=tuple(one for one in change.stacks if not _is_one_of(one, names)))


def _is_one_of(change: StackChange, names: Collection[StackName]) -> bool:
    return any(name is not None and (name in names or _leaf(name) in names) for name in (change.stack, change.was))


def _leaf(name: StackName) -> str:
    return name.rpartition("/")[2]


def start_at(change: NodeChange, pin: CommitSha | None) -> NodeChange:
    """`change`, each stack of which says that it starts from `pin`, and what changed since."""
    stacks = (replace(one, old_pin=pin, changed=change.changed) for one in change.stacks)
    return replace(change, stacks=tuple(stacks))


def join_stacks(whole: NodeChange, parts: Sequence[NodeChange]) -> NodeChange:
    """The stacks of `parts`, the first of a name, in the order of `whole`; those that it does not have come last."""
    found = {one.stack: one for part in reversed(parts) for one in part.stacks}
    names = dict.fromkeys((*(one.stack for one in whole.stacks), *found))
    return replace(whole, stacks=tuple(found[name] for name in names if name in found))
