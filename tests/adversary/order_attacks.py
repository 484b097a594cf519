"""Orders that a node must not obey: its test tries them on one, and `python -m bench refused` prints them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from bot.domain.names import DeploymentId, NodeName, RepoName
from bot.envelope.sign import seal
from bot.features.rollout.apply.signing import sign_order
from bot.protocol import PROTOCOL_VERSION
from bot.protocol.action import Action
from bot.protocol.order import PAYLOAD_TYPE, Order, RefusalReason, encode_order
from tests.nodeworld import NodeWorld

CHANGE = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}}


class Attack(NamedTuple):
    """What is sent, and the reason for which it must be refused."""

    name: str
    envelope: str
    reason: RefusalReason


def altered(envelope: str, **changes: object) -> str:
    """The envelope with another payload under the same signatures."""
    whole = json.loads(envelope)
    payload = json.loads(base64.b64decode(whole["payload"])) | changes
    whole["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    return json.dumps(whole)


def _wide(text: str) -> str:
    """The letters that look like those of `text`, and that a careless comparison takes for them."""
    return "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in text)


def with_signature(envelope: str, change: Callable[[list[dict[str, str]]], object]) -> str:
    whole = json.loads(envelope)
    change(whole["signatures"])
    return json.dumps(whole)


def revoke_after(world: NodeWorld, act: Callable[[Ed25519PrivateKey], object]) -> Ed25519PrivateKey:
    """Call `act` with a second key that the node trusts; then take that key's file away, as an operator does."""
    key, keys, file = Ed25519PrivateKey.generate(), world.state.folder / "keys", world.folder / "second.pem"
    file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    before = set(keys.iterdir())
    world.state.trust(file, fleet=None, node=None, root=None)
    act(key)
    for path in set(keys.iterdir()) - before:
        path.unlink()
    return key


def order_attacks(world: NodeWorld, used: Order, order: Order, revoked: Ed25519PrivateKey) -> list[Attack]:
    """Every attack. `order` would be obeyed as it is; `used` was, and the node trusted the key `revoked` before."""
    stranger, good, now = Ed25519PrivateKey.generate(), sign_order(order, world.key), int(world.clock)
    no = RefusalReason

    def signed(**changes: object) -> str:
        return sign_order(replace(order, **changes), world.key)

    elsewhere = seal(encode_order(order), "text/plain", [world.key])
    graver = json.loads(encode_order(order))["stacks"]
    graver[0]["services"][1]["action"] = "remove"
    return [
        Attack("forged: signed with a stranger's key", sign_order(order, stranger), no.BAD_SIGNATURE),
        Attack("forged: signed with a key that was revoked", sign_order(order, revoked), no.BAD_SIGNATURE),
        Attack("forged: no signature", with_signature(good, list.clear), no.BAD_SIGNATURE),
        Attack("forged: another order's signature", altered(sign_order(used, world.key)), no.BAD_SIGNATURE),
        Attack(
            "forged: signed for another purpose", seal(encode_order(order), "text/plain", [world.key]), no.MALFORMED
        ),
        Attack(
            "forged: the purpose renamed after signing",
            elsewhere.replace("text/plain", PAYLOAD_TYPE),
            no.BAD_SIGNATURE,
        ),
        Attack("forged: not an envelope", "{}", no.MALFORMED),
        Attack("altered: another commit", altered(good, commit=used.commit), no.BAD_SIGNATURE),
        Attack("altered: another folder on the node", altered(good, root="/"), no.BAD_SIGNATURE),
        Attack("altered: a graver action", altered(good, stacks=graver), no.BAD_SIGNATURE),
        Attack("altered: a later end", altered(good, expires=now + 10**6), no.BAD_SIGNATURE),
        Attack("altered: a hook", altered(good, hooks=[{"when": "before", "command": ["sh"]}]), no.BAD_SIGNATURE),
        Attack("replayed: as it was", sign_order(used, world.key), no.ALREADY_USED),
        Attack("replayed: signed again", sign_order(replace(used, plan=order.plan), world.key), no.ALREADY_USED),
        Attack("late: expired this second", signed(expires=now), no.EXPIRED),
        Attack("late: older than one that was taken", signed(number=DeploymentId(1)), no.OLDER_NUMBER),
        Attack("late: the number before the last one", signed(number=DeploymentId(used.number - 1)), no.OLDER_NUMBER),
        Attack("early: not valid yet", signed(issued=now + 600), no.NOT_YET_VALID),
        Attack("cross-fleet: another fleet's", signed(fleet=RepoName("tecnocrat/other")), no.OTHER_FLEET),
        Attack("cross-fleet: another owner's of that name", signed(fleet=RepoName("evil/aios-win")), no.OTHER_FLEET),
        Attack("cross-node: another node's", signed(node=NodeName("AIOS")), no.OTHER_NODE),
        Attack("cross-node: its name in other letters", signed(node=NodeName(order.node.swapcase())), no.OTHER_NODE),
        Attack("cross-node: its name and a blank", signed(node=NodeName(f"{order.node} ")), no.OTHER_NODE),
        Attack("cross-node: its name in wide letters", signed(node=NodeName(_wide(order.node))), no.OTHER_NODE),
        Attack("newer: a field that it must understand", signed(requires=("sudo",)), no.REQUIRES_UPDATE),
        Attack("newer: another protocol", signed(protocol=PROTOCOL_VERSION + 1), no.REQUIRES_UPDATE),
    ]
