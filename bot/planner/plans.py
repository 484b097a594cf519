"""Make the plan between two revisions of a fleet: find their stacks, render them, and compare them (bot.plan)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from bot.domain.names import CommitSha, NodeName, RepoName, StackName, SubmodulePath
from bot.domain.risk_rules import Tuning
from bot.fleetfile import FLEET_FILE, Fleet, Node, Submodule, parse_fleet
from bot.fleetfile.yaml_lines import YamlFileError
from bot.git.git import GitRepository
from bot.plan.apart import join_stacks, only_stacks, start_at, without_stacks
from bot.plan.changes import decide_node
from bot.plan.identity import identify_plan
from bot.plan.model import Commit, NodePlan, Plan
from bot.plan.rendering import NodeChange, Rendered, Rendering, Side, StackChange
from bot.planner.builds import read_builds
from bot.planner.exits import hide_secrets
from bot.planner.file_diffs import (
    ChangedFile,
    add_lost_guards,
    keep_stricter,
    point_at_files,
    read_changed_files,
    show_files,
)
from bot.planner.read_files import digest_files
from bot.planner.renderer import Renderer, RenderRequest
from bot.planner.sides import changed_paths, read_side, uses_lfs
from bot.planner.snapshot import Snapshot
from bot.planner.stacks import make_request, read_stacks
from bot.protocol.tree import digest_tree
from bot.redaction.redact import Redactor
from bot.risks.assess import add_risks

COMMITS_SHOWN = 100
ANY_NODE = NodeName("any node")  # what plans of a fleet without nodes are for


class Revision(NamedTuple):
    """A commit of the fleet, and the upstream's commit that it pins, or is to pin."""

    commit: CommitSha
    pin: CommitSha


def find_revision(
    mirror: GitRepository, upstream: GitRepository, commit: str, path: SubmodulePath
) -> Revision | None:
    """`commit` with what it pins at `path`; None when the fleet has no such commit, or upstream no such pin."""
    found = mirror.resolve(commit)
    pin = mirror.pin_at(found, path) if found else None
    return Revision(found, pin) if found and pin and upstream.resolve(pin) else None


def plan_between(
    old: Revision | None,
    new: Revision,
    *,
    fleet: Fleet,
    submodule: Submodule,
    mirror: GitRepository,
    upstream: GitRepository,
    renderer: Renderer,
    repo: RepoName | None = None,
    upstream_name: RepoName | None = None,
    commits: tuple[CommitSha | None, CommitSha] | None = None,
    commits_shown: int = COMMITS_SHOWN,
    apart: Mapping[StackName, Revision | None] = MappingProxyType({}),
) -> Plan:
    """The plan of moving `submodule` from `old` to `new` (None: nothing was deployed) on every node of `fleet`.

    `apart` are the stacks that run another revision than `old`, newest first. `mirror` and `upstream` are the
    repositories of the fleet and of the submodule; their names are for reports. With `commits` the plan counts the
    commits after the first of the two up to the second, and lists the newest.
    """

    def snapshot(at: Revision) -> Snapshot:
        return Snapshot(fleet=mirror, commit=at.commit, submodule=submodule.path, upstream=upstream, pin=at.pin)

    snapshots = {at: snapshot(at) for at in dict.fromkeys(apart.values()) if at}
    listed = upstream.commits_between(*commits, most=commits_shown) if commits and commits_shown else ()
    return read_plan(
        fleet=fleet,
        repo=repo,
        submodule=submodule,
        upstream_name=upstream_name,
        old=snapshot(old) if old else None,
        new=snapshot(new),
        renderer=renderer,
        commits=tuple(Commit(sha=c.sha, subject=c.subject, author=c.author_name) for c in listed),
        commits_total=upstream.count_between(*commits) if commits else 0,
        apart={stack: snapshots[at] if at else None for stack, at in apart.items()},
    )


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
    apart: Mapping[StackName, Snapshot | None] = MappingProxyType({}),
) -> Plan:
    """The same between two snapshots, with the commits that it brings."""
    nodes = fleet.nodes or (Node(name=ANY_NODE),)
    changes, changed = _read_parts(nodes, submodule, old, new, renderer, apart=apart)
    changes = tuple(add_lost_guards(change, changed) for change in changes)
    decided = [_decide(change, fleet.risks, new, renderer.redactor, changed) for change in changes]
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
        file_diffs=show_files([one for one in changed if one.path in effective], changes, renderer.redactor),
        tree=digest_tree(new.files),
    )


