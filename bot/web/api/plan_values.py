"""What the API answers about plans. Everything is redacted, as in the report of the pull request."""

from __future__ import annotations

from bot.domain.severity import Severity
from bot.domain.values import Value
from bot.protocol.action import Action


class ApiSource(Value, frozen=True):
    """Where in the checkout something stands. `gone`: in the old version, and not in the new one."""

    path: str
    line: int
    gone: bool


class ApiReason(Value, frozen=True):
    """One cause of an action."""

    code: str
    text: str
    where: ApiSource | None


class ApiRisk(Value, frozen=True):
    """A risk rule that fired, and why it matters ("" for a rule that this version does not know)."""

    rule: str
    severity: Severity
    text: str
    why: str
    where: ApiSource | None


class ApiPlannedService(Value, frozen=True):
    """What is planned for one service. `diff` is a unified diff of its rendering."""

    service: str
    action: Action
    signal: str  # of a reload
    image: str | None
    reasons: tuple[ApiReason, ...]
    risks: tuple[ApiRisk, ...]
    diff: str


class ApiPlannedStack(Value, frozen=True):
    """One stack on one node. `error`: why it could not be analysed."""

    stack: str
    folder: str
    error: str | None
    services: tuple[ApiPlannedService, ...]  # also those that stay as they are
    risks: tuple[ApiRisk, ...]  # of the stack as a whole
    missing_variables: tuple[str, ...]
    remarks: tuple[str, ...]


class ApiPlannedNode(Value, frozen=True):
    """What is planned for one node. `warnings`: why the plan may be wrong there."""

    node: str
    platform: str
    stacks: tuple[ApiPlannedStack, ...]
    remarks: tuple[str, ...]
    warnings: tuple[str, ...]


class ApiCommit(Value, frozen=True):
    """A commit that comes in."""

    sha: str
    subject: str  # a stranger's words, as the author is
    author: str


class ApiPlan(Value, frozen=True):
    """What moving `submodule` from `old` to `new` does. `severity` is the highest of its risks; "info" for none."""

    id: str
    summary: str
    severity: Severity
    submodule: str
    upstream: str | None
    base: str
    old: str | None
    new: str
    nodes: tuple[ApiPlannedNode, ...]
    commits: tuple[ApiCommit, ...]  # the newest
    commits_total: int


class ApiWaitingPlan(Value, frozen=True):
    """The plan that a pull request shows which waits for a person. `url` has all of it."""

    pull: int
    title: str  # a stranger's words
    since: int
    id: str
    summary: str
    severity: Severity
    submodule: str
    old: str | None
    new: str
    url: str


class ApiPlans(Value, frozen=True):
    """The plans that wait, by the numbers of their pull requests."""

    plans: tuple[ApiWaitingPlan, ...]
    next: str | None
