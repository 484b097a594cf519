"""Sign the order that a node is sent."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.errors import BotError
from bot.envelope.sign import seal
from bot.protocol.order import MAX_ENVELOPE_LENGTH, PAYLOAD_TYPE, Order, encode_order

OrderKeys = Callable[[], tuple[Ed25519PrivateKey, ...]]
"""The keys that orders are signed with, the current one first; read for each order, for they can be rotated."""


def sign_order(order: Order, *private_keys: Ed25519PrivateKey) -> str:
    """The envelope of `order`, signed with every key, as JSON text. BotError when it is too long to be dispatched."""
    text = seal(encode_order(order), PAYLOAD_TYPE, private_keys)
    if len(text) > MAX_ENVELOPE_LENGTH:
        raise BotError(
            f"the order for {order.node} has {len(text)} characters, and a node takes {MAX_ENVELOPE_LENGTH}: "
            "give the node fewer stacks in the fleet file"
        )
    return text
