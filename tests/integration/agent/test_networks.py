"""A network that other stacks use is reconfigured: the node makes it, and everybody who is attached, again."""

from __future__ import annotations

from msgspec.structs import replace

from bot.agent.checkout import CheckoutPosition
from bot.protocol.action import Action
from bot.protocol.order import Order
from bot.protocol.outcome import OrderEnd
from tests.nodeworld import NodeWorld, server_files

ANEW = {
    "ingress": {"traefik": Action.RECREATE, "whoami": Action.RECREATE},
    "secrets": {"vault": Action.RECREATE},
}


def labelled(world: NodeWorld, label: str, *, also: str = "", **more: str) -> dict[str, str | None]:
    """The server's files with another label on the network that both stacks use."""
    files = server_files(world.prefix, **more)
    path = "stacks/ingress/docker-compose.yml"
    name = f"    name: {world.prefix}-ingress\n"
    files[path] = (files[path] or "").replace(name, f"{name}    labels: {{note: {label}}}\n") + also
    return files


def order(world: NodeWorld, at: CheckoutPosition) -> Order:
    """An order in which the network's user comes before its owner."""
    plain = world.order(at, {"secrets": ANEW["secrets"], "ingress": ANEW["ingress"]})
    networks = {"ingress": (f"{world.prefix}-ingress",)}
    stacks = tuple(replace(stack, networks=networks.get(stack.stack, ())) for stack in plain.stacks)
    return replace(plain, stacks=stacks)


def note(world: NodeWorld) -> str:
    form = '{{index .Labels "note"}}'
    return world.engine.docker("network", "inspect", "--format", form, f"{world.prefix}-ingress")


def found_by_name(world: NodeWorld) -> str:
    return world.engine.docker(
        "exec", world.containers()["secrets/vault"][0], "wget", "-qO-", "http://traefik:8080/version"
    )


def test_everybody_on_the_network_moves_to_the_new_one_and_finds_each_other(node_world: NodeWorld) -> None:
    world = node_world
    before = world.containers()
    outcome = world.deploy(order(world, world.push(labelled(world, "one"))))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert all(service.as_predicted for service in outcome.services)
    assert not {one[0] for one in before.values()} & {one[0] for one in world.containers().values()}
    assert note(world) == "one"
    assert found_by_name(world) == "traefik:1"


def test_after_a_failure_the_network_is_as_before_with_everybody_on_it(node_world: NodeWorld) -> None:
    world = node_world
    bad = labelled(world, "bad", healthcheck="{test: [CMD, 'false'], interval: 200ms, timeout: 2s, retries: 1}")
    outcome = world.deploy(order(world, world.push(bad)))
    assert outcome.end is OrderEnd.ROLLED_BACK, (outcome, world.told)
    assert note(world) == ""
    assert set(world.containers()) == {"ingress/traefik", "ingress/whoami", "secrets/vault"}
    assert found_by_name(world) == "traefik:1"


def test_a_service_may_join_the_network_in_the_same_change(node_world: NodeWorld) -> None:
    """Compose by itself fails: it cuts off who is not attached yet ("is not connected to the network")."""
    world = node_world
    path = "stacks/ingress/docker-compose.yml"
    apart = server_files(world.prefix)
    whoami = "    image: whoami:1\n    networks: [ingress]\n"
    apart[path] = (apart[path] or "").replace(whoami, "    image: whoami:1\n    networks: [own]\n") + "  own:\n"
    first = world.order(world.push(apart), {"ingress": {"traefik": Action.NONE, "whoami": Action.RECREATE}})
    assert world.deploy(first).end is OrderEnd.SUCCESS
    outcome = world.deploy(order(world, world.push(labelled(world, "joined"))))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert note(world) == "joined"
    assert found_by_name(world) == "traefik:1"


def test_the_owner_of_the_network_goes_and_comes_back_while_others_use_it(node_world: NodeWorld) -> None:
    world = node_world
    vault = world.containers()["secrets/vault"]
    files = server_files(world.prefix)
    gone: dict[str, str | None] = {path: None for path in files if path.startswith("stacks/ingress/")}
    removed = world.order(world.push(gone), {"ingress": dict.fromkeys(("traefik", "whoami"), Action.REMOVE)})
    outcome = world.deploy(removed)
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert world.containers() == {"secrets/vault": vault}
    # Whoever stays finds its network, also when it is made again.
    outcome = world.deploy(world.order(world.push({"note.md": "x\n"}), {"secrets": {"vault": Action.RECREATE}}))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    back = world.order(world.push(files), {"ingress": dict.fromkeys(("traefik", "whoami"), Action.CREATE)})
    outcome = world.deploy(back)
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert set(world.containers()) == {"ingress/traefik", "ingress/whoami", "secrets/vault"}
    assert found_by_name(world) == "traefik:1"
