"""The order: what the bot tells one node to do, single-use and expiring. Pure.

A node obeys a verified order and nothing else: whoever may dispatch a workflow may not thereby deploy. The bytes
are signed (bot.envelope); a node checks the signature over the bytes that it received, and only then reads them.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from enum import StrEnum

import msgspec

from bot.domain.names import (
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    PullNumber,
    RepoName,
    ServiceName,
    StackName,
    SubmodulePath,
    parse_commit_sha,
)
from bot.domain.values import StoredValue, Value
from bot.protocol import PROTOCOL_VERSION
from bot.protocol.action import Action
from bot.protocol.agent import AgentRelease

PAYLOAD_TYPE = "application/vnd.aios-bot.order+json"
MAX_ENVELOPE_LENGTH = 32_000  # characters; a variable of a Windows process holds 32,767
CLOCK_SKEW = 120  # seconds that a node's clock may be behind the bot's
UNDERSTOOD: frozenset[str] = frozenset({"agent", "follows", "if_same", "tree", "watch"})
"""What an order may require of its node: the names of the fields that change what it does and that came later than
protocol version 1. To add one: the field in the value, its name here, and in `requires` whenever it is set. `tree`
is required of nobody: it is left out for a node that does not report to understand it."""


class OrderKind(StrEnum):
    """What the node is asked for."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"  # to an earlier commit of the base branch
    RESTORE = "restore"  # back to the base branch: from a pull request's head, or what was changed by hand
    PLAN_ONLY = "plan-only"  # say what deploying the commit would do to what runs now; touch nothing
    DRIFT = "drift"  # say how what runs differs from the commit, which is the one deployed last; touch nothing

    @property
    def reads_only(self) -> bool:
        """Whether the node may touch nothing for it."""
        return self in (OrderKind.PLAN_ONLY, OrderKind.DRIFT)


class MismatchPolicy(StrEnum):
    """What the node does when it finds other than was planned for: stop before touching anything, or go on."""

    STOP = "stop"
    CONTINUE = "continue"


class PlanStart(StoredValue, frozen=True):
    """Where the plan begins: the commit and pin that the node deployed last with success."""

    commit: CommitSha
    pin: CommitSha


class HookTime(StrEnum):
    """When a hook runs, seen from the change of its stack, or of all stacks."""

    BEFORE = "before"
    AFTER = "after"


class Hook(StoredValue, frozen=True):
    """A command of the fleet file, run in the checkout without a shell. `stack` None: around all of them."""

    when: HookTime
    command: tuple[str, ...]
    stack: StackName | None = None


class ServiceOrder(StoredValue, frozen=True):
    """One service and what the plan says will happen to it."""

    service: ServiceName
    action: Action
    signal: str = "SIGHUP"  # what a reload sends
    remaining: int = 0  # containers that stay when a removal takes only some
    if_same: Action | None = None  # what to do where a build leaves the service's image the same; None: `action`
    follows: tuple[ServiceName, ...] = ()  # services of its stack whose images have to come out the same for it, too


class StackOrder(StoredValue, frozen=True):
    """One stack, as the plan rendered it. Paths are POSIX and relative to the checkout's root."""

    stack: StackName
    folder: str
    files: tuple[str, ...]  # relative to `folder`
    profiles: tuple[str, ...]
    project: str
    services: tuple[ServiceOrder, ...]
    networks: tuple[str, ...] = ()  # of its own, by their real names: to be recreated with what is attached to them
    watch: int | None = None  # seconds after the last change for which it must run well; None: the node's default


class Order(StoredValue, frozen=True):
    """Everything a node needs, so that it never has to trust a file of the checkout it is about to run."""

    kind: OrderKind
    fleet: RepoName
    node: NodeName
    commit: CommitSha  # of the fleet repository: the merged one
    base: str  # the branch that must contain `commit`, unless `head_of` says otherwise
    submodule: SubmodulePath
    pin: CommitSha  # the submodule's commit that `commit` pins
    plan: PlanId
    root: str  # the node's checkout, as the node spells it: C:\aios-supercell
    stacks: tuple[StackOrder, ...]  # in deployment order
    variables: dict[str, str]  # the node's public variables
    issued: int  # seconds since the epoch
    expires: int  # seconds since the epoch
    number: DeploymentId  # grows per node: GitHub's own deployment id
    head_of: PullNumber | None = None  # `commit` must be the head of this open pull request, not older, not newer
    start: PlanStart | None = None  # None: the bot never deployed to this node
    on_drift: MismatchPolicy = MismatchPolicy.CONTINUE  # when what runs is not what `start` left
    on_edits: MismatchPolicy = MismatchPolicy.STOP  # when tracked files of the checkout were changed by hand
    hooks: tuple[Hook, ...] = ()
    protocol: int = 1  # the lowest version of the protocol in which this can be read
    requires: tuple[str, ...] = ()  # what the node must understand to carry this out (UNDERSTOOD)
    agent: AgentRelease | None = None  # the program that carries this out; None: the one that is there
    tree: str = ""  # SHA-256 of all files that the plan was made from (bot.protocol.tree); "" where nobody said

    @property
    def is_by_hand(self) -> bool:
        """Whether a person gave it on the node itself: its number is negative, and no deployment stands for it."""
        return self.number < 0


