"""The order: what the bot tells one node to do, signed, single-use and expiring. Pure.

A node obeys a verified order and nothing else: whoever may dispatch a workflow may not thereby deploy.
The envelope is DSSE (github.com/secure-systems-lab/dsse) with an Ed25519 signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import Error as EnvelopeError
from securesystemslib.signer import CryptoSigner, SSlibKey

from bot.domain.errors import BotError
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
from bot.domain.values import Value
from bot.protocol.action import Action

PAYLOAD_TYPE = "application/vnd.aios-bot.order+json"
LONGEST_ENVELOPE = 32_000  # characters; a variable of a Windows process holds 32,767
CLOCK_SKEW = 120  # seconds that a node's clock may be behind the bot's


class OrderKind(StrEnum):
    """What the node is asked for."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"  # to an earlier commit of the base branch
    RESTORE = "restore"  # from a pull request's head back to the base branch
    PLAN_ONLY = "plan-only"  # say what deploying the commit would do to what runs now; touch nothing
    DRIFT = "drift"  # say how what runs differs from the commit, which is the one deployed last; touch nothing

    @property
    def reads_only(self) -> bool:
        """Whether the node may touch nothing for it."""
        return self in (OrderKind.PLAN_ONLY, OrderKind.DRIFT)


class Rule(StrEnum):
    """What the node does when it finds other than was planned for: stop before touching anything, or go on."""

    STOP = "stop"
    CONTINUE = "continue"


class Start(Value, frozen=True):
    """Where the plan begins: the commit and pin that the node deployed last with success."""

    commit: CommitSha
    pin: CommitSha


class HookTime(StrEnum):
    """When a hook runs, seen from the change of its stack, or of all stacks."""

    BEFORE = "before"
    AFTER = "after"


class Hook(Value, frozen=True):
    """A command of the fleet file, run in the checkout without a shell. `stack` None: around all of them."""

    when: HookTime
    command: tuple[str, ...]
    stack: StackName | None = None


class ServiceOrder(Value, frozen=True):
    """One service and what the plan says will happen to it."""

    service: ServiceName
    action: Action
    signal: str = "SIGHUP"  # what a reload sends
    remaining: int = 0  # containers that stay when a removal takes only some


class StackOrder(Value, frozen=True):
    """One stack, as the plan rendered it. Paths are POSIX and relative to the checkout's root."""

    stack: StackName
    folder: str
    files: tuple[str, ...]  # relative to `folder`
    profiles: tuple[str, ...]
    project: str
    services: tuple[ServiceOrder, ...]
    networks: tuple[str, ...] = ()  # of its own, by their real names: to be made anew with who is attached to them


class Order(Value, frozen=True):
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
    start: Start | None = None  # None: the bot never deployed to this node
    on_drift: Rule = Rule.CONTINUE  # when what runs is not what `start` left
    on_edits: Rule = Rule.STOP  # when tracked files of the checkout were changed by hand
    hooks: tuple[Hook, ...] = ()

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
    UNSUPPORTED = "unsupported"  # an order of a kind that this version does not carry out
    OTHER_REPOSITORY = "other_repository"  # the checkout is not the fleet's
    WITHDRAWN = "withdrawn"  # the bot ended the deployment before the node came to it: a newer order follows
    WRONG_COMMIT = "wrong_commit"  # not on the base branch, not the pull request's head, or not there at all
    WRONG_PIN = "wrong_pin"  # the commit does not pin what the order says
    LOCAL_EDITS = "local_edits"  # tracked files of the checkout were changed by hand
    LOCAL_COMMITS = "local_commits"  # commits that are on no branch of the remote
    DRIFTED = "drifted"  # what runs is not where the plan starts, and the order says to stop then
    IN_THE_WAY = "in_the_way"  # an untracked file stands where the commit brings one


class Refusal(Value, frozen=True):
    """No, and why. `order` is set once its signature, fleet and node were found good: only then may anybody be
    told about it under its number.
    """

    reason: RefusalReason
    text: str
    order: Order | None = None


class _Signature(Value, frozen=True):
    keyid: str
    sig: str


