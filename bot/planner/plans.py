"""Make the plan between two revisions of a fleet: find their stacks, render them, and compare them (bot.plan)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from bot.domain.names import CommitSha, NodeName, RepoName, StackName, SubmodulePath
from bot.domain.risk_rules import Tuning
from bot.fleetfile import Fleet, Node, Submodule
from bot.git.git import GitRepository
from bot.plan.changes import decide_node
from bot.plan.compose_versions import NodeCompose
from bot.plan.engine_versions import describe_lacks, find_lacks, made_services
from bot.plan.identity import identify_plan
from bot.plan.model import Commit, NodePlan, Plan, StackPlan
from bot.plan.rendering import NodeChange
from bot.planner.culprits import Refused, StackPlace, make_guarded
from bot.planner.exits import PlanRedactor, hide_secrets
from bot.planner.file_diffs import (
    ChangedFile,
    add_lost_guards,
    point_at_files,
    show_files,
)
from bot.planner.parts import read_parts
from bot.planner.read_files import digest_files, digest_hooks, find_changed_hooks
from bot.planner.renderer import Renderer
from bot.planner.snapshot import Snapshot
from bot.planner.stacks import read_stacks
from bot.protocol.tree import digest_tree
from bot.risks.assess import add_risks

COMMITS_SHOWN = 100
_MOST_HOOK_FILES = 5  # that a remark names
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
    total = len(listed)  # where that is all of them
    if commits and total == commits_shown:
        total = upstream.count_between(*commits)
    return read_plan(
        fleet=fleet,
        repo=repo,
        submodule=submodule,
        upstream_name=upstream_name,
        old=snapshot(old) if old else None,
        new=snapshot(new),
        renderer=renderer,
        commits=tuple(Commit(sha=c.sha, subject=c.subject, author=c.author_name) for c in listed),
        commits_total=total,
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
    """The same between two snapshots, with the commits that it brings.

    It is made in a child with limits (bot.planner.guarded), which reaches no database: so versions are read before.
    """
    asked = repo if fleet.nodes else None
    nodes = fleet.nodes or (Node(name=ANY_NODE),)
    versions = {node.name: renderer.judge_node(asked, node.name) for node in nodes}
    work = _PlanWork(fleet, repo, nodes, submodule, versions, old, new, dict(apart), renderer)
    plan, processes = make_guarded(work, renderer.guard)
    renderer.count(processes)
    return replace(plan, fleet=repo, upstream=upstream_name, commits=commits, commits_total=commits_total)


class _PlanWork(NamedTuple):
    """What a plan is made of, as a child gets it."""

    fleet: Fleet
    repo: RepoName | None
    nodes: tuple[Node, ...]
    submodule: Submodule
    versions: Mapping[NodeName, NodeCompose]
    old: Snapshot | None
    new: Snapshot
    apart: Mapping[StackName, Snapshot | None]
    renderer: Renderer

    def make(self, refused: Refused) -> tuple[Plan, int]:
        """The plan, and how many processes rendered for it."""
        old, new, renderer = self.old, self.new, copy(self.renderer)
        changes, changed = read_parts(
            self.nodes, self.submodule, old, new, renderer, apart=self.apart, refused=refused
        )
        identity = (str(self.repo or ""), self.submodule.path, str(old.pin if old else ""), new.pin, new.commit)
        redactor = PlanRedactor(renderer.redactor, identity)
        plan = _make_plan(
            self.fleet, self.submodule, changes, changed, self.versions, old=old, new=new, redactor=redactor
        )
        return plan, renderer.processes

    def places(self) -> tuple[StackPlace, ...]:
        """Every stack of both versions."""
        olds = (side for side in dict.fromkeys((self.old, *self.apart.values())) if side)
        sides = [(False, self.new), *((True, side) for side in olds)]
        return tuple(
            StackPlace(is_old, stack.folder) for is_old, side in sides for stack in read_stacks(side, self.submodule)
        )


def _make_plan(
    fleet: Fleet,
    submodule: Submodule,
    changes: tuple[NodeChange, ...],
    changed: tuple[ChangedFile, ...],
    versions: Mapping[NodeName, NodeCompose],
    *,
    old: Snapshot | None,
    new: Snapshot,
    redactor: PlanRedactor,
) -> Plan:
    changes = tuple(add_lost_guards(change, changed) for change in changes)
    decided = [
        _decide(change, fleet.risks, (old, new), redactor, changed, compose=versions[change.node.name])
        for change in changes
    ]
    plans = _share_stacks(plan for plan, _ in decided)
    prefix = f"{submodule.path}/"
    files = tuple(sorted(path.removeprefix(prefix) for path in changes[0].changed if path.startswith(prefix)))
    effective = frozenset().union(*(used for _, used in decided))
    return Plan(
        id=identify_plan(new.commit, old.pin if old else None, new.pin, plans),
        fleet=None,
        submodule=submodule.path,
        upstream=None,
        base=new.commit,
        old=old.pin if old else None,
        new=new.pin,
        nodes=plans,
        files_changed=files,
        files_without_effect=tuple(path for path in files if f"{prefix}{path}" not in effective),
        file_diffs=show_files([one for one in changed if one.path in effective], changes, redactor),
        tree=digest_tree(new.files),
    )


def _share_stacks(plans: Iterable[NodePlan]) -> tuple[NodePlan, ...]:
    """`plans` in which nodes with equal stacks have the same value: it leaves the child once, and is kept once.

    Reading the result of a child stops every other thread, so it must not grow with the number of nodes.
    """
    shared: dict[StackPlan, StackPlan] = {}
    return tuple(
        replace(plan, stacks=tuple(shared.setdefault(stack, stack) for stack in plan.stacks)) for plan in plans
    )


def _decide(
    change: NodeChange,
    tuning: Mapping[str, Tuning],
    sides: tuple[Snapshot | None, Snapshot],
    redactor: PlanRedactor,
    files: tuple[ChangedFile, ...],
    *,
    compose: NodeCompose,
) -> tuple[NodePlan, frozenset[str]]:
    """The plan of one node as it may be shown, and the changed files that affect it."""
    old, new = sides
    decided = decide_node(change, reconnects=compose.reconnects_networks)
    models = {one.stack: one.models[1] for one in change.stacks}
    made = [(str(s.stack), made_services(s), models.get(s.stack, {})) for one in decided for s in one.stacks]
    lacks = find_lacks(made, compose.engine, compose.rules)
    plan = NodePlan(
        node=change.node.name,
        platform=change.node.platform,
        stacks=tuple(stack for one in decided for stack in one.stacks),
        remarks=(*compose.remarks, *_describe_hooks(change.node, old, new)),
        warnings=(*compose.warnings, *describe_lacks(lacks, compose.engine)),
    )
    assessed = point_at_files(add_risks(plan, change, tuning), files)
    whole = _add_inputs(hide_secrets(assessed, change, redactor), change, new)
    return whole, frozenset().union(*(one.files for one in decided))


def _describe_hooks(node: Node, old: Snapshot | None, new: Snapshot) -> tuple[str, ...]:
    changed = find_changed_hooks(node, old, new) if old else ()
    if not changed:
        return ()
    more = f" and {len(changed) - _MOST_HOOK_FILES} more" if len(changed) > _MOST_HOOK_FILES else ""
    return (f"files that its hooks run or may read change: {', '.join(changed[:_MOST_HOOK_FILES])}{more}",)


def _add_inputs(plan: NodePlan, change: NodeChange, new: Snapshot) -> NodePlan:
    """The plan with the digest of the files that each stack will read."""
    sides = {one.stack: one.new for one in change.stacks}
    stacks = tuple(
        replace(stack, inputs=digest_files(side, stack.folder, change.node, new)) if side is not None else stack
        for stack, side in ((one, sides.get(one.stack)) for one in plan.stacks)
    )
    return replace(plan, stacks=stacks, hooks=digest_hooks(change.node, new))
