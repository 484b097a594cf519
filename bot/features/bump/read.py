"""Reads only: the facts that a decision starts from, as GitHub and git tell them now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from bot.domain.errors import BotError
from bot.domain.names import BranchName, CommitSha, InstallationId, PlanId, PullNumber, RepoName, SubmodulePath
from bot.features.bump.facts import BumpBranch, BumpFacts, Checks, NodeFacts, OpenPull, Relation, RolloutFacts
from bot.features.bump.text import parse_marker
from bot.features.commands.facts import Hold, HoldKind, Lock
from bot.features.rollout.admissions import find_approval
from bot.features.rollout.past import read_orders
from bot.features.world import World
from bot.fleetfile import FLEET_FILE, Fleet, Submodule, parse_fleet
from bot.fleetfile.deploy import waves_of
from bot.git.git import GitError, GitRepository, Mirror
from bot.git.gitmodules import Broken, Stanza, parse_gitmodules, resolve_upstream, tracked_branch
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.repository import Pull
from bot.plan.model import Commit, Plan
from bot.planner.planner import read_plan
from bot.planner.snapshot import Snapshot
from bot.service.router import Pinned, bump_branch

COMMITS_SHOWN = 100
PEOPLE_LOOKED_FOR = 50  # commits of the bump branch; it has one when it is ours


class NotAFleet(BotError):  # noqa: N818 - an answer, not a failure
    """The branch has no fleet file: the bot has no business there."""


class FleetAt(NamedTuple):
    """A fleet repository at the head of one of its base branches."""

    repo: RepoName
    base: BranchName
    head: CommitSha
    file: Fleet
    stanzas: tuple[Stanza, ...]
    broken: tuple[Broken, ...]
    mirror: Mirror

    def submodule(self, path: SubmodulePath) -> Submodule | None:
        """What the fleet file says of the submodule at `path`; without a word, every submodule is kept."""
        named = {submodule.path: submodule for submodule in self.file.submodules}
        return named.get(path) if named else Submodule(path=path)


def fetch_all(world: World, client: Client, repos: Iterable[RepoName]) -> None:
    """Bring the mirrors of `repos` up to date, side by side."""
    wanted = tuple(dict.fromkeys(repos))
    with ThreadPoolExecutor(max_workers=4) as pool:
        fetches = [(repo, pool.submit(world.mirror(repo).fetch, client.token, repair=False)) for repo in wanted]
    for repo, fetch in fetches:
        try:
            fetch.result()
        except GitError:
            # Git only says no; GitHub says why: an outage, a limit, an ended token are waited for (RetryLater).
            repository.find_repository(client, repo)
            world.mirror(repo).fetch(client.token)


def read_fleet(world: World, repo: RepoName, base: BranchName) -> FleetAt:
    """The fleet at the head of `base`, from a mirror that has been fetched. YamlFileError when its file is wrong."""
    mirror = world.mirror(repo)
    head = mirror.resolve(f"refs/heads/{base}")
    text = mirror.read_file(head, FLEET_FILE) if head else None
    if head is None or text is None:
        raise NotAFleet(f"{repo} has no {FLEET_FILE} on branch {base}")
    modules = parse_gitmodules((mirror.read_file(head, ".gitmodules") or b"").decode("utf-8", "replace"))
    file = parse_fleet(text.decode("utf-8", "replace"))
    return FleetAt(repo, base, head, file, modules.stanzas, modules.broken, mirror)


def read_pins(
    world: World, client: Client, installation: InstallationId, at: FleetAt, *, default_branch: BranchName
) -> tuple[Pinned, ...]:
    """Every pin of this base that the bot keeps: named by the fleet file, on our GitHub, and really a submodule."""
    pins = []
    for stanza in at.stanzas:
        submodule = at.submodule(stanza.path)
        upstream = resolve_upstream(stanza.url, fleet=at.repo, web_url=world.web_url)
        if submodule is None or upstream is None or at.mirror.pin_at(at.head, stanza.path) is None:
            continue
        tracked = submodule.branch or tracked_branch(stanza, own=at.base)
        if tracked is None:
            found = repository.find_repository(client, upstream)
            if found is None:
                continue
            tracked = BranchName(found.default_branch)
        pins.append(
            Pinned(
                fleet=at.repo,
                installation=installation,
                base=at.base,
                default_branch=default_branch,
                submodule=stanza.path,
                upstream=upstream,
                tracked=tracked,
                waits_for_checks=submodule.wait_for_checks,
                hub=_own_hub(at),
                show_upstream=submodule.show_upstream,
                prefix=at.file.commands.prefix,
            )
        )
    return tuple(pins)


def _own_hub(at: FleetAt) -> RepoName | None:
    """The hub that the fleet names, when it is of the same owner: nobody is written about at a stranger's."""
    hub = at.file.hub
    same = hub is not None and hub.split("/")[0].lower() == at.repo.split("/")[0].lower()
    return hub if same else None


def read_bump_facts(world: World, client: Client, at: FleetAt, pinned: Pinned) -> BumpFacts | None:
    """The facts of one bump, from fetched mirrors and two or three requests; None when nothing is pinned there."""
    upstream = world.mirror(pinned.upstream)
    submodule = at.submodule(pinned.submodule)
    pin = at.mirror.pin_at(at.head, pinned.submodule)
    if submodule is None or pin is None:
        return None
    tip = upstream.resolve(f"refs/heads/{pinned.tracked}")
    head = bump_branch(at.base, pinned.submodule)
    pulls = repository.find_pulls(client, at.repo, head=head, base=at.base)
    relation = read_relation(upstream, pin, tip)
    holds = world.people.find_holds(at.repo, at.base, pinned.submodule)
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
        branch=_read_branch(at, pinned.submodule, head, world.app.login()),
        pull=next((_open(pull) for pull in pulls if pull.state == "open"), None),
        settled=read_settled(pulls, holds),
        held=next((hold for hold in holds if hold.kind is HoldKind.HOLD), None),
    )


