"""Whose merge a rollout stands on: the one that moved the pin, or those that brought nodes in after it.

A pin that was pushed directly has nobody's approval, so no node is given it. A node that a merged pull request adds
to the fleet file afterwards is another matter: who merged it saw what the branch pins, and asked for a machine with
it (docs/decisions/a-merged-node-is-approved.md).
"""

from __future__ import annotations

from typing import NamedTuple

from bot.domain.names import BranchName, CommitSha, NodeName, PlanId, PullNumber, RepoName
from bot.features.bump.store import PlanStore
from bot.features.bump.text import parse_marker
from bot.fleetfile import FLEET_FILE, parse_fleet
from bot.fleetfile.problems import YamlFileError
from bot.git.mirrors import Mirror
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.repository import Pull

_MOST = 20  # changes of the fleet file that are looked at


class Approval(NamedTuple):
    """The pull request that the rollout is reported in, and the nodes it is for; None: all of the fleet."""

    pull: Pull
    nodes: frozenset[NodeName] | None


def find_approval(
    client: Client,
    mirror: Mirror,
    repo: RepoName,
    *,
    base: BranchName,
    head: CommitSha,
    pinned_by: CommitSha,
    reported: PullNumber | None = None,
) -> Approval | None:
    """Who approved that nodes run what `pinned_by` pins, seen from `head` of `base`; None when nobody did.

    `reported`: a pull request that GitHub's event called merged; which commits it brought is listed only later.
    """
    merged = find_merged(client, mirror, repo, pinned_by, base)
    if merged is None and reported is not None:
        merged = _read_reported(client, mirror, repo, reported, pinned_by, base=base)
    if merged is not None:
        return Approval(merged, None)
    newest: Pull | None = None
    admitted: set[NodeName] = set()
    for commit in mirror.changes_since(pinned_by, head, FLEET_FILE, most=_MOST):
        added = _nodes(mirror, commit) - _nodes(mirror, f"{commit}^")
        pull = find_merged(client, mirror, repo, commit, base) if added else None
        if pull is not None:
            newest = newest or pull
            admitted |= added
    return Approval(newest, frozenset(admitted)) if newest else None


def find_merged(client: Client, mirror: Mirror, repo: RepoName, commit: CommitSha, base: BranchName) -> Pull | None:
    """The merged pull request that brought `commit` into `base`, or None.

    GitHub lists others beside it: a branch that was updated from the base has the commit too, and is merged later.
    """
    listed = repository.find_pulls_of_commit(client, repo, commit)
    pulls = [pull for pull in listed if pull.merged_at and pull.base.ref == base]
    for pull in pulls:
        if pull.merge_commit_sha == commit or _has_brought(mirror, pull, commit):
            return pull
    # One of several commits: a rebase rewrote them, or the branch was pushed to the base directly.
    return next((pull for pull in pulls if not _is_within(mirror, commit, pull.base.sha)), None)


def _has_brought(mirror: Mirror, pull: Pull, commit: CommitSha) -> bool:
    """Whether the base has `commit` from the pull request's merge on."""
    merge = pull.merge_commit_sha or ""
    return _is_within(mirror, commit, merge) and not _is_within(mirror, commit, f"{merge}^1")


def _is_within(mirror: Mirror, commit: CommitSha, newer: str) -> bool:
    """Whether `newer` is here and has `commit` in its history."""
    found = mirror.resolve(newer) if newer else None
    return found is not None and mirror.is_ancestor(commit, found)


def _read_reported(
    client: Client, mirror: Mirror, repo: RepoName, number: PullNumber, commit: CommitSha, *, base: BranchName
) -> Pull | None:
    """The pull request, if it was merged into `base` and its merge is what brought `commit`."""
    pull = repository.read_pull(client, repo, number)
    is_merged = pull.merged_at and pull.base.ref == base
    return pull if is_merged and _has_brought(mirror, pull, commit) else None


def _nodes(mirror: Mirror, commit: str) -> set[NodeName]:
    text = mirror.read_file(commit, FLEET_FILE) or b""
    try:
        return {node.name for node in parse_fleet(text.decode("utf-8", "replace")).nodes}
    except YamlFileError:
        return set()


def find_shown_plan(plans: PlanStore, fleet: RepoName, pull: Pull) -> PlanId | None:
    """The plan that the pull request showed last: as we posted it, else as its text says; None when it showed none.

    The text is anybody's to edit who may edit the pull request. It only counts where we know of no plan, and what it
    names then only narrows what the merge approves.
    """
    posted = plans.find_posted(fleet, PullNumber(pull.number))
    marker = parse_marker(pull.body or "")
    return posted or (PlanId(marker.id) if marker else None)
