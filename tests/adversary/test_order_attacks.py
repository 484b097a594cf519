"""Orders that a node must not obey, each tried on one that runs: the table is printed (pytest -s).

An attack succeeds when the node does anything but refuse, or when a container or the checkout differs afterwards.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.agent.deploy import deploy
from bot.domain.errors import BotError
from bot.features.rollout.apply.signing import sign_order
from bot.protocol.order import RefusalReason
from bot.protocol.outcome import OrderEnd
from tests.adversary.order_attacks import CHANGE, order_attacks, revoke_after
from tests.nodeworld import NodeWorld, server_files


def test_no_attack_on_an_order_succeeds(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    world.number += 1  # the number before it was never used
    used = world.order(at, CHANGE)

    def obey(key: Ed25519PrivateKey) -> None:
        assert deploy(sign_order(used, key), world.node()).end is OrderEnd.SUCCESS, "while the node trusts it"

    old_key = revoke_after(world, obey)
    order = world.order(world.push(server_files(world.prefix, traefik="traefik:1")), CHANGE)
    before = world.containers(), world.checkout_position()
    tried = order_attacks(world, used, order, old_key)
    succeeded = []
    for attack in tried:
        outcome = deploy(attack.envelope, world.node())
        refused = (outcome.end, outcome.refusal) == (OrderEnd.REFUSED, attack.reason) and bool(outcome.text)
        print(f"{attack.name:45} {outcome.end} {outcome.refusal}: {outcome.text[:80]}")
        succeeded += [] if refused else [(attack.name, outcome)]
    assert succeeded == []
    assert (world.containers(), world.checkout_position()) == before
    # Withdrawn, and then revoked: first the only key that is left, then the node itself.
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