def _decide(
    change: NodeChange,
    tuning: Mapping[str, Tuning],
    new: Snapshot,
    redactor: Redactor,
    files: tuple[ChangedFile, ...],
) -> tuple[NodePlan, frozenset[str]]:
    """The plan of one node as it may be shown, and the changed files that affect it."""
    decided = decide_node(change)
    plan = NodePlan(
        node=change.node.name,
        platform=change.node.platform,
        stacks=tuple(stack for one in decided for stack in one.stacks),
    )
    assessed = point_at_files(add_risks(plan, change, tuning), files)
    whole = _add_inputs(hide_secrets(assessed, change, redactor), change, new)
    return whole, frozenset().union(*(one.files for one in decided))


def _add_inputs(plan: NodePlan, change: NodeChange, new: Snapshot) -> NodePlan:
    """The plan with the digest of the files that each stack will read."""
    sides = {one.stack: one.new for one in change.stacks}
    stacks = tuple(
        replace(stack, inputs=digest_files(side, stack.folder, change.node, new)) if side is not None else stack
        for stack, side in ((one, sides.get(one.stack)) for one in plan.stacks)
    )
    return replace(plan, stacks=stacks)


def _read_parts(
    nodes: tuple[Node, ...],
    submodule: Submodule,
    old: Snapshot | None,
    new: Snapshot,
    renderer: Renderer,
    *,
    apart: Mapping[StackName, Snapshot | None],
) -> tuple[tuple[NodeChange, ...], tuple[ChangedFile, ...]]:
    """Every stack of every node from what it runs to `new`, and the changed files that services read."""
    whole = read_changes(nodes, submodule, old, new, renderer)
    if not apart:
        return whole, read_changed_files(whole, old, new)
    parts = []
    for side in dict.fromkeys(apart.values()):
        own = frozenset(stack for stack, at in apart.items() if at is side)
        pin = side.pin if side else None
        read = read_changes(nodes, submodule, side, new, renderer)
        parts.append((side, [start_at(only_stacks(change, own), pin) for change in read]))
    parts.append((old, [without_stacks(change, apart.keys()) for change in whole]))
    files: dict[str, ChangedFile] = {}
    for side, changes in parts:
        for one in read_changed_files(changes, side, new):
            files[one.path] = keep_stricter(files.get(one.path, one), one)
    joined = (join_stacks(change, [changes[at] for _, changes in parts]) for at, change in enumerate(whole))
    return tuple(joined), tuple(files[path] for path in sorted(files))


class _RenderTask(NamedTuple):
    """One stack of one snapshot that has to be rendered."""

    stack: StackName
    request: RenderRequest
    snapshot: Snapshot


def read_changes(
    nodes: tuple[Node, ...], submodule: Submodule, old: Snapshot | None, new: Snapshot, renderer: Renderer
) -> tuple[NodeChange, ...]:
    """Every stack of every node, before and after. All of them are rendered side by side, equal ones once."""
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
    compose project whose folder is gone: to compose it is the same.
    """
    before = {one.request.folder: (one, side) for one, side in sides if one.snapshot is old}
    after = {one.request.folder: (one, side) for one, side in sides if one.snapshot is new}
    gone = {_project(side): folder for folder, (_, side) in before.items() if folder not in after}
    moved = {
        folder: gone.pop(project)
        for folder, (_, side) in after.items()
        if folder not in before and (project := _project(side)) and project in gone
    }
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
                build_problems=builds.problems,
                was=then[0].stack if then and then[0].stack != task.stack else None,
            )
        )
    return tuple(pairs)


def _project(side: Side) -> str:
    rendering = side.rendering
    return str(rendering.model.get("name", "")) if isinstance(rendering, Rendered) else ""
