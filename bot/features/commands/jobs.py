"""What the bot looks at because somebody spoke, reviewed, pressed a button or ended a pull request.

Almost everything can be looked at again from GitHub. What a person said cannot: a command carries the id of its
comment, and is carried out once by that id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.names import CommitSha, InstallationId, PlanId, PullNumber, RepoName
from bot.domain.values import StoredValue
from bot.domain.verbs import Verb
from bot.features.commands.grammar import Command, Misread, parse_command
from bot.features.review.jobs import SyncReview
from bot.github.people_events import ButtonPressed, Commented, Reviewed

if TYPE_CHECKING:
    from bot.features.fleets.facts import PinIndex

BUTTONS: dict[str, Command] = {
    "replan": Command(verb=Verb.PLAN),
    "deploy": Command(verb=Verb.DEPLOY, wave=1),
    "rollback": Command(verb=Verb.ROLLBACK),
}
"""What each button of a check run stands for; its identifier is the key."""


class RunCommand(StoredValue, frozen=True, tag="command"):
    """Decide and carry out what a person said. `source` is "comment:ID" or "button:CHECK:NAME:LOGIN".

    `bound` is the plan that stood in the pull request when it was said: the only one that may be meant.
    """

    fleet: RepoName
    installation: InstallationId
    number: PullNumber | None  # None: the open pull request whose head is `sha`
    source: str
    actor: str
    said: Command | Misread
    said_at: str = ""  # ISO 8601 by GitHub's clock; "" for a button
    bound: PlanId | None = None
    sha: CommitSha | None = None  # the commit whose check run had the button

    @property
    def key(self) -> str:
        return self.fleet

    @property
    def comment(self) -> int | None:
        """The comment it was said in."""
        kind, _, rest = self.source.partition(":")
        return int(rest) if kind == "comment" else None


class AcknowledgeCommand(StoredValue, frozen=True, tag="acknowledge"):
    """Show a person that their command was seen. Nothing depends on it, and it waits for no other work."""

    fleet: RepoName
    installation: InstallationId
    comment: int

    @property
    def key(self) -> str:
        return f"seen:{self.comment}"


class CloseOutPull(StoredValue, frozen=True, tag="pull_end"):
    """A pull request was closed or merged: its locks end, and a node that was ahead for it returns."""

    fleet: RepoName
    installation: InstallationId
    number: PullNumber

    @property
    def key(self) -> str:
        return self.fleet


class SyncCommandOrders(StoredValue, frozen=True, tag="asked"):
    """How far are the orders that people asked for? Leads to their replies, and to orders that had to wait."""

    fleet: RepoName
    installation: InstallationId

    @property
    def key(self) -> str:
        return self.fleet


PullLook = RunCommand | AcknowledgeCommand | SyncReview | CloseOutPull | SyncCommandOrders


def route_people(event: Commented | Reviewed | ButtonPressed, index: PinIndex) -> tuple[PullLook, ...]:
    """The Looks that follow from what a person did. A repository that is no fleet and that none pins is ignored."""
    fleets, pinned = index.pins_of(event.repo), index.pinned_by(event.repo)
    if not fleets and not pinned:
        return ()
    if isinstance(event, Reviewed):
        return (SyncReview(fleet=event.repo, installation=event.installation, number=event.number),)
    if isinstance(event, ButtonPressed):
        said = BUTTONS.get(event.button)
        if said is None or not fleets:
            return ()
        return (
            RunCommand(
                fleet=event.repo,
                installation=event.installation,
                number=None,
                source=f"button:{event.check}:{event.button}:{event.actor}",
                actor=event.actor,
                said=said,
                bound=PlanId(event.plan) if event.plan else None,
                sha=event.sha,
            ),
        )
    found = parse_command(event.line, prefix=next(iter((*fleets, *pinned))).prefix)
    if found is None:
        return ()
    return (
        AcknowledgeCommand(fleet=event.repo, installation=event.installation, comment=event.comment),
        RunCommand(
            fleet=event.repo,
            installation=event.installation,
            number=event.number,
            source=f"comment:{event.comment}",
            actor=event.actor,
            said=found,
            said_at=event.said_at,
        ),
    )