class _Envelope(Value, frozen=True, rename={"payload_type": "payloadType"}):
    """The envelope's JSON, strictly: what the library below is fed has no surprises left."""

    payload: str
    payload_type: str
    signatures: tuple[_Signature, ...]


def sign_order(order: Order, *private_keys: Ed25519PrivateKey) -> str:
    """The envelope of `order`, signed with every key, as JSON text. BotError when it is too long to be dispatched."""
    envelope = Envelope(msgspec.json.encode(order), PAYLOAD_TYPE, {})
    for key in private_keys:
        envelope.sign(CryptoSigner(key))
    text = msgspec.json.encode(envelope.to_dict()).decode()
    if len(text) > LONGEST_ENVELOPE:
        raise BotError(
            f"the order for {order.node} has {len(text)} characters, and a node takes {LONGEST_ENVELOPE}: "
            "give the node fewer stacks in the fleet file"
        )
    return text


def verify_order(
    text: str,
    *,
    public_keys: Sequence[Ed25519PublicKey],
    fleet: RepoName,
    node: NodeName,
    now: float,
    last_number: int,
    used: frozenset[int] = frozenset(),
) -> Order | Refusal:
    """The order in the envelope `text` if this node is to carry it out now, else why not. Pure.

    Any of `public_keys` will do, so that a key can be replaced with an overlap. `now` is in seconds since the
    epoch; `last_number` is the highest number taken so far (0: none), and `used` holds all of them.
    """
    order = _open_envelope(text, public_keys)
    if isinstance(order, Refusal):
        return order
    if order.fleet.lower() != fleet.lower():
        return _no(RefusalReason.OTHER_FLEET, f"the order is for the fleet {order.fleet}, and this node is {fleet}'s")
    if order.node != node:
        return _no(RefusalReason.OTHER_NODE, f"the order is for the node {order.node}, and this one is {node}")
    if order.number in used or order.number == last_number:
        # Not told under its number: whatever became of it the first time stands there already.
        return _no(RefusalReason.ALREADY_USED, f"order {order.number} was taken before")
    if order.number < last_number:
        told = f"order {order.number} is older than {last_number}, which this node took already"
        return _no(RefusalReason.OLDER_NUMBER, told, order)
    if now < order.issued - CLOCK_SKEW:
        told = f"the order is valid in {order.issued - now:.0f} s; check this node's clock"
        return _no(RefusalReason.NOT_YET_VALID, told, order)
    if now >= order.expires:
        told = f"the order expired {now - order.expires:.0f} s ago; ask for a new one"
        return _no(RefusalReason.EXPIRED, told, order)
    return order


def _no(reason: RefusalReason, text: str, order: Order | None = None) -> Refusal:
    return Refusal(reason=reason, text=text, order=order)


def _open_envelope(text: str, public_keys: Sequence[Ed25519PublicKey]) -> Order | Refusal:
    if not public_keys:
        return _no(RefusalReason.BAD_SIGNATURE, "this node trusts no key yet: run `aios-bot node trust KEYFILE`")
    try:
        wire = msgspec.json.decode(text, type=_Envelope)
        envelope = Envelope.from_dict(msgspec.to_builtins(wire))
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError, EnvelopeError) as problem:
        return _no(RefusalReason.MALFORMED, f"not a signed order: {str(problem)[:200]}")
    keys = [SSlibKey.from_crypto(key) for key in public_keys]
    try:
        envelope.verify(list(keys), 1)
    except (EnvelopeError, ValueError):
        return _no(RefusalReason.BAD_SIGNATURE, "no key that this node trusts made the order's signature")
    if envelope.payload_type != PAYLOAD_TYPE:
        return _no(RefusalReason.MALFORMED, f"signed, but no order: {envelope.payload_type[:80]}")
    try:
        order = msgspec.json.decode(envelope.payload, type=Order)
        parse_commit_sha(order.commit)
        parse_commit_sha(order.pin)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        told = f"an order that this version cannot read ({str(problem)[:200]}): update aios-bot on this node"
        return _no(RefusalReason.MALFORMED, told)
    return order
