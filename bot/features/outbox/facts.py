"""A condition that people are notified of when it begins and when it is over. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName, SubmodulePath
from bot.domain.notices import Topic
from bot.domain.values import StoredValue, Value
from bot.fleetfile import NoticeRules


class Notice(StoredValue, frozen=True):
    """What is said of a condition. `subject` and `text` may be a stranger's words."""

    topic: Topic
    fleet: RepoName | None = None  # None: it concerns the whole service
    subject: str = ""  # the node, or the pull request's number with its sign
    text: str = ""
    url: str = ""
    quiet: str = ""  # the fleet's quiet hours


class Condition(Value, frozen=True):
    """A notice, and the state that it is about: another state of the same thing is sent again."""

    notice: Notice
    state: str = ""
    due_at: int = 0  # seconds since the epoch, before which it is not worth a message

    @property
    def thing(self) -> str:
        """What it is about, within its fleet and scope."""
        return f"{self.notice.topic} {self.notice.subject}"


class Phase(StrEnum):
    """What was sent about a condition to one address."""

    BEGUN = "begun"
    OVER = "over"
    DROPPED = "dropped"  # given up: it is not mentioned any more


class OpenNotice(Value, frozen=True):
    """A condition as it is stored. Times are in seconds since the epoch."""

    seq: int
    scope: str
    notice: Notice
    opened_at: int
    due_at: int = 0
    ended_at: int | None = None
    muted_until: int = 0  # before which its beginning is sent to nobody
    sent: tuple[tuple[str, Phase], ...] = ()  # by address
    unsure: tuple[tuple[str, Phase], ...] = ()  # that sending began is known, and not whether it arrived


class WaitingPull(StoredValue, frozen=True):
    """An open pull request that nothing but a person brings further."""

    number: PullNumber
    title: str  # a stranger's words
    author: str
    since: int  # seconds since the epoch
    head: CommitSha
    why: str  # what is missing, in our words
    to_merge: bool = False  # nothing but its merge


def pin_scope(kind: str, base: BranchName, submodule: SubmodulePath) -> str:
    """The scope of what is known of one submodule of one base branch."""
    return f"{kind} {base} {submodule}"


def approval_scope(number: PullNumber) -> str:
    """The scope of what waits for a person in a pull request."""
    return f"approval {number}"


def parse_pin_scope(scope: str) -> tuple[BranchName, SubmodulePath] | None:
    """The base branch and the submodule of a scope that is about a pin; None for another."""
    _, base, submodule = (*scope.split(" ", 2), "", "")[:3]
    return (BranchName(base), SubmodulePath(submodule)) if submodule else None


def apply_rules(conditions: Iterable[Condition], rules: NoticeRules) -> tuple[Condition, ...]:
    """Those that the fleet wants to be notified of, with its quiet hours."""
    return tuple(
        Condition(notice=_with_quiet(one.notice, rules.quiet), state=one.state, due_at=one.due_at)
        for one in conditions
        if one.notice.topic.severity in rules.severities
    )


def _with_quiet(notice: Notice, quiet: str) -> Notice:
    return Notice(
        topic=notice.topic,
        fleet=notice.fleet,
        subject=notice.subject,
        text=notice.text,
        url=notice.url,
        quiet=quiet,
    )
