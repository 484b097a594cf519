"""What the API answers. Times are whole seconds since 1970, UTC; null is written where there is none."""

from __future__ import annotations

from typing import Literal

from bot.domain.notices import Topic
from bot.domain.values import Value
from bot.features.audit.facts import Audited
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.facts import Stage
from bot.protocol.action import Action
from bot.protocol.order import OrderKind
from bot.protocol.outcome import OrderEnd
from bot.queue.lanes import JobState

Gravity = Literal["calm", "notice", "risky"]


class ApiFleet(Value, frozen=True):
    """One fleet. `url` has its state."""

    name: str
    url: str


class ApiFleets(Value, frozen=True):
    """The fleets that may be seen, by name. Unless `complete`, GitHub has not answered for all: read again."""

    fleets: tuple[ApiFleet, ...]
    complete: bool
    next: str | None


class ApiObstacle(Value, frozen=True):
    """Why something does not move. `command` is a comment for pull request `pull`; "" where none helps."""

    text: str  # it may quote what a stranger wrote
    command: str
    pull: int | None
    until: int | None


class ApiNodeState(Value, frozen=True):
    """A node in one rollout: what it should run, what it runs, and why it does not move."""

    node: str
    base: str
    submodule: str
    wave: int
    standing: Standing
    rolled_back: bool  # a person took back what was merged; the standing is then "failed"
    text: str  # one line; it may quote what a stranger wrote
    wanted: str  # the fleet's commit that was merged last
    wanted_pin: str
    runs: str | None  # the fleet's commit that the node deployed last with success
    runs_pin: str | None
    behind: int  # commits of the pinned repository between what runs and what is wanted
    stacks: tuple[str, ...]
    deployed_at: int | None
    obstacles: tuple[ApiObstacle, ...]
    log_url: str | None  # null without write permission


class ApiRollout(Value, frozen=True):
    """One submodule of one base branch: what was merged last, and how far the nodes are."""

    base: str
    submodule: str
    upstream: str | None
    commit: str
    pin: str
    pull: int | None
    merged_by: str  # a login; "" where it is not known
    reason: RolloutReason
    looked_at: int
    obstacles: tuple[ApiObstacle, ...]  # why no newer commit is proposed
    nodes: tuple[ApiNodeState, ...]


class ApiPull(Value, frozen=True):
    """An open pull request that waits for a person. `to_merge`: for nothing but its merge."""

    number: int
    title: str  # a stranger's words
    author: str
    since: int
    head: str
    why: str
    to_merge: bool


class ApiPulls(Value, frozen=True):
    """The pull requests that wait for a person, oldest first."""

    pulls: tuple[ApiPull, ...]
    next: str | None


class ApiNotice(Value, frozen=True):
    """What somebody should know, until it is over. Before `muted_until` nobody is sent a message that it began."""

    number: int
    topic: Topic
    subject: str
    text: str
    url: str
    since: int
    muted_until: int | None


class ApiFleetState(Value, frozen=True):
    """What a fleet's page shows. `gravity` says how much `summary` needs somebody."""

    name: str
    summary: str
    gravity: Gravity
    rollouts: tuple[ApiRollout, ...]
    pulls: tuple[ApiPull, ...]
    notices: tuple[ApiNotice, ...]


class ApiNode(Value, frozen=True):
    """One node, in every rollout that it takes part in."""

    name: str
    platform: str
    rollouts: tuple[ApiNodeState, ...]


class ApiNodes(Value, frozen=True):
    """The nodes of a fleet, by name."""

    nodes: tuple[ApiNode, ...]
    next: str | None


class ApiStack(Value, frozen=True):
    """One stack, on every node that has it."""

    name: str
    nodes: tuple[ApiNodeState, ...]


class ApiStacks(Value, frozen=True):
    """The stacks of a fleet, by name."""

    stacks: tuple[ApiStack, ...]
    next: str | None


class ApiService(Value, frozen=True):
    """What an order did to one service, beside what the plan had said."""

    stack: str
    service: str
    predicted: Action
    actual: Action


class ApiSpace(Value, frozen=True):
    """A disk of the node at the order's end, in bytes. `use`: "checkout", "images", or "checkout and images"."""

    use: str
    free: int
    size: int


class ApiReport(Value, frozen=True):
    """What a node reported of an order. `untouched`: how many more services were to stay as they are, and did."""

    end: OrderEnd
    text: str
    seconds: float
    engine: str
    compose: str
    agent: str
    space: tuple[ApiSpace, ...]
    services: tuple[ApiService, ...]
    untouched: int


class ApiOrder(Value, frozen=True):
    """An order that a node was given. `stacks` empty: all of the node's. Its log needs write permission."""

    number: int
    node: str
    kind: OrderKind
    submodule: str
    commit: str
    pin: str
    stage: Stage
    text: str  # one line of the node's
    by_merge: bool
    pull: int | None
    stacks: tuple[str, ...]
    queued_at: int | None
    updated_at: int | None
    report: ApiReport | None
    log: str | None
    log_url: str | None


class ApiOrders(Value, frozen=True):
    """Orders, newest first."""

    orders: tuple[ApiOrder, ...]
    next: str | None


class ApiJob(Value, frozen=True):
    """One job that a delivery called for. `not_before`: when a job that is held goes on."""

    kind: str
    state: JobState
    attempts: int
    error: str
    not_before: int | None


class ApiDelivery(Value, frozen=True):
    """One webhook delivery that called for jobs on the fleet, and what became of each."""

    guid: str
    event: str
    action: str
    received_at: int
    jobs: tuple[ApiJob, ...]


class ApiDeliveries(Value, frozen=True):
    """Deliveries, newest first. `most` counts their jobs: the rest of a delivery's jobs is on the next page."""

    deliveries: tuple[ApiDelivery, ...]
    next: str | None


class ApiAuditRecord(Value, frozen=True):
    """One record of the audit trail. `said` and `text` are as a person wrote them."""

    number: int
    what: Audited
    at: str  # ISO 8601, UTC
    actor: str
    pull: int | None
    source: str
    said: str
    permission: str
    reason: str
    node: str | None
    order: int | None
    kind: str
    commit: str
    pin: str
    plan: str
    state: str
    override_reason: str
    text: str


class ApiAudit(Value, frozen=True):
    """Records of the audit trail, newest first."""

    records: tuple[ApiAuditRecord, ...]
    next: str | None


class ApiProblem(Value, frozen=True):
    """Why a request was refused (RFC 9457)."""

    title: str
    status: int
    detail: str
    type: str
