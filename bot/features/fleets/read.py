"""Read a fleet at the head of one of its base branches, and what it pins."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from bot.domain.errors import BotError
from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName, SubmodulePath
from bot.features.fleets import apply
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import (
    Access,
    FleetReplaced,
    ForgetInstallation,
    ListedPull,
    Outcome,
    PushedJob,
    SyncFleet,
    SyncInstallation,
)
from bot.features.fleets.text import UnreadableUpstream
from bot.fleetfile import FLEET_FILE, Fleet, PageAudience, Submodule, parse_fleet
from bot.fleetfile.problems import Problem, YamlFileError
from bot.git.git import GitError
from bot.git.gitmodules import BrokenStanza, Stanza, parse_gitmodules, resolve_upstream, tracked_branch
from bot.git.mirrors import Mirror
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.github.endpoints.repository import Repository
from bot.github.errors import GitHubError
from bot.github.manifest import permissions

if TYPE_CHECKING:
    from bot.features.fleets.run import FleetTools

log = logging.getLogger(__name__)

_MOST_KNOWN = 2_000  # base branches of fleets that are remembered

PERMISSIONS: Mapping[Access, Mapping[str, str]] = {
    Access.LIST: {"metadata": "read"},
    Access.READ: {"metadata": "read", "contents": "read", "checks": "write", "pull_requests": "read"},
    Access.WRITE: permissions(),
}
"""The permissions that a job works with, of those that its installation has."""


class NotAFleet(BotError):  # noqa: N818 - an answer, not a failure
    """The branch has no fleet file, or does not exist: nothing is to be done there."""


class FleetAt(NamedTuple):
    """A fleet repository at the head of one of its base branches."""

    repo: RepoName
    base: BranchName
    head: CommitSha
    file: Fleet
    stanzas: tuple[Stanza, ...]
    broken: tuple[BrokenStanza, ...]
    mirror: Mirror

    def submodule(self, path: SubmodulePath) -> Submodule | None:
        """What the fleet file says of the submodule at `path`; a file that names none keeps every submodule."""
        named = {submodule.path: submodule for submodule in self.file.submodules}
        return named.get(path) if named else Submodule(path=path)


def sync_all_installations(tools: FleetTools) -> Outcome:
    """List every installation of the App, and what is known of others: the event of their end may have been lost."""
    found = tools.app.find_installations()
    gone = tools.pins.snapshot().installations() - set(found)
    return (
        *(SyncInstallation(installation=one) for one in found),
        *(ForgetInstallation(gone=one) for one in sorted(gone)),
    )


def list_pulls(client: Client, repo: RepoName) -> tuple[ListedPull, ...]:
    """Every open pull request of a fleet."""
    return tuple(
        ListedPull(
            number=PullNumber(pull.number),
            base=BranchName(pull.base.ref),
            head=BranchName(pull.head.ref),
            commit=CommitSha(pull.head.sha),
            from_fork=pull.head.is_outside(repo),
        )
        for pull in repository.find_open_pulls(client, repo)
    )


def fetch_all(tools: FleetTools, client: Client, repos: Iterable[RepoName]) -> None:
    """Bring the mirrors of `repos` up to date, side by side."""
    wanted = tuple(dict.fromkeys(repos))
    with ThreadPoolExecutor(max_workers=4) as pool:
        fetches = [(repo, pool.submit(tools.mirrors.of(repo).fetch, client.token, repair=False)) for repo in wanted]
    for repo, fetch in fetches:
        try:
            fetch.result()
        except GitError:
            # Git only says no; GitHub says why: an outage, a limit, an ended token are waited for (RetryLater).
            repository.find_repository(client, repo)
            tools.mirrors.of(repo).fetch(client.token)


def look_again(tools: FleetTools, job: PushedJob, repo: RepoName) -> PushedJob | None:
    """The job for a moment later, when the fetched mirror of `repo` lacks what was pushed to it; else None."""
    if job.pushed is None or tools.mirrors.of(repo).resolve(job.pushed) is not None:
        return None
    log.info("%s: %s cannot be fetched yet", repo, job.pushed)
    return job.again(tools.now())


def _find_replaced(tools: FleetTools, job: SyncFleet, identity: int) -> FleetReplaced | None:
    """Whether what is stored under the fleet's name belongs to it, the repository with this id; noted where nobody
    knew yet. Its tokens are by name here, and by id at GitHub."""
    known, before = tools.pins.find_identity(job.fleet), tools.pins.find_name(identity)
    moved = before is not None and before.lower() != job.fleet.lower()
    if known in (0, identity) and not moved:
        if not known:
            tools.pins.note_identity(job.fleet, identity)
        return None
    log.warning("%s is another repository than before, or has another name: %s", job.fleet, before or known)
    tools.app.renew(job.installation)
    return FleetReplaced(
        fleet=job.fleet, installation=job.installation, identity=identity, before=before if moved else None
    )


def prepare_look(tools: FleetTools, client: Client, job: SyncFleet, repo: Repository) -> Outcome:
    """Fetch the fleet; what has to come before a look at it, if anything.

    That is another look when the mirror lacks what was pushed, or the fleet file that GitHub's API shows.
    """
    if (replaced := _find_replaced(tools, job, repo.id)) is not None:
        return (replaced,)  # adopted first: while that fails, another look would find the same
    fetch_all(tools, client, [job.fleet])
    is_here = _has_file(tools, job.fleet, BranchName(repo.default_branch))
    again = look_again(tools, job, job.fleet) if is_here else job.again(tools.now())
    return (again,) if again else ()


def _has_file(tools: FleetTools, repo: RepoName, branch: BranchName) -> bool:
    mirror = tools.mirrors.of(repo)
    head = mirror.resolve(f"refs/heads/{branch}")
    return head is not None and mirror.read_file(head, FLEET_FILE) is not None


def fetch_fleet(
    tools: FleetTools, client: Client, repo: RepoName, base: BranchName
) -> tuple[FleetAt | None, tuple[Pinned, ...]]:
    """The fleet at the head of `base` and its known pins there, from fetched mirrors.

    None instead of the fleet after its check has told what is wrong with the fleet file.
    """
    pins = tuple(pin for pin in tools.pins.pins_of(repo) if pin.base == base)
    fetch_all(tools, client, [repo, *(pin.upstream for pin in pins)])
    return read_fleet_or_report(tools, client, repo, base), pins


def read_fleet_or_report(tools: FleetTools, client: Client, repo: RepoName, base: BranchName) -> FleetAt | None:
    """The fleet, or None after its check has told what is wrong with the fleet file."""
    try:
        return read_fleet(tools, repo, base)
    except NotAFleet as problem:
        log.info("%s", problem)
    except YamlFileError as problem:
        log.info("%s: %s", repo, problem)
        head = tools.mirrors.of(repo).resolve(f"refs/heads/{base}")
        if head:
            apply.report_file_problems(client, repo, head, problem)
    return None


def read_fleet(tools: FleetTools, repo: RepoName, base: BranchName) -> FleetAt:
    """The fleet at the head of `base`, from a fetched mirror. Raises NotAFleet, or YamlFileError when it is wrong."""
    mirror = tools.mirrors.of(repo)
    head = mirror.resolve(f"refs/heads/{base}")
    known = tools.known.get((repo, base))
    if known is not None and known.head == head:
        return known
    text = mirror.read_file(head, FLEET_FILE) if head else None
    if head is None or text is None:
        raise NotAFleet(f"{repo} has no {FLEET_FILE} on branch {base}")
    modules = parse_gitmodules((mirror.read_file(head, ".gitmodules") or b"").decode("utf-8", "replace"))
    file = parse_fleet(text.decode("utf-8", "replace"))
    found = FleetAt(repo, base, head, file, modules.stanzas, modules.broken, mirror)
    if len(tools.known) >= _MOST_KNOWN:
        tools.known.clear()
    tools.known[repo, base] = found
    return found


class FleetPins(NamedTuple):
    """What a fleet pins, and which of its submodules come from repositories that the App cannot see."""

    pins: tuple[Pinned, ...] = ()
    unreadable: tuple[UnreadableUpstream, ...] = ()


def read_all_pins(tools: FleetTools, client: Client, job: SyncFleet, default: BranchName) -> FleetPins:
    """Every pin of every base branch that the fleet file on the default branch names."""
    main = read_fleet_or_report(tools, client, job.fleet, default)
    if main is None:
        return FleetPins()
    pins: list[Pinned] = []
    upstreams: dict[RepoName, Repository | str] = {}
    unreadable: dict[str, UnreadableUpstream] = {}
    for base in main.file.bases or (default,):
        at = main if base == default else read_fleet_or_report(tools, client, job.fleet, base)
        if at is None:
            apply.report_missing_base(tools, client, main, base)
            continue
        if at.broken:
            # The other submodules go on; the check tells what to fix.
            problem = YamlFileError(tuple(Problem(*broken) for broken in at.broken), path=".gitmodules")
            apply.report_file_problems(client, job.fleet, at.head, problem)
        for stanza, upstream in _kept_stanzas(tools, at):
            if upstream is None:
                if at.file.submodules:  # a file that names none may leave one from elsewhere alone
                    unreadable.setdefault(stanza.path, UnreadableUpstream(stanza.path, None))
                continue
            if upstream not in upstreams:
                upstreams[upstream] = _find_upstream(client, upstream)
            found = upstreams[upstream]
            if isinstance(found, str):
                # Kept among the pins, it would fail every job of the fleet, which fetches all that it pins.
                unreadable.setdefault(upstream, UnreadableUpstream(stanza.path, upstream, found))
                continue
            pinned = _read_pin(job, at, stanza, found, default=default)
            pins += [pinned] if pinned else []
    return FleetPins(tuple(pins), tuple(unreadable.values()))


def _find_upstream(client: Client, upstream: RepoName) -> Repository | str:
    """The repository, or why the App does not see it: GitHub's words; "" when it says only that there is none.

    An organisation lets in known addresses alone, a repository is blocked (403, 451): the others must go on.
    """
    try:
        return repository.find_repository(client, upstream) or ""
    except GitHubError as problem:
        log.warning("%s", problem)
        return problem.message or f"status {problem.status}"


def _kept_stanzas(tools: FleetTools, at: FleetAt) -> Iterator[tuple[Stanza, RepoName | None]]:
    """What this base pins and keeps: named by the fleet file, and really a submodule; None: not on our GitHub."""
    for stanza in at.stanzas:
        if at.submodule(stanza.path) is not None and at.mirror.pin_at(at.head, stanza.path) is not None:
            yield stanza, resolve_upstream(stanza.url, fleet=at.repo, web_url=tools.mirrors.web_url)


def _read_pin(
    job: SyncFleet, at: FleetAt, stanza: Stanza, found: Repository, *, default: BranchName
) -> Pinned | None:
    """One pin, under the name that GitHub knows its repository by now; None when the fleet file leaves it alone."""
    submodule = at.submodule(stanza.path)
    own = submodule.branch if submodule else None
    tracked = own or tracked_branch(stanza, own=at.base) or BranchName(found.default_branch)
    if submodule is None:
        return None
    return Pinned(
        fleet=at.repo,
        installation=job.installation,
        base=at.base,
        default_branch=default,
        submodule=stanza.path,
        upstream=RepoName(found.full_name),
        tracked=tracked,
        waits_for_checks=submodule.wait_for_checks,
        hub=_own_hub(at),
        show_upstream=submodule.show_upstream,
        prefix=at.file.commands.prefix,
        page_for_readers=at.file.page is PageAudience.READERS,
    )


def _own_hub(at: FleetAt) -> RepoName | None:
    """The hub that the fleet names, if it has the same owner: nothing is published in a stranger's repository."""
    hub = at.file.hub
    same = hub is not None and hub.split("/")[0].lower() == at.repo.split("/")[0].lower()
    return hub if same else None
