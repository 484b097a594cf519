"""The plan: what a bump will do to running services. It is what is shown, stored, approved and deployed.

Everything here is already redacted: a Plan may go to any sink (body, comment, check, log, database).
"""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import CommitSha, NodeName, PlanId, RepoName, ServiceName, StackName, SubmodulePath
from bot.domain.severity import Severity
from bot.domain.values import StoredValue
from bot.protocol.action import Action


class SourceLine(StoredValue, frozen=True):
    """Where in the checkout a cause stands. `line` counts from 1. `gone`: of the old version, not of the new one."""

    path: str
    line: int
    gone: bool = False


class Reason(StoredValue, frozen=True):
    """One cause of an action. `code` comes from a closed list (bot.plan.causes.ReasonCode)."""

    code: str  # "image", "environment", "bind_content", "depends_on_restart", ...
    text: str  # one line for people: "image 1.17 -> 1.18"; secrets already replaced
    where: SourceLine | None = None


class Risk(StoredValue, frozen=True):
    """A rule that fired on a service or stack. `rule` is its stable id."""

    rule: str  # "data.volume_dropped"
    severity: Severity
    text: str
    where: SourceLine | None = None


class ImageKind(StrEnum):
    """How reliably an image name identifies one image."""

    DIGEST = "digest"  # pinned: name@sha256:...
    VERSION = "version"  # a tag that names a version
    MOVING = "moving"  # latest, stable, main, a bare major version, or no tag at all: it can change without a bump
    BUILT = "built"  # made on the node from a build context


class Image(StoredValue, frozen=True):
    """What a service runs, as its file names it."""

    name: str
    kind: ImageKind


class ServicePlan(StoredValue, frozen=True):
    """One service of one stack on one node."""

    service: ServiceName
    action: Action
    reasons: tuple[Reason, ...] = ()
    risks: tuple[Risk, ...] = ()
    diff: str = ""  # unified diff of the rendered service, redacted; "" when nothing rendered differs
    image: Image | None = None  # of the new version; of the old one when the service goes away
    signal: str = ""  # what a reload sends: "SIGHUP"
    remaining: int = 0  # containers that stay when a removal takes only some (scaling down)
    if_same: Action | None = None  # what is done where a build leaves the service's image the same
    follows: tuple[ServiceName, ...] = ()  # `if_same` needs that nothing is done to these, either


class StackPlan(StoredValue, frozen=True):
    """One stack on one node. `error` is set when it could not be analysed, and then `services` is empty."""

    stack: StackName
    folder: str  # POSIX, relative to the fleet repository: "server/stacks/ingress"
    files: tuple[str, ...]  # compose files in order, relative to `folder`
    profiles: tuple[str, ...] = ()
    project: str = ""  # compose project name
    services: tuple[ServicePlan, ...] = ()
    risks: tuple[Risk, ...] = ()  # those of the stack as a whole: a network, a volume, a collision
    variables: tuple[str, ...] = ()  # every one that the stack's files use
    new_variables: tuple[str, ...] = ()  # those of them that the old version did not use
    missing_variables: tuple[str, ...] = ()  # needed, without default, not declared by the node
    remade_networks: tuple[str, ...] = ()  # real names of its own networks that are reconfigured
    rendered: str = ""  # SHA-256 of the new rendering, redacted: part of the plan's id
    error: str | None = None  # "could not analyse": compose's own message, redacted
    error_at: SourceLine | None = None  # the line that it is about, where that is known
    inputs: str = ""  # SHA-256 of every file that the new version reads; "" in plans of older versions
    remarks: tuple[str, ...] = ()  # what the plan does not know of the stack: an env file that only the node has
    old: CommitSha | None = None  # the pin that the stack runs, where that is not the plan's own `old`

    @property
    def changed(self) -> bool:
        return self.error is not None or any(s.action is not Action.NONE for s in self.services)


class NodePlan(StoredValue, frozen=True):
    """What the bump does on one node, its stacks in deployment order."""

    node: NodeName
    platform: str
    stacks: tuple[StackPlan, ...]
    remarks: tuple[str, ...] = ()  # what the plan does not know of the node
    warnings: tuple[str, ...] = ()  # why the plan may be wrong there: read before anything else
    hooks: str = ""  # a digest of its hooks' commands and of the files that they name; "" where it has none


class Commit(StoredValue, frozen=True):
    """One upstream commit that the bump brings in, newest first. Text is hostile: escaped only when rendered."""

    sha: CommitSha
    subject: str
    author: str


class FileDiff(StoredValue, frozen=True):
    """A changed file that running services read, without secrets. `note` says why it is not shown, or cut."""

    path: str  # of the checkout
    diff: str = ""  # unified, without the names of the files
    note: str = ""  # "is not text", "12 more lines"


class Plan(StoredValue, frozen=True):
    """What moving `submodule` from `old` to `new` does on every node of `fleet`.

    `old` is None when the submodule is new. `id` is made of everything that could change the meaning: base,
    head, both pins and the rendered content.
    """

    id: PlanId
    fleet: RepoName | None  # None for a plan made from a local checkout
    submodule: SubmodulePath
    upstream: RepoName | None
    base: CommitSha  # the fleet commit whose fleet file and overlays were used
    old: CommitSha | None
    new: CommitSha
    nodes: tuple[NodePlan, ...]
    commits: tuple[Commit, ...] = ()
    commits_total: int = 0  # `commits` may be cut; this is not
    files_changed: tuple[str, ...] = ()  # in the submodule, sorted; all of them
    files_without_effect: tuple[str, ...] = ()  # those of them that no running service reads
    file_diffs: tuple[FileDiff, ...] = ()  # of mounted, config and env files, the same for every node
    tree: str = ""  # SHA-256 of every file of the new version (bot.protocol.tree); "" in plans of older versions
