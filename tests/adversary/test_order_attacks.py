"""Orders that a node must not obey, each tried on one that runs: the table is printed (pytest -s).

An attack succeeds when the node does anything but refuse, or when a container or the checkout differs afterwards.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from bot.agent.deploy import deploy
from bot.domain.errors import BotError
from bot.domain.names import DeploymentId, NodeName, RepoName
from bot.envelope.sign import seal
from bot.features.rollout.apply.signing import sign_order
from bot.protocol import PROTOCOL_VERSION
from bot.protocol.action import Action
from bot.protocol.order import PAYLOAD_TYPE, Order, RefusalReason, encode_order
from bot.protocol.outcome import OrderEnd
from tests.nodeworld import NodeWorld, server_files

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


def with_signature(envelope: str, change: Callable[[list[dict[str, str]]], object]) -> str:
    whole = json.loads(envelope)
    change(whole["signatures"])
    return json.dumps(whole)


def attacks(world: NodeWorld, used: Order, order: Order) -> list[Attack]:
    """Every attack. `order` would be obeyed as it is; `used` was."""
    stranger, good, now = Ed25519PrivateKey.generate(), sign_order(order, world.key), int(world.clock)
    no = RefusalReason

    def signed(**changes: object) -> str:
        return sign_order(replace(order, **changes), world.key)

    elsewhere = seal(encode_order(order), "text/plain", [world.key])
    graver = json.loads(encode_order(order))["stacks"]
    graver[0]["services"][1]["action"] = "remove"
    return [
        Attack("forged: signed with a stranger's key", sign_order(order, stranger), no.BAD_SIGNATURE),
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
        Attack("early: not valid yet", signed(issued=now + 600), no.NOT_YET_VALID),
        Attack("cross-fleet: another fleet's", signed(fleet=RepoName("tecnocrat/other")), no.OTHER_FLEET),
        Attack("cross-fleet: another owner's of that name", signed(fleet=RepoName("evil/aios-win")), no.OTHER_FLEET),
        Attack("cross-node: another node's", signed(node=NodeName("AIOS")), no.OTHER_NODE),
        Attack("cross-node: its name in other letters", signed(node=NodeName(order.node.swapcase())), no.OTHER_NODE),
        Attack("newer: a field that it must understand", signed(requires=("sudo",)), no.REQUIRES_UPDATE),
        Attack("newer: another protocol", signed(protocol=PROTOCOL_VERSION + 1), no.REQUIRES_UPDATE),
    ]


def test_no_attack_on_an_order_succeeds(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    used = world.order(at, CHANGE)
    assert world.deploy(used).end is OrderEnd.SUCCESS
    order = world.order(world.push(server_files(world.prefix, traefik="traefik:1")), CHANGE)
    before = world.containers(), world.checkout_position()
    tried = attacks(world, used, order)
    succeeded = []
    for attack in tried:
        outcome = deploy(attack.envelope, world.node())
        refused = (outcome.end, outcome.refusal) == (OrderEnd.REFUSED, attack.reason) and bool(outcome.text)
        print(f"{attack.name:45} {outcome.end} {outcome.refusal}: {outcome.text[:80]}")
        succeeded += [] if refused else [(attack.name, outcome)]
    assert succeeded == []
    assert (world.containers(), world.checkout_position()) == before
    # Withdrawn, and then revoked: first the key that signs, then the node itself.
    world.withdrawn.add(order.number)
    assert world.deploy(order).refusal is RefusalReason.WITHDRAWN
    world.withdrawn.clear()
    world.is_silent = True
    outcome = world.deploy(order)
    assert (outcome.refusal, "GitHub is away" in outcome.text) == (RefusalReason.WITHDRAWN, True)
    world.is_silent = False
    (keyfile,) = (world.state.folder / "keys").iterdir()
    text = keyfile.read_bytes()
    keyfile.unlink()
    assert world.deploy(order).refusal is RefusalReason.BAD_SIGNATURE
    keyfile.write_bytes(text)
    (world.state.folder / "node.json").rename(world.folder / "node.json")
    try:
        revoked = world.deploy(order).end
    except BotError as problem:
        revoked = OrderEnd.REFUSED
        print(f"{'revoked: the node itself':45} {problem}")
    assert revoked is OrderEnd.REFUSED
    assert (world.containers(), world.checkout_position()) == before
    # And the same order is obeyed where nothing is wrong with it.
    (world.folder / "node.json").rename(world.state.folder / "node.json")
    assert world.deploy(order).end is OrderEnd.SUCCESS
    print(f"{len(tried) + 4} attacks, 0 succeeded")
