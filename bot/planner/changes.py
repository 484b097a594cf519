"""Render every stack of every node before and after, and pair what belongs together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from bot.domain.names import StackName
from bot.fleetfile import FLEET_FILE, Node, Submodule, parse_fleet
from bot.fleetfile.problems import YamlFileError
from bot.plan.followers import made_images
from bot.plan.rendering import NodeChange, Rendered, Rendering, Side, StackChange
from bot.plan.stack_needs import sort_by_needs
from bot.planner.builds import read_builds
from bot.planner.culprits import NONE_REFUSED, Refused, StackPlace
from bot.planner.render_request import RenderRequest
from bot.planner.renderer import Renderer
from bot.planner.sides import changed_paths, read_side, uses_lfs
from bot.planner.snapshot import Snapshot
from bot.planner.stacks import make_request, read_stacks


class _RenderTask(NamedTuple):
    """One stack of one snapshot that has to be rendered."""

    stack: StackName
    request: RenderRequest
    snapshot: Snapshot


def read_changes(
    nodes: tuple[Node, ...],
    submodule: Submodule,
    old: Snapshot | None,
    new: Snapshot,
    renderer: Renderer,
    *,
    refused: Refused = NONE_REFUSED,
) -> tuple[NodeChange, ...]:
    """Every stack of every node, before and after. All of them are rendered side by side, equal ones once.

    Those in `refused` are not read, and cannot be analysed for the reason given there.
    """
    then = _nodes_then(nodes, old, new) if old else ()
    sides = [(old, then), (new, nodes)] if old else [(new, nodes)]
    tasks = [
        (node, _RenderTask(stack.name, request, snapshot))
        for snapshot, described in sides
        for stack in read_stacks(snapshot, submodule)
        for node, then_node in zip(nodes, described, strict=True)
        if stack.runs_on(then_node)
        and (request := make_request(then_node, stack, snapshot, is_old=snapshot is old)).files
    ]
    tasks = [(node, _refuse(one, refused, is_old=one.snapshot is old)) for node, one in tasks]
    rendered = renderer.render_all([(one.snapshot, one.request) for _, one in tasks])
    changed = changed_paths(old, new)
    lfs = {side: uses_lfs(side) for side, _ in sides}
    changes = []
    for node in nodes:
        own = []
        for (owner, one), rendering in zip(tasks, rendered, strict=True):
            if owner is node:
                other = new if one.snapshot is old else old
                side = read_side(
                    one.request, rendering, one.snapshot, node, other=other, changed=changed, lfs=lfs[one.snapshot]
                )
                own.append((one, side))
        stacks = _pair(own, node, old, new, changed)
        changes.append(NodeChange(node=node, stacks=stacks, changed=changed))
    return tuple(changes)


def _refuse(task: _RenderTask, refused: Refused, *, is_old: bool) -> _RenderTask:
    message = refused.get(StackPlace(is_old, task.request.folder))
    return task._replace(request=replace(task.request, problem=message)) if message else task


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


def _pair(
    sides: list[tuple[_RenderTask, Side]],
    node: Node,
    old: Snapshot | None,
    new: Snapshot,
    changed: frozenset[str],
) -> tuple[StackChange, ...]:
    """The new version's stacks in their order, then those that go.

    A stack is one with the old stack of the same folder; one whose folder is new, with the old stack of the same
    compose project whose folder is gone: to compose it is the same. So it is where folders change their projects.
    """
    before = {one.request.folder: (one, side) for one, side in sides if one.snapshot is old}
    after = {one.request.folder: (one, side) for one, side in sides if one.snapshot is new}
    gone = {_project(side): folder for folder, (_, side) in before.items() if folder not in after}
    moved = {
        folder: gone.pop(project)
        for folder, (_, side) in after.items()
        if folder not in before and (project := _project(side)) and project in gone
    }
    moved |= _find_swapped(
        {folder: _project(side) for folder, (_, side) in before.items()},
        {folder: _project(side) for folder, (_, side) in after.items()},
    )
    pairs = []
    for folder in [*after, *(name for name in before if name not in after and name not in moved.values())]:
        then, now = before.get(moved.get(folder, folder)), after.get(folder)
        task = (now or before[folder])[0]
        rendering: Rendering | None = now[1].rendering if now else None
        builds = read_builds(
            then[1].rendering if then else None, rendering, node=node, old=old, new=new, changed=changed
        )
        pairs.append(
            StackChange(
                stack=task.stack,
                folder=task.request.folder,
                old=then[1] if then else None,
                new=now[1] if now else None,
                build_inputs=builds.inputs,
                unread_builds=dict(builds.unread),
                build_bases=dict(builds.bases),
                base_images=dict(builds.base_images),
                build_problems=builds.problems,
                was=then[0].stack if then and then[0].stack != task.stack else None,
            )
        )
    return _bases_first(pairs)


def _bases_first(stacks: Sequence[StackChange]) -> tuple[StackChange, ...]:
    """`stacks`, each behind those that build the images which its own are built on."""
    builders: dict[str, str] = {}
    for stack in stacks:
        model = stack.models[1]
        for service, spec in (model.get("services") or {}).items():
            builders |= dict.fromkeys(made_images(model.get("name"), service, spec), stack.folder)
    read = {stack.folder: itertools.chain.from_iterable(stack.base_images.values()) for stack in stacks}
    needs = {folder: {builders[image] for image in images if image in builders} for folder, images in read.items()}
    return sort_by_needs(stacks, lambda stack: stack.folder, needs)


def _find_swapped(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Folders that have changed their compose projects among each other: by folder, where its project was."""
    other = {folder for folder in after if folder in before and before[folder] != after[folder]}
    was = {before[folder]: folder for folder in other if before[folder]}
    swapped = {folder: was[after[folder]] for folder in other if after[folder] in was}
    while one_way := {*swapped} ^ {*swapped.values()}:
        swapped = {to: at for to, at in swapped.items() if to not in one_way and at not in one_way}
    return swapped


def _project(side: Side) -> str:
    rendering = side.rendering
    return str(rendering.model.get("name", "")) if isinstance(rendering, Rendered) else ""