class RefusalReason(StrEnum):
    """Why a node does not carry out an order. Nothing was touched."""

    MALFORMED = "malformed"  # not an envelope, or not an order in it
    BAD_SIGNATURE = "bad_signature"  # forged, altered, or signed with a key that the node does not trust
    OTHER_FLEET = "other_fleet"
    OTHER_NODE = "other_node"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    ALREADY_USED = "already_used"
    OLDER_NUMBER = "older_number"
    REQUIRES_UPDATE = "requires_update"  # it needs what this version of the program does not know
    UNSUPPORTED = "unsupported"  # an order of a kind that this version does not carry out
    OTHER_REPOSITORY = "other_repository"  # the checkout is not the fleet's
    WITHDRAWN = "withdrawn"  # the bot ended the deployment before the node came to it: a newer order follows
    WRONG_COMMIT = "wrong_commit"  # not on the base branch, not the pull request's head, or not there at all
    WRONG_PIN = "wrong_pin"  # the commit does not pin what the order says
    LOCAL_EDITS = "local_edits"  # tracked files of the checkout were changed by hand
    LOCAL_COMMITS = "local_commits"  # commits that are on no branch of the remote
    DRIFTED = "drifted"  # what runs is not where the plan starts, and the order says to stop then
    IN_THE_WAY = "in_the_way"  # an untracked file stands where the commit brings one
    OTHER_FILES = "other_files"  # the commit's files are not those that the plan was made from
    BEYOND_ORDER = "beyond_order"  # here it would touch a service that it does not name, or do more than it says

    @classmethod
    def _missing_(cls, _value: object) -> RefusalReason:
        """The report of a newer node is read: its words say why."""
        return cls.UNSUPPORTED


class Refusal(Value, frozen=True):
    """No, and why. `order` is set once its signature, fleet and node were found good: only then may anybody be
    told about it under its number.
    """

    reason: RefusalReason
    text: str
    order: Order | None = None


class _Requirements(StoredValue, frozen=True):
    """What is read of an order that cannot be read as a whole."""

    protocol: int = 1
    requires: tuple[str, ...] = ()


def encode_order(order: Order) -> bytes:
    """The bytes of `order` to be signed; equal orders have equal bytes."""
    return msgspec.json.encode(order, order="deterministic")


def parse_order(payload: bytes) -> Order | Refusal:
    """The order in `payload`, whose signature was found good, or why it cannot be read."""
    try:
        order = msgspec.json.decode(payload, type=Order)
        parse_commit_sha(order.commit)
        parse_commit_sha(order.pin)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        return _refuse_newer(payload) or Refusal(
            reason=RefusalReason.MALFORMED,
            text=f"an order that this version cannot read ({str(problem)[:200]}): update aios-bot on this node",
        )
    return order


def _refuse_newer(payload: bytes) -> Refusal | None:
    """The refusal of an order that cannot be read because it says itself that it is too new."""
    try:
        missing = _find_missing(msgspec.json.decode(payload, type=_Requirements))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return Refusal(reason=RefusalReason.REQUIRES_UPDATE, text=_too_new(missing)) if missing else None


def _find_missing(order: Order | _Requirements) -> list[str]:
    newer = [f"version {order.protocol} of the protocol"] if order.protocol > PROTOCOL_VERSION else []
    return newer + [name for name in order.requires if name not in UNDERSTOOD]


def _too_new(missing: list[str]) -> str:
    return (
        f"the order needs {', '.join(missing)[:200]}, which this version of aios-bot does not know: "
        "update aios-bot on this node"
    )


def check_order(
    order: Order,
    *,
    fleet: RepoName,
    node: NodeName,
    now: float,
    last_number: int,
    used: AbstractSet[int] = frozenset(),
) -> Refusal | None:
    """Why the node `node` of `fleet` does not carry out `order` at `now`; None when it does.

    `now` is in seconds since the epoch; `last_number` is the highest number taken so far (0: none), and `used`
    holds all of them.
    """
    if order.fleet.lower() != fleet.lower():
        text = f"the order is for the fleet {order.fleet}, and this node is {fleet}'s"
        return _no(RefusalReason.OTHER_FLEET, f"{text}; if that got another name, run `aios-bot node rename` on it")
    if order.node != node:
        return _no(RefusalReason.OTHER_NODE, f"the order is for the node {order.node}, and this one is {node}")
    if order.number in used or order.number == last_number:
        # Not reported under its number: whatever became of it the first time is reported there already.
        return _no(RefusalReason.ALREADY_USED, f"order {order.number} was taken before")
    if order.number < last_number:
        text = f"order {order.number} is older than {last_number}, which this node took already"
        return _no(RefusalReason.OLDER_NUMBER, text, order)
    if now < order.issued - CLOCK_SKEW:
        text = f"the order is valid in {order.issued - now:.0f} s; check this node's clock"
        return _no(RefusalReason.NOT_YET_VALID, text, order)
    if now >= order.expires:
        return _no(
            RefusalReason.EXPIRED, f"the order expired {now - order.expires:.0f} s ago; ask for a new one", order
        )
    missing = _find_missing(order)
    return _no(RefusalReason.REQUIRES_UPDATE, _too_new(missing), order) if missing else None


def _no(reason: RefusalReason, text: str, order: Order | None = None) -> Refusal:
    return Refusal(reason=reason, text=text, order=order)
