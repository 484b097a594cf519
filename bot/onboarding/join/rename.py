"""Have a node go on where its fleet's repository got another name: its identity, and the origin of its checkout."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from bot.agent.errors import StateAccessError
from bot.agent.node import LocalNode
from bot.agent.state import Begun
from bot.agent.work_tree import WorkTree
from bot.domain.errors import BotError
from bot.domain.names import RepoName
from bot.git.safe_git import is_address_of


class Renamed(NamedTuple):
    """What was changed. `checkout` is None where the node's checkout is not known, or not made yet."""

    before: RepoName
    fleet: RepoName
    checkout: Path | None


def rename_fleet(node: LocalNode, fleet: RepoName) -> Renamed:
    """Know the node's fleet by the name `fleet` from now on; what it ran and took before stays its own.

    Safe to run again. Raises BotError, with nothing changed, where the origin of the checkout is neither name's.
    """
    with node.state.lock():
        known = node.state.read_identity()
        begun = [record.order.root for record in node.state.read_record() if isinstance(record, Begun)]
        root = node.root or next((Path(one).expanduser() for one in (*begun[::-1], known.root) if one), None)
        checkout = root if root and (root / ".git").exists() else None
        if checkout is not None:
            _point(WorkTree(checkout, node.access), (known.fleet, *known.former), fleet)
        former = dict.fromkeys(name for name in (known.fleet, *known.former) if name.lower() != fleet.lower())
        try:
            node.state.write_identity(replace(known, fleet=fleet, former=tuple(former)))
        except OSError as problem:
            raise StateAccessError(node.state.folder, "written", problem) from None
    return Renamed(known.fleet, fleet, checkout)


def _point(tree: WorkTree, before: tuple[RepoName, ...], fleet: RepoName) -> None:
    with closing(tree):
        address = tree.origin_setting
        if is_address_of(address, fleet):
            return
        for name in before:
            found = re.search(rf"{re.escape(name)}((?:\.git)?/?)\Z", address, re.IGNORECASE)
            if found:
                tree.git("config", "remote.origin.url", f"{address[: found.start()]}{fleet}{found.group(1)}")
                return
        raise BotError(
            f"the origin of {tree.folder} is neither {' nor '.join(before)} nor {fleet}: name the node's checkout "
            "with --repo, or change its origin with `git remote set-url`"
        )
