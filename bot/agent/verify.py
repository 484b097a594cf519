"""Verify the order that a node was sent: the signature over its bytes first, then what they say."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from bot.domain.names import NodeName, RepoName
from bot.envelope.keys import PublicKey
from bot.envelope.verify import EnvelopeError, EnvelopeFault, open_envelope
from bot.protocol.order import PAYLOAD_TYPE, Order, Refusal, RefusalReason, check_order, parse_order


def verify_order(
    text: str,
    *,
    public_keys: Sequence[PublicKey],
    fleet: RepoName,
    node: NodeName,
    now: float,
    last_number: int,
    used: AbstractSet[int] = frozenset(),
) -> Order | Refusal:
    """The order in the envelope `text` if this node is to carry it out now, else why not.

    Any of `public_keys` will do, so that a key can be replaced with an overlap; the rest is as in `check_order`.
    """
    if not public_keys:
        untrusting = "this node trusts no key yet: run `aios-bot node trust KEYFILE`"
        return Refusal(reason=RefusalReason.BAD_SIGNATURE, text=untrusting)
    try:
        payload = open_envelope(text, keys=public_keys, payload_type=PAYLOAD_TYPE)
    except EnvelopeError as problem:
        return _refuse_envelope(problem)
    order = parse_order(payload)
    if isinstance(order, Refusal):
        return order
    return check_order(order, fleet=fleet, node=node, now=now, last_number=last_number, used=used) or order


def _refuse_envelope(problem: EnvelopeError) -> Refusal:
    match problem.fault:
        case EnvelopeFault.MALFORMED:
            return Refusal(reason=RefusalReason.MALFORMED, text=f"not a signed order: {problem}")
        case EnvelopeFault.OTHER_TYPE:
            return Refusal(reason=RefusalReason.MALFORMED, text=f"signed, but not an order: {problem}")
        case EnvelopeFault.UNTRUSTED:
            text = "no key that this node trusts made the order's signature"
            return Refusal(reason=RefusalReason.BAD_SIGNATURE, text=text)
