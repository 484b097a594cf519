"""Read the facts of a bump, and make its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName, SubmodulePath
from bot.features.bump.facts import BumpBranch, BumpFacts, Checks, OpenPull, Relation
from bot.features.bump.jobs import bump_branch
from bot.features.bump.store import PlanStore
from bot.features.bump.text import parse_marker
from bot.features.fleets.facts import Pinned
from bot.features.fleets.read import FleetAt
from bot.features.holds.facts import Hold, HoldKind
from bot.git.git import GitRepository
from bot.github.client import Client
from bot.github.endpoints import checks
from bot.github.endpoints.repository import Pull
from bot.github.pulls import find_own_pulls
from bot.github.shapes import FAILED
from bot.plan.model import Plan
from bot.planner.plans import Revision, plan_between
from bot.planner.renderer import Renderer

if TYPE_CHECKING:
    from bot.features.bump.run import BumpTools

COMMITS_READ = 50  # of a branch of ours, which has one commit while nobody else commits to it


@dataclass(frozen=True)
class PlanTools:
    """What making, storing and linking a plan takes."""

    renderer: Renderer
    store: PlanStore
    public_url: str  # where people reach this service; "" when they do not

    def page_of(self, plan: Plan) -> str:
        """The address of the whole plan; "" when nobody reaches this service."""
        return f"{self.public_url}/plans/{plan.id}" if self.public_url else ""


def read_bump_facts(
    tools: BumpTools, client: Client, at: FleetAt, pinned: Pinned, *, is_again: bool = False
) -> BumpFacts | None:
    """The facts of one bump, from fetched mirrors and two or three requests; None when nothing is pinned there.

    `is_again`: the look before this one may have labelled nothing, because GitHub did not find the pull request yet.
    """
    upstream = tools.fleets.mirrors.of(pinned.upstream)
    submodule = at.submodule(pinned.submodule)
    pin = at.mirror.pin_at(at.head, pinned.submodule)
    if submodule is None or pin is None:
        return None
    tip = upstream.resolve(f"refs/heads/{pinned.tracked}")
    head = bump_branch(at.base, pinned.submodule)
    pushed = tools.plans.store.find_pushed(at.repo, head)
    found = find_own_pulls(client, at.repo, head=head)
    pulls = [pull for pull in found if pull.base.ref == at.base]
    elsewhere = (pull for pull in found if pull.state == "open" and pull.base.ref != at.base)
    pull = next((_open(pull) for pull in pulls if pull.state == "open"), None)
    relation = read_relation(upstream, pin, tip)
    holds = tools.holds.find_holds(at.repo, at.base, pinned.submodule)
    asks = submodule.wait_for_checks and tip is not None and relation is Relation.AHEAD
    return BumpFacts(
        fleet=at.repo,
        base=at.base,
        base_head=at.head,
        submodule=submodule,
        upstream=pinned.upstream,
        tracked=pinned.tracked,
        pin=pin,
        tip=tip,
        relation=relation,
        checks=read_checks(client, pinned.upstream, tip) if asks and tip else Checks.NOT_ASKED,
        branch=_read_branch(at, pinned.submodule, head, pushed=pushed),
        pull=pull,
        labels_due=is_again or pull is None or tools.plans.store.find_posted(at.repo, pull.number) is None,
        dismissed_pins=read_dismissed_pins(pulls, holds, pushed),
        retargeted=next((_open(pull) for pull in elsewhere), None),
        held=next((hold for hold in holds if hold.kind is HoldKind.HOLD), None),
        several_bases=at.base != pinned.default_branch or len(at.file.bases) > 1,
    )


def _open(pull: Pull) -> OpenPull:
    return OpenPull(
        number=PullNumber(pull.number),
        title=pull.title,
        body=pull.body or "",
        labels=tuple(label.name for label in pull.labels),
    )


def read_dismissed_pins(
    pulls: Sequence[Pull], holds: Sequence[Hold], pushed: Mapping[CommitSha, CommitSha]
) -> frozenset[CommitSha]:
    """Upstream commits that people decided on: closed or merged once, or rolled back, and not resumed since.

    What a closed pull request proposed is what we pushed for it (`pushed`), or what its text says, which anybody may
    edit who may edit it.
    """
    closed = [pull for pull in pulls if pull.state == "closed"]
    markers = (parse_marker(pull.body or "") for pull in closed)
    proposed = frozenset(marker.new for marker in markers if marker)
    proposed |= frozenset(pushed[CommitSha(pull.head.sha)] for pull in closed if pull.head.sha in pushed)
    rolled_back, resumed = (
        frozenset(CommitSha(hold.pin) for hold in holds if hold.kind is kind)
        for kind in (HoldKind.ROLLED_BACK, HoldKind.RESUMED)
    )
    return (proposed | rolled_back) - resumed


def read_relation(upstream: GitRepository, pin: CommitSha, tip: CommitSha | None) -> Relation:
    """Where `tip` stands, seen from `pin`."""
    if tip is None:
        return Relation.TIP_UNKNOWN
    if pin == tip:
        return Relation.SAME
    if upstream.resolve(pin) is None:
        return Relation.PIN_UNKNOWN
    if upstream.is_ancestor(pin, tip):
        return Relation.AHEAD
    return Relation.BEHIND if upstream.is_ancestor(tip, pin) else Relation.DIVERGED


def read_checks(client: Client, repo: RepoName, sha: CommitSha) -> Checks:
    """What the checks and statuses of `sha` come to; a commit without any counts as green.

    What we posted there ourselves says nothing of upstream: a head that was pushed to the branch as it is, without
    the merge button, keeps the review check of its pull request.
    """
    found = checks.find_checks(client, repo, sha)
    runs = [run for run in found if run.app is None or run.app.id != client.app_id]
    status = checks.read_status(client, repo, sha)
    if status in ("failure", "error") or any(run.conclusion in FAILED for run in runs):
        return Checks.RED
    if status == "pending" or any(not run.is_completed for run in runs):
        return Checks.PENDING
    return Checks.GREEN


def _read_branch(
    at: FleetAt, path: SubmodulePath, branch: BranchName, *, pushed: Mapping[CommitSha, CommitSha]
) -> BumpBranch | None:
    head = at.mirror.resolve(f"refs/heads/{branch}")
    if head is None:
        return None
    fork = at.mirror.merge_base(at.head, head)
    return BumpBranch(
        head=head,
        pin=at.mirror.pin_at(head, path),
        pin_at_fork=at.mirror.pin_at(fork, path) if fork else None,
        people=find_strangers(at.mirror, at.head, head, path=path, pushed=pushed),
        has_base_files=set(at.mirror.changed_files(at.head, head)) <= {path},
    )


def find_strangers(
    mirror: GitRepository,
    base_head: CommitSha,
    head: CommitSha,
    *,
    path: SubmodulePath,
    pushed: Mapping[CommitSha, CommitSha],
) -> tuple[str, ...]:
    """Who else committed to the bump's branch, by the names that they gave; empty when `head` is our own.

    Ours is the commit that we pushed last (`pushed`: our commits and their pins), and one whose files are the base's
    with nothing but our pin moved: that is what GitHub's "Update branch" button makes. Names of authors say nothing:
    anybody writes into a commit what they like.
    """
    if head in pushed:
        return ()
    fork = mirror.merge_base(base_head, head)
    pin = mirror.pin_at(head, path)
    only_pin = fork is not None and pin is not None and set(mirror.changed_files(fork, head)) <= {path}
    if only_pin and (not pushed or pin in pushed.values()):
        return ()
    commits = mirror.commits_between(fork, head, most=COMMITS_READ)
    return tuple(sorted({commit.author_name for commit in commits if commit.sha not in pushed})) or ("somebody",)


def read_bump_plan(
    tools: BumpTools, at: FleetAt, facts: BumpFacts, new: CommitSha, *, files: CommitSha | None = None
) -> Plan:
    """What moving the pin to `new` does on every node, with the files of the base, or of the commit `files`.

    It begins at the commit that moved the pin last: that is what nodes were given. What the base changed since, for
    which nobody gave an order, comes with the bump.
    """
    given = at.mirror.last_change(at.head, facts.submodule.path)
    return plan_between(
        Revision(given or at.head, facts.pin),
        Revision(files or at.head, new),
        fleet=at.file,
        submodule=facts.submodule,
        mirror=at.mirror,
        upstream=tools.fleets.mirrors.of(facts.upstream),
        renderer=tools.plans.renderer,
        repo=at.repo,
        upstream_name=facts.upstream,
        commits=(facts.pin, new),
    )
