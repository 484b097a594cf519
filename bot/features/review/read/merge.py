"""Read what a merge would do: the plans of the pull request's own files, and which of its paths something reads.

The base's fleet file decides, never the head's. What the merge will hold is known in two cases: the base is part of
the head, or the head moves nothing but pins. In every other case no plan is made, and nothing merges by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.domain.names import CommitSha
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt
from bot.features.review.decide import judge_plans
from bot.features.review.facts import MergeEffect
from bot.fleetfile import Node
from bot.git.git import GitRepository
from bot.plan.model import Plan
from bot.plan.reads import UNREADABLE, choose_read, find_hook_reads, find_texts, find_workflow_reads
from bot.planner.plans import ANY_NODE, Revision, find_revision, plan_between
from bot.planner.reads import read_stack_reads
from bot.planner.snapshot import Snapshot
from bot.planner.yaml_dialect import YamlRefusedError
from bot.planner.yaml_nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence, parse_yaml

if TYPE_CHECKING:
    from bot.features.review.run import ReviewTools

_WORKFLOWS = ".github/workflows/"


class _Move(NamedTuple):
    """One pin before and after the merge; `after` None: what the merge will hold is not known."""

    pin: Pinned
    before: Revision
    after: Revision | None


class MergeReads(NamedTuple):
    """Those changed paths that something reads, and what the merge would do.

    `blind`: not all that reads could be read itself.
    """

    read: frozenset[str] = frozenset()
    blind: bool = False
    effect: MergeEffect = MergeEffect.UNPLANNED


def read_merge(
    tools: ReviewTools, at: FleetAt, head: CommitSha | None, pins: list[Pinned], paths: tuple[str, ...], *, plan: bool
) -> MergeReads:
    """What reads `paths`, and with `plan` what the merge of `head` into the base would do."""
    moves = _find_moves(tools, at, head, pins)
    if moves is None:
        return MergeReads(blind=True)
    read: set[str] = set()
    for move in moves:
        read |= _read_by_stacks(tools, at, move) | _read_by_others(tools, at, move)
    effect = _judge(tools, at, moves) if plan else MergeEffect.UNPLANNED
    return MergeReads(choose_read(paths, frozenset(read - {UNREADABLE})), UNREADABLE in read, effect)


def _judge(tools: ReviewTools, at: FleetAt, moves: list[_Move]) -> MergeEffect:
    planned = [_plan(tools, at, move.pin, move.before, move.after) for move in moves if move.after is not None]
    if not moves or len(planned) < len(moves):
        return MergeEffect.UNPLANNED
    return judge_plans(plan for plan in planned if plan is not None)


def _find_moves(tools: ReviewTools, at: FleetAt, head: CommitSha | None, pins: list[Pinned]) -> list[_Move] | None:
    """Every pin of the base, before and after; None when one of the base's pins is not known here."""
    merged = find_merged(at.mirror, at.head, head, tuple(pin.submodule for pin in pins)) if head else None
    moves = []
    for pin in pins:
        upstream = tools.fleets.mirrors.of(pin.upstream)
        before = find_revision(at.mirror, upstream, at.head, pin.submodule)
        if before is None:
            return None
        moved = find_revision(at.mirror, upstream, head, pin.submodule) if head else None
        after = Revision(merged, moved.pin) if merged and moved else None
        moves.append(_Move(pin, before, after))
    return moves


def find_merged(
    mirror: GitRepository, base: CommitSha, head: CommitSha, submodules: tuple[str, ...]
) -> CommitSha | None:
    """The commit whose own files the merge of `head` into `base` will hold, its pins aside; None: not known."""
    fork = mirror.merge_base(base, head)
    if fork is None:
        return None
    if fork == base:
        return head
    moved = mirror.changed_files(fork, head)
    # Where the base moved the same pin meanwhile, GitHub merges nothing by itself.
    same = all(mirror.pin_at(fork, path) == mirror.pin_at(base, path) for path in moved)
    return base if same and set(moved) <= set(submodules) else None


def _snapshot(tools: ReviewTools, at: FleetAt, pin: Pinned, revision: Revision) -> Snapshot:
    upstream = tools.fleets.mirrors.of(pin.upstream)
    return Snapshot(
        fleet=at.mirror, commit=revision.commit, submodule=pin.submodule, upstream=upstream, pin=revision.pin
    )


def _read_by_stacks(tools: ReviewTools, at: FleetAt, move: _Move) -> set[str]:
    submodule = at.submodule(move.pin.submodule)
    if submodule is None:
        return set()
    old = _snapshot(tools, at, move.pin, move.before)
    new = _snapshot(tools, at, move.pin, move.after) if move.after else old
    nodes = at.file.nodes or (Node(name=ANY_NODE),)
    return read_stack_reads(nodes, submodule, old, new, tools.plans.renderer)


def _read_by_others(tools: ReviewTools, at: FleetAt, move: _Move) -> set[str]:
    """What hooks, the scripts of a joining machine, and workflows name."""
    found: set[str] = set()
    for revision in (move.before, move.after or move.before):
        snapshot = _snapshot(tools, at, move.pin, revision)
        for node in at.file.nodes:
            found |= find_hook_reads(node.hooks, snapshot.entries.__contains__) | set(node.bootstrap)
        workflows = [path for path in snapshot.files_under("") if path.startswith(_WORKFLOWS)]
        texts = [text for path in workflows for text in _job_texts(snapshot.read(path) or b"")]
        found |= find_workflow_reads(texts, snapshot.files_under(""))
    return found


def _job_texts(content: bytes) -> list[str]:
    """The texts of a workflow's jobs; what cannot be parsed counts as a whole."""
    try:
        documents = parse_yaml(content)
    except YamlRefusedError:
        return [content.decode("utf-8", "replace")]
    jobs = (document.get("jobs") for document in documents if isinstance(document, YamlMapping))
    return [text for job in jobs for text in find_texts(_plain(job))]


def _plain(node: YamlNode | None) -> object:
    match node:
        case YamlScalar():
            return node.text
        case YamlSequence():
            return [_plain(item) for item in node.items]
        case YamlMapping():
            return {key: _plain(value) for key, (_, value) in node.pairs.items()}
    return None


def _plan(tools: ReviewTools, at: FleetAt, pin: Pinned, before: Revision, after: Revision) -> Plan | None:
    submodule = at.submodule(pin.submodule)
    if submodule is None:
        return None  # the fleet file leaves this one alone
    return plan_between(
        before,
        after,
        fleet=at.file,
        submodule=submodule,
        mirror=at.mirror,
        upstream=tools.fleets.mirrors.of(pin.upstream),
        renderer=tools.plans.renderer,
        repo=at.repo,
        upstream_name=pin.upstream,
    )