def _open(pull: Pull) -> OpenPull:
    return OpenPull(
        number=PullNumber(pull.number),
        title=pull.title,
        body=pull.body or "",
        labels=tuple(label.name for label in pull.labels),
    )


def read_settled(pulls: Sequence[Pull], holds: Sequence[Hold]) -> frozenset[CommitSha]:
    """Upstream commits that people decided on: closed or merged once, or rolled back, and not resumed since."""
    markers = (parse_marker(pull.body or "") for pull in pulls if pull.state == "closed")
    proposed = frozenset(marker.new for marker in markers if marker)
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
    """What the checks and statuses of `sha` come to; a commit without any counts as green."""
    runs = repository.find_checks(client, repo, sha)
    status = repository.read_status(client, repo, sha)
    if status in ("failure", "error") or any(
        run.conclusion in ("failure", "timed_out", "cancelled", "action_required", "startup_failure") for run in runs
    ):
        return Checks.RED
    if status == "pending" or any(run.status != "completed" for run in runs):
        return Checks.PENDING
    return Checks.GREEN


def _read_branch(at: FleetAt, path: SubmodulePath, branch: BranchName, login: str) -> BumpBranch | None:
    head = at.mirror.resolve(f"refs/heads/{branch}")
    if head is None:
        return None
    fork = at.mirror.merge_base(at.head, head)
    commits = at.mirror.commits_between(fork, head, most=PEOPLE_LOOKED_FOR)
    ours = (login, "GitHub")
    people = {c.author_name for c in commits if c.author_name != login}
    people |= {c.committer_name for c in commits if c.committer_name not in ours}
    return BumpBranch(
        head=head,
        pin=at.mirror.pin_at(head, path),
        pin_at_fork=at.mirror.pin_at(fork, path) if fork else None,
        people=tuple(sorted(people)),
    )


def read_bump_plan(world: World, at: FleetAt, facts: BumpFacts, new: CommitSha) -> Plan:
    """What moving the pin to `new` does on every node."""
    upstream = world.mirror(facts.upstream)

    def snapshot(pin: CommitSha) -> Snapshot:
        return Snapshot(fleet=at.mirror, commit=at.head, submodule=facts.submodule.path, upstream=upstream, pin=pin)

    return read_plan(
        fleet=at.file,
        repo=at.repo,
        submodule=facts.submodule,
        upstream_name=facts.upstream,
        old=snapshot(facts.pin),
        new=snapshot(new),
        renderer=world.renderer,
        commits=read_commits(upstream, facts.pin, new),
        commits_total=upstream.count_between(facts.pin, new),
    )


def read_commits(upstream: GitRepository, old: CommitSha | None, new: CommitSha) -> tuple[Commit, ...]:
    """What the bump brings in, newest first."""
    found = upstream.commits_between(old, new, most=COMMITS_SHOWN)
    return tuple(Commit(sha=c.sha, subject=c.subject, author=c.author_name) for c in found)


def _hold(node: NodeFacts, lock: Lock | None) -> NodeFacts:
    """A node that another pull request has gets no order of a merge until it gives it back."""
    if lock is None:
        return node
    return msgspec.structs.replace(
        node, held=f"pull request {lock.pull} has it ({lock.owner})", held_until=lock.expires_at
    )


def read_rollout_facts(world: World, client: Client, at: FleetAt, pinned: Pinned) -> RolloutFacts | None:
    """What is approved of this pin, and how far each node is that it is approved for; None when there is no pin."""
    submodule = at.submodule(pinned.submodule)
    commit = at.mirror.last_change(at.head, pinned.submodule)
    pin = at.mirror.pin_at(commit, pinned.submodule) if commit else None
    if submodule is None or commit is None or pin is None or not at.file.nodes:
        return None
    approval = find_approval(client, at.mirror, at.repo, base=at.base, head=at.head, pinned_by=commit)
    merged = approval.pull if approval else None
    marker = parse_marker(merged.body or "") if merged else None
    locks = {
        lock.node: lock
        for lock in world.people.find_locks(at.repo, now=world.now())
        if merged is None or lock.pull != merged.number
    }
    nodes = tuple(
        node for node in at.file.nodes if approval and (approval.nodes is None or node.name in approval.nodes)
    )
    return RolloutFacts(
        fleet=at.repo,
        base=at.base,
        submodule=submodule,
        upstream=pinned.upstream,
        commit=commit,
        pin=pin,
        default_branch=pinned.default_branch,
        pull=PullNumber(merged.number) if merged else None,
        plan=PlanId(marker.id) if marker else None,
        nodes=tuple(
            _hold(
                NodeFacts(
                    node=node,
                    past=read_orders(world, client, at.repo, node, submodule=submodule.path, commit=commit),
                ),
                locks.get(node.name),
            )
            for node in nodes
        ),
        waves=waves_of(at.file.deploy, nodes),
        now=int(world.now()),
        soak=at.file.deploy.soak,
        offline_after=at.file.deploy.offline_after,
        stop_on_drift=at.file.deploy.stop_on_drift,
    )
