"""The jobs that commands, buttons and the end of a pull request lead to, and what triggers them.

Almost everything can be read again from GitHub. What somebody wrote cannot: a command carries the id of its
comment, and is carried out once by that id.
"""

from __future__ import annotations

from typing import ClassVar

from bot.domain.events import (
    ButtonPressed,
    Commented,
    DeploymentChanged,
    Event,
    PullRequestChanged,
    Reviewed,
    WorkflowRunCompleted,
)
from bot.domain.names import CommitSha, PlanId, PullNumber, RepoName
from bot.domain.verbs import Verb
from bot.features.commands.grammar import Command, Misread, parse_command
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import Access, FleetJob, FleetReplaced, FoundEvent, Job, RepeatedJob

BUTTONS: dict[str, Command] = {
    "replan": Command(verb=Verb.PLAN),
    "deploy": Command(verb=Verb.DEPLOY, wave=1),
    "rollback": Command(verb=Verb.ROLLBACK),
}
"""What each button of a check run stands for; its identifier is the key."""


class RunCommand(FleetJob, frozen=True, tag="command", rename={"command": "said", "written_at": "said_at"}):
    """Decide a command and carry it out. `source` is "comment:ID", "review:ID" or "button:CHECK:NAME:LOGIN".

    `bound` is the plan that the pull request showed when the command was written: the only one it may mean.
    """

    urgent: ClassVar[bool] = True

    number: PullNumber | None  # None: the open pull request whose head is `sha`
    source: str
    actor: str
    command: Command | Misread
    written_at: str = ""  # ISO 8601 by GitHub's clock; "" for a button
    bound: PlanId | None = None
    sha: CommitSha | None = None  # the commit whose check run had the button

    @property
    def comment(self) -> int | None:
        """The id of the comment that the command stands in; None for a button or a review."""
        kind, _, rest = self.source.partition(":")
        return int(rest) if kind == "comment" else None

    @property
    def is_button(self) -> bool:
        """Whether it was pressed, not written."""
        return self.source.startswith("button:")

    @property
    def is_in_review(self) -> bool:
        """Whether it stands in the text of a review."""
        return self.source.startswith("review:")


class AcknowledgeCommand(FleetJob, frozen=True, tag="acknowledge"):
    """React to a command's comment at once. Nothing depends on it, and it waits for no other job."""

    urgent: ClassVar[bool] = True

    comment: int
    actor: str = ""  # who wrote it; "" in jobs of an older version

    @property
    def key(self) -> str:
        return f"seen:{self.comment}"


class CloseOutPull(RepeatedJob, frozen=True, kw_only=True, tag="pull_end"):
    """End the locks of a closed or merged pull request, and return nodes that were ahead for a closed one.

    It looks again while GitHub shows it open: it was reopened, or the answer is one of before.
    """

    again_after: ClassVar[tuple[int, ...]] = (2, 4, 8, 16, 32)
    number: PullNumber


class SyncCommandOrders(FleetJob, frozen=True, tag="asked"):
    """Follow the orders of open commands. Leads to their replies, and to orders that had to wait."""


class AdoptFleet(FleetJob, frozen=True, tag="adopt"):
    """Give the repository with the id `identity` what is stored under its name `before`, and nothing of another's."""

    access: ClassVar[Access] = Access.APP
    identity: int
    before: RepoName | None = None


def triggers(event: Event | FoundEvent, index: PinIndex) -> list[Job]:
    """The jobs of this feature that `event` calls for. A repository that no fleet concerns is ignored."""
    match event:
        case Commented():
            return _run_comment(event, index)
        case Reviewed() if event.line:
            return [*_run_written(event, index, source=f"review:{event.review}")]
        case ButtonPressed() if index.pins_of(event.repo) and event.button in BUTTONS:
            return [_run_button(event)]
        case FleetReplaced(adopted=False):
            return [
                AdoptFleet(
                    fleet=event.fleet,
                    installation=event.installation,
                    identity=event.identity,
                    before=event.before,
                )
            ]
        case PullRequestChanged() if event.action == "closed" and index.pins_of(event.repo):
            return [CloseOutPull(fleet=event.repo, installation=event.installation, number=event.number)]
        case DeploymentChanged() | WorkflowRunCompleted() if index.pins_of(event.repo):
            return [SyncCommandOrders(fleet=event.repo, installation=event.installation)]
    return []


def _run_comment(event: Commented, index: PinIndex) -> list[Job]:
    seen = AcknowledgeCommand(
        fleet=event.repo, installation=event.installation, comment=event.comment, actor=event.actor
    )
    written = _run_written(event, index, source=f"comment:{event.comment}")
    return [job for command in written for job in (seen, command)]


def _run_written(event: Commented | Reviewed, index: PinIndex, *, source: str) -> list[RunCommand]:
    """The command that the first line is, if it is one, and a fleet is concerned."""
    pins = (*index.pins_of(event.repo), *index.pinned_by(event.repo))
    found = parse_command(event.line, prefix=pins[0].prefix) if pins else None
    if found is None:
        return []
    return [
        RunCommand(
            fleet=event.repo,
            installation=event.installation,
            number=event.number,
            source=source,
            actor=event.actor,
            command=found,
            written_at=event.said_at,
        )
    ]


def _run_button(event: ButtonPressed) -> RunCommand:
    return RunCommand(
        fleet=event.repo,
        installation=event.installation,
        number=None,
        source=f"button:{event.check}:{event.button}:{event.actor}",
        actor=event.actor,
        command=BUTTONS[event.button],
        bound=PlanId(event.plan) if event.plan else None,
        sha=event.sha,
    )
