"""Two pins in, a Plan out: finds the stacks, has them rendered, and lets bot.plan decide what it comes to."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from bot.domain.names import NodeName, RepoName, StackName
from bot.domain.risk_rules import Tuning
from bot.fleetfile import FLEET_FILE, Fleet, Node, Submodule, parse_fleet
from bot.fleetfile.yaml_lines import YamlFileError
from bot.plan.changes import decide_node
from bot.plan.identity import identify_plan
from bot.plan.model import Commit, NodePlan, Plan
from bot.plan.rendering import NodeChange, Rendering, Side, StackChange
from bot.plan.risks.assess import add_risks
from bot.planner.compose import Renderer, RenderRequest, find_default_files
from bot.planner.sides import changed_paths, find_build_inputs, read_side
from bot.planner.snapshot import Snapshot


def read_plan(
    *,
    fleet: Fleet,
    repo: RepoName | None,
    submodule: Submodule,
    upstream_name: RepoName | None,
    old: Snapshot | None,
    new: Snapshot,
    renderer: Renderer,
    commits: tuple[Commit, ...],
    commits_total: int,
) -> Plan:
    """What moving `submodule` from `old` to `new` does on every node of `fleet`."""
    nodes = fleet.nodes or (Node(name=NodeName("any node")),)
    changes = read_changes(nodes, submodule, old, new, renderer)
    decided = [_decide(change, fleet.risks) for change in changes]
    plans = tuple(plan for plan, _ in decided)
    files = new.upstream.changed_files(old.pin if old else None, new.pin)
    effective = frozenset().union(*(used for _, used in decided))
    return Plan(
        id=identify_plan(new.commit, old.pin if old else None, new.pin, plans),
        fleet=repo,
        submodule=submodule.path,
        upstream=upstream_name,
        base=new.commit,
        old=old.pin if old else None,
        new=new.pin,
        nodes=plans,
        commits=commits,
        commits_total=commits_total,
        files_changed=files,
        files_without_effect=tuple(path for path in files if f"{submodule.path}/{path}" not in effective),
    )


def _decide(change: NodeChange, tuning: Mapping[str, Tuning]) -> tuple[NodePlan, frozenset[str]]:
    decided = decide_node(change)
    plan = NodePlan(
        node=change.node.name,
        platform=change.node.platform,
        stacks=tuple(stack for one in decided for stack in one.stacks),
    )
    return add_risks(plan, change, tuning), frozenset().union(*(one.files for one in decided))


class _Asked(NamedTuple):
    """One stack at one pin that has to be rendered."""

    stack: StackName
    request: RenderRequest
    snapshot: Snapshot


def read_changes(
    nodes: tuple[Node, ...], submodule: Submodule, old: Snapshot | None, new: Snapshot, renderer: Renderer
) -> tuple[NodeChange, ...]:
    """Every stack of every node, before and after. All of them are rendered side by side, equal ones once."""
    then = _nodes_then(nodes, old, new) if old else ()
    sides = [(old, then), (new, nodes)] if old else [(new, nodes)]
    asked = [
        (node, _Asked(stack, request, snapshot))
        for snapshot, told in sides
        for stack, folder in find_stacks(snapshot, submodule).items()
        for node, as_told in zip(nodes, told, strict=True)
        if (not as_told.stacks or stack in as_told.stacks)
        and (request := _request(as_told, stack, folder, snapshot, is_old=snapshot is old)).files
    ]
    rendered = renderer.render_all([(one.snapshot, one.request) for _, one in asked])
    changed = changed_paths(old, new)
    changes = []
    for node in nodes:
        own = []
        for (owner, one), rendering in zip(asked, rendered, strict=True):
            if owner is node:
                other = new if one.snapshot is old else old
                side = read_side(one.request, rendering, one.snapshot, node, other=other, changed=changed)
                own.append((one, side))
        stacks = _pair(own, node, old, new, changed)
        changes.append(NodeChange(node=node, stacks=stacks, changed=changed))
    return tuple(changes)


def _nodes_then(nodes: tuple[Node, ...], old: Snapshot, new: Snapshot) -> tuple[Node, ...]:
    """The same nodes as the old commit's fleet file describes them; as they are now where it does not."""
    if old.commit == new.commit:
        return nodes
    before, after = (side.fleet.read_file(side.commit, FLEET_FILE) for side in (old, new))
    if before is None or before == after:
        return nodes
    try:
        fleet = parse_fleet(before.decode("utf-8", "replace"))
    except YamlFileError:
        return nodes
    known = {node.name: node for node in fleet.nodes}
    return tuple(known.get(node.name, node) for node in nodes)


def _request(node: Node, stack: StackName, folder: str, snapshot: Snapshot, *, is_old: bool) -> RenderRequest:
    files = node.files.get(stack, ()) or find_default_files(snapshot, folder)
    if is_old:
        # An overlay that the fleet file names may have come with this very change.
        files = tuple(name for name in files if snapshot.oid(posixpath.normpath(f"{folder}/{name}")))
    return RenderRequest(folder=folder, files=files, profiles=node.profiles, variables=node.variables)


def _pair(
    sides: list[tuple[_Asked, Side]],
    node: Node,
    old: Snapshot | None,
    new: Snapshot,
    changed: frozenset[str],
) -> tuple[StackChange, ...]:
    """The new version's stacks in their order, then those that go."""
    before = {one.stack: (one, side) for one, side in sides if one.snapshot is old}
    after = {one.stack: (one, side) for one, side in sides if one.snapshot is new}
    pairs = []
    for stack in [*after, *(name for name in before if name not in after)]:
        then, now = before.get(stack), after.get(stack)
        asked = (now or before[stack])[0]
        rendering: Rendering | None = now[1].rendering if now else None
        inputs = find_build_inputs(rendering, node, old, new, changed) if old and then and rendering else {}
        pairs.append(
            StackChange(
                stack=stack,
                folder=asked.request.folder,
                old=then[1] if then else None,
                new=now[1] if now else None,
                build_inputs=inputs,
            )
        )
    return tuple(pairs)


def find_stacks(snapshot: Snapshot, submodule: Submodule) -> dict[StackName, str]:
    """Name and folder of each stack that the submodule holds, in deployment order."""
    pattern = f"{submodule.path}/{submodule.stacks}"
    folders = {str(PurePosixPath(path).parent) for path in snapshot.files_under(submodule.path)}
    found = {
        StackName(PurePosixPath(folder).name): folder
        for folder in sorted(folders)
        if fnmatch.fnmatchcase(folder, pattern) and folder.count("/") == pattern.count("/")
    }
    rank = {name: index for index, name in enumerate(submodule.order)}
    return dict(sorted(found.items(), key=lambda item: (rank.get(item[0], len(rank)), item[0])))
