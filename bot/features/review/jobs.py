"""The job that keeps the review check of a pull request, and what triggers it."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from bot.domain.events import Event, MergeGroupRequested, PullRequestChanged, Reviewed
from bot.domain.names import CommitSha, InstallationId, PullNumber, RepoName
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import FleetJob, FoundEvent, Job, PullsListed, RepeatedJob


class SyncReview(RepeatedJob, frozen=True, kw_only=True, tag="review"):
    """Decide which rule asks for a review of a pull request. Leads to the check `aios/review`.

    `fleet` may also be an upstream: its rules are the same. It looks again while GitHub does not know whether the
    pull request can be merged; the first question is what makes GitHub find out. And it does while GitHub's answers
    have not the `head` yet whose event it follows.
    """

    again_after: ClassVar[tuple[int, ...]] = (10, 20, 40, 80, 160, 320, 640)
    number: PullNumber
    head: CommitSha | None = None


class ReviewGroup(FleetJob, frozen=True, tag="review_group"):
    """Say on the commit `head`, which a merge queue made of a pull request, what that one's review check says."""

    number: PullNumber
    head: CommitSha


_NEW_HEADS = frozenset({"opened", "reopened", "synchronize"})


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for."""
    match event:
        case Reviewed():
            numbers: tuple[PullNumber, ...] = (event.number,)
        case PullRequestChanged() if event.action != "closed":
            head = event.head_commit if event.action in _NEW_HEADS else None
            return [replace(job, head=head) for job in _sync_concerned(event, index, (event.number,))]
        case MergeGroupRequested() if index.pins_of(event.repo):
            group = ReviewGroup(
                fleet=event.repo, installation=event.installation, number=event.number, head=event.head
            )
            return [group]
        case PullsListed():
            return [*_sync(event.repo, event.installation, event.numbers)]
        case _:
            return []
    return [*_sync_concerned(event, index, numbers)]


def _sync_concerned(
    event: PullRequestChanged | Reviewed, index: PinIndex, numbers: tuple[PullNumber, ...]
) -> list[SyncReview]:
    concerned = index.pins_of(event.repo) or index.pinned_by(event.repo)
    return _sync(event.repo, event.installation, numbers) if concerned else []


def _sync(repo: RepoName, installation: InstallationId, numbers: tuple[PullNumber, ...]) -> list[SyncReview]:
    return [SyncReview(fleet=repo, installation=installation, number=number) for number in numbers]
