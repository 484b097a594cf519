"""The jobs that keep the index of fleets, what every job has in common, and the events that jobs report.

A job only says "bring this up to date": it starts from facts read at that moment, so that a lost, repeated or
reordered event changes nothing. Jobs with the same `key` never overlap.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Self

from msgspec.structs import replace

from bot.domain.events import AccessChanged, CheckRerequested, Event, InstallationChanged, Push, RepositoryChanged
from bot.domain.names import BranchName, CommitSha, InstallationId, PullNumber, RepoName, SubmodulePath
from bot.domain.values import StoredValue, Value
from bot.features.fleets.facts import PinIndex, Pinned

OWN_BRANCHES = "aios-bot/"  # what the names of our own branches begin with


class Access(StrEnum):
    """As whom a job works, and with which rights."""

    APP = "app"  # as the App itself
    LIST = "list"  # as the installation: list its repositories
    READ = "read"  # read files of every repository of the installation, and post checks
    WRITE = "write"  # everything the App may do, on the job's own repositories


class Job(StoredValue, frozen=True):
    """A unit of work in the queue. Each kind has a `tag` of its own, under which it is stored."""

    access: ClassVar[Access] = Access.WRITE
    urgent: ClassVar[bool] = False  # somebody waits for it: it may use the reserve of the request budget

    @property
    def key(self) -> str:
        """The lane: jobs with the same key run one after the other."""
        raise NotImplementedError

    @property
    def starts_at(self) -> int:
        """When it may start, in seconds since the epoch; 0: now."""
        return 0

    def repositories(self, index: PinIndex) -> tuple[RepoName, ...]:
        """The repositories that it works on; empty: every repository of its installation."""
        raise NotImplementedError


class FleetJob(Job, frozen=True):
    """A job on one fleet: it works on the fleet and on what that pins."""

    fleet: RepoName
    installation: InstallationId

    @property
    def key(self) -> str:
        return self.fleet

    def repositories(self, index: PinIndex) -> tuple[RepoName, ...]:
        return (self.fleet, *sorted({pin.upstream for pin in index.pins_of(self.fleet)}))


class PinsJob(FleetJob, frozen=True):
    """A job on the pins of one base branch of a fleet, or on one of them alone."""

    base: BranchName
    not_before: int = 0  # seconds since the epoch; it waits in the queue until then
    submodule: SubmodulePath | None = None  # only this one, when it failed while the others went on

    @property
    def starts_at(self) -> int:
        return self.not_before


class RepeatedJob(FleetJob, frozen=True):
    """A job that looks again a moment later, each time after longer, while GitHub does not know yet."""

    again_after: ClassVar[tuple[int, ...]]  # seconds before each further look
    tries: int = 0  # how often it looked again
    not_before: int = 0  # seconds since the epoch

    @property
    def starts_at(self) -> int:
        return self.not_before

    def again(self, now: float) -> Self | None:
        """The same look a moment later; None: it looked often enough."""
        if self.tries >= len(self.again_after):
            return None
        return replace(self, tries=self.tries + 1, not_before=int(now) + self.again_after[self.tries])

    def repeat(self, now: float) -> tuple[Self, ...]:
        """`again` as what a run leads to."""
        found = self.again(now)
        return (found,) if found else ()


class PushedJob(RepeatedJob, frozen=True):
    """A job that an event of a push calls for. A fetch may get what was pushed only later (rancher/fleet#4842)."""

    again_after: ClassVar[tuple[int, ...]] = (2, 4, 8, 16, 32)
    pushed: CommitSha | None = None


class SyncFleet(PushedJob, frozen=True, tag="fleet"):
    """Read a repository's fleet file and pins, and bring the index up to date. Leads to FleetRead."""

    # Which repositories it pins is what the job finds out.
    access: ClassVar[Access] = Access.READ

    def repositories(self, index: PinIndex) -> tuple[RepoName, ...]:  # noqa: ARG002 - the same for every job
        return ()


class RepeatChecks(FleetJob, frozen=True, tag="repeat_checks"):
    """Complete our checks on a commit again, after somebody re-requested them."""

    sha: CommitSha


class SyncInstallation(Job, frozen=True, tag="installation"):
    """List the repositories of an installation. Leads to a SyncFleet for each that may be a fleet."""

    installation: InstallationId
    access: ClassVar[Access] = Access.LIST

    @property
    def key(self) -> str:
        return f"installation:{self.installation}"

    def repositories(self, index: PinIndex) -> tuple[RepoName, ...]:  # noqa: ARG002 - the same for every job
        return ()


class ForgetInstallation(Job, frozen=True, tag="forget"):
    """Remove the fleets of an installation that was removed or suspended: GitHub answers nothing about them."""

    gone: InstallationId
    access: ClassVar[Access] = Access.APP

    @property
    def key(self) -> str:
        return f"installation:{self.gone}"


class SyncAllInstallations(Job, frozen=True, tag="around"):
    """List every installation of the App. Leads to a SyncInstallation for each."""

    access: ClassVar[Access] = Access.APP

    @property
    def key(self) -> str:
        return "app"


class FetchMissedDeliveries(Job, frozen=True, tag="deliveries"):
    """Compare GitHub's list of deliveries with those stored, and store what is missing."""

    access: ClassVar[Access] = Access.APP

    @property
    def key(self) -> str:
        return "deliveries"


class FleetRead(Value, frozen=True):
    """A fleet's file and pins were read. `pins` are all of its pins."""

    fleet: RepoName
    installation: InstallationId
    pins: tuple[Pinned, ...]

    @property
    def bases(self) -> tuple[BranchName, ...]:
        """The base branches that pin something."""
        return tuple(dict.fromkeys(pin.base for pin in self.pins))


class HubFound(Value, frozen=True):
    """A repository that is not a fleet has a hub file."""

    hub: RepoName
    installation: InstallationId


class ListedPull(Value, frozen=True):
    """One open pull request of a fleet. `head` is its branch, which `from_fork` says is in another repository."""

    number: PullNumber
    base: BranchName
    head: BranchName
    commit: CommitSha
    from_fork: bool = False


class PullsListed(Value, frozen=True):
    """The open pull requests of a fleet or of an upstream were listed; `pulls` are a fleet's."""

    repo: RepoName
    installation: InstallationId
    numbers: tuple[PullNumber, ...]
    pulls: tuple[ListedPull, ...] = ()

    @classmethod
    def of(
        cls, fleet: RepoName, installation: InstallationId, pulls: tuple[ListedPull, ...], *, is_fleet: bool = True
    ) -> Self:
        """Of a fleet, or of one that pins nothing any more: what it has open is nobody's to review."""
        numbers = tuple(pull.number for pull in pulls) if is_fleet else ()
        return cls(repo=fleet, installation=installation, numbers=numbers, pulls=pulls)


class NodesFreed(Value, frozen=True):
    """Locks or orders that kept nodes of a fleet from a merge may have ended."""

    fleet: RepoName
    installation: InstallationId

    @classmethod
    def by(cls, job: FleetJob) -> Self:
        """Those of the fleet that `job` worked on."""
        return cls(fleet=job.fleet, installation=job.installation)


class BumpResumed(Value, frozen=True):
    """A hold on the bumps of one submodule of one base has ended."""

    fleet: RepoName
    installation: InstallationId
    base: BranchName
    submodule: SubmodulePath


class AccessRead(Value, frozen=True):
    """What the App may not do in a fleet changed; `problem` is empty when it may do all that it needs."""

    fleet: RepoName
    installation: InstallationId
    problem: str = ""
    url: str = ""


class FleetReplaced(Value, frozen=True):
    """What is stored under a fleet's name is another repository's. `before`: under which name its own is stored.

    `adopted`: what is stored is put right by now, so that the fleet can be read.
    """

    fleet: RepoName
    installation: InstallationId
    identity: int
    before: RepoName | None = None
    adopted: bool = False


FoundEvent = FleetRead | FleetReplaced | AccessRead | HubFound | PullsListed | NodesFreed | BumpResumed
"""What a job found out, as an event: the router gives it to every feature's `triggers`."""

Outcome = tuple[Job | FoundEvent, ...]
"""What a job leads to: further jobs of its own feature, and events for the others."""


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for."""
    match event:
        case CheckRerequested():
            return [RepeatChecks(fleet=event.repo, installation=event.installation, sha=event.sha)]
        case InstallationChanged() if event.action in ("deleted", "suspend"):
            return [ForgetInstallation(gone=event.installation)]
        case RepositoryChanged():
            return _sync_renamed(event, index)
        case FleetReplaced(adopted=True):
            return [SyncFleet(fleet=event.fleet, installation=event.installation)]
        case InstallationChanged():
            return [SyncInstallation(installation=event.installation)]
        case AccessChanged() if event.repo is None:
            return [SyncInstallation(installation=event.installation)]
        case AccessChanged() if event.repo and index.pins_of(event.repo):
            return [SyncFleet(fleet=event.repo, installation=event.installation)]
        case Push():
            own = index.pins_of(event.repo)
            known = any(pin.base == event.branch for pin in own)
            # A base that the fleet lists, and that gets its fleet file with this push, is not known yet.
            listed = own and event.may_change_fleet and not event.branch.startswith(OWN_BRANCHES)
            if known or listed or (not own and event.may_make_fleet):
                return [SyncFleet(fleet=event.repo, installation=event.installation, pushed=event.after)]
    return []


def _sync_renamed(event: RepositoryChanged, index: PinIndex) -> list[Job]:
    """A look at the repository, and at every fleet that pins it, under its names of now and before."""
    names = [name for name in (event.repo, event.before) if name is not None]
    pins = [pin for name in names for pin in (*index.pins_of(name), *index.pinned_by(name))]
    found: list[Job] = [SyncFleet(fleet=pin.fleet, installation=pin.installation) for pin in pins]
    if event.action not in ("deleted", "edited") or index.pins_of(event.repo):
        found.append(SyncFleet(fleet=event.repo, installation=event.installation))
    return list(dict.fromkeys(found))
