"""What a review decision is based on, and which files decide what runs where. Pure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath

from bot.domain.names import CommitSha
from bot.domain.values import Value
from bot.domain.verdicts import Permission
from bot.fleetfile import NoticeRules, ReviewRules

_FOLDERS = (".github", "actions")
_NAMES = ("action.yml", "action.yaml", ".gitmodules")


def is_control_file(path: str) -> bool:
    """Whether `path` (POSIX, from the repository's root) is one: in any case, for some file systems know no other."""
    parts = PurePosixPath(path.lower()).parts
    return bool(parts) and (parts[0] in _FOLDERS or ".github" in parts or parts[-1] in _NAMES)


class MergeEffect(StrEnum):
    """What the merge of a pull request would do on the nodes, by the plan of its own files."""

    UNPLANNED = "unplanned"  # no plan of the merge could be made, or none was needed
    NOTHING = "nothing"
    CHANGES = "changes"  # a service is touched
    RISKS = "risks"
    UNREADABLE = "unreadable"  # a stack could not be analysed


class ReviewApproval(Value, frozen=True):
    """A person's newest word on a pull request."""

    login: str
    permission: Permission
    approves: bool  # False: asks for changes
    commit: CommitSha | None


class ReviewFacts(Value, frozen=True):
    """One open pull request, its changed paths (those inside a moved submodule below its path), and its reviews."""

    paths: tuple[str, ...]
    complete: bool  # False: not all changes could be told
    rules: ReviewRules
    author: str
    head: CommitSha
    ours: bool  # the bot's own pull request
    approvals: tuple[ReviewApproval, ...] = ()
    auto_merge: bool = False  # is switched on already
    pushed_by: str | None = ""  # the newest commit that somebody made; "": nobody was looked for; None: not known
    read: frozenset[str] = frozenset()  # those of `paths` that a stack, a hook or a workflow reads
    blind: bool = False  # a stack or a pin could not be read, so nobody knows what it reads
    effect: MergeEffect = MergeEffect.UNPLANNED
    draft: bool = False
    notify: NoticeRules | None = None  # None: it is in no fleet, and nobody is notified
