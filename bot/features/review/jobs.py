"""The job that keeps the review check of a pull request, and what triggers it."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.events import Event, MergeGroupRequested, PullRequestChanged, Reviewed
from bot.domain.names import CommitSha, InstallationId, PullNumber, RepoName
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import FleetJob, FoundEvent, Job, PullsListed

_AGAIN_AFTER = (10, 20, 40, 80, 160, 320, 640)  # seconds; the first question is what makes GitHub look


class SyncReview(FleetJob, frozen=True, tag="review"):
    """Decide which rule asks for a review of a pull request. Leads to the check `aios/review`.

    `fleet` may also be an upstream: its rules are the same.
    """

    number: PullNumber
    tries: int = 0  # how often it looked again because GitHub did not know whether it can be merged
    not_before: int = 0  # seconds since the epoch

    @property
    def starts_at(self) -> int:
        return self.not_before

    def again(self, now: float) -> SyncReview | None:
        """The same look later, each time after twice as long; None: it looked often enough."""
        if self.tries >= len(_AGAIN_AFTER):
            return None
        return replace(self, tries=self.tries + 1, not_before=int(now) + _AGAIN_AFTER[self.tries])


class ReviewGroup(FleetJob, frozen=True, tag="review_group"):
    """Say on the commit `head`, which a merge queue made of a pull request, what that one's review check says."""

    number: PullNumber
    head: CommitSha


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for."""
    match event:
        case Reviewed():
            numbers: tuple[PullNumber, ...] = (event.number,)
        case PullRequestChanged() if event.action != "closed":
            numbers = (event.number,)
        case MergeGroupRequested() if index.pins_of(event.repo):
            group = ReviewGroup(
                fleet=event.repo, installation=event.installation, number=event.number, head=event.head
            )
            return [group]
        case PullsListed():
            return _sync(event.repo, event.installation, event.numbers)
        case _:
            return []
    concerned = index.pins_of(event.repo) or index.pinned_by(event.repo)
    return _sync(event.repo, event.installation, numbers) if concerned else []


def _sync(repo: RepoName, installation: InstallationId, numbers: tuple[PullNumber, ...]) -> list[Job]:
    return [SyncReview(fleet=repo, installation=installation, number=number) for number in numbers]
