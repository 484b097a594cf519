"""Orders that only read: a node tells how it differs from what was deployed, and touches nothing."""

from __future__ import annotations

from bot.agent.checkout import CheckoutPosition
from bot.agent.state import Begun, find_last_good, is_after_failure
from bot.protocol.action import Action
from bot.protocol.order import OrderKind
from bot.protocol.outcome import DifferenceKind, FailureReason, OrderEnd, Outcome
from tests.gitworld import git
from tests.nodeworld import NOTHING, NodeWorld, server_files


def look(world: NodeWorld) -> Outcome:
    """The outcome of a drift order for what was deployed; the containers are as before."""
    before = world.containers()
    begun = world.state.read_record()[0]
    assert isinstance(begun, Begun)
    position = CheckoutPosition(begun.order.commit, begun.order.pin)
    outcome = world.deploy(world.order(position, NOTHING, kind=OrderKind.DRIFT))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert world.containers() == before
    return outcome


def found(outcome: Outcome) -> set[tuple[DifferenceKind, str]]:
    return {(one.kind, one.where) for one in outcome.differences}


def test_a_node_as_it_was_left_has_no_drift(node_world: NodeWorld) -> None:
    world = node_world
    outcome = look(world)
    assert outcome.differences == ()
    assert outcome.text == "as deployed: 3 services"
    assert world.posted[-1][1] == "success"


def test_everything_that_hands_can_do_is_found(node_world: NodeWorld) -> None:
    world = node_world
    docker, containers = world.engine.docker, world.containers()
    docker("rm", "--force", containers["ingress/whoami"][0])
    # Recreated by hand, with another configuration.
    docker("rm", "--force", containers["ingress/traefik"][0])
    labels = {"project": world.project("ingress"), "service": "traefik", "oneoff": "False", "config-hash": "0" * 64}
    run = [word for name, value in labels.items() for word in ("--label", f"com.docker.compose.{name}={value}")]
    docker("run", "--detach", *run, "traefik:1")
    run[3] = "com.docker.compose.service=stranger"
    docker("run", "--detach", *run, "whoami:1")
    docker("tag", "vault:1", "vault:kept")
    docker("tag", "traefik:2", "vault:1")
    try:
        (world.root / "server/stacks/ingress/dynamic/headers.yml").write_text("by hand\n")
        git(world.root, "checkout", "--quiet", "--detach", "HEAD~1")
        outcome = look(world)
    finally:
        docker("tag", "vault:kept", "vault:1")
    assert found(outcome) == {
        (DifferenceKind.MISSING, "ingress/whoami"),
        (DifferenceKind.CHANGED, "ingress/traefik"),
        (DifferenceKind.EXTRA, "ingress/stranger"),
        (DifferenceKind.IMAGE_MOVED, "secrets/vault"),
        (DifferenceKind.EDITED, "the node"),
        (DifferenceKind.MOVED, "the node"),
    }
    assert outcome.text.endswith("and 5 more")


def test_a_stopped_container_is_missing_and_a_sick_one_unwell(node_world: NodeWorld) -> None:
    world = node_world
    docker, containers = world.engine.docker, world.containers()
    docker("stop", containers["secrets/vault"][0])
    docker("pause", containers["ingress/whoami"][0])
    outcome = look(world)
    docker("unpause", containers["ingress/whoami"][0])
    assert found(outcome) == {(DifferenceKind.MISSING, "secrets/vault"), (DifferenceKind.UNHEALTHY, "ingress/whoami")}


def test_a_plan_only_order_says_what_would_happen_here(node_world: NodeWorld) -> None:
    world = node_world
    change = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}}
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    before, files = world.containers(), world.checkout_position()
    outcome = world.deploy(world.order(at, change, kind=OrderKind.PLAN_ONLY))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert outcome.text == "would recreate 1, leave 1"
    text = server_files(world.prefix, command="['${WANTED}']")
    outcome = world.deploy(world.order(world.push(text), change, kind=OrderKind.PLAN_ONLY))
    assert (outcome.end, outcome.failure) == (OrderEnd.UNTOUCHED, FailureReason.VARIABLE)
    assert "WANTED (ingress)" in outcome.text
    assert world.containers() == before
    assert world.checkout_position() == files


def test_a_question_is_nothing_to_return_to_and_makes_no_failure_good(node_world: NodeWorld) -> None:
    world = node_world
    good = find_last_good(world.state.read_record())
    assert good is not None
    other = world.push(server_files(world.prefix, traefik="traefik:2"))
    outcome = world.deploy(world.order(other, NOTHING, kind=OrderKind.PLAN_ONLY))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    look(world)
    assert find_last_good(world.state.read_record()) == good
    failed = world.order(other, NOTHING)
    world.state.begin(failed, now=world.clock)
    world.state.finish(failed, OrderEnd.FAILED, "neither new nor old", now=world.clock)
    look(world)
    assert is_after_failure(world.state.read_record())


def test_an_order_to_restore_brings_back_what_hands_took_and_touches_nothing_else(node_world: NodeWorld) -> None:
    world = node_world
    before = world.containers()
    world.engine.docker("rm", "--force", before["ingress/whoami"][0])
    begun = world.state.read_record()[0]
    assert isinstance(begun, Begun)
    there = CheckoutPosition(begun.order.commit, begun.order.pin)
    same = {"ingress": {"traefik": Action.NONE, "whoami": Action.NONE}, "secrets": {"vault": Action.NONE}}
    outcome = world.deploy(world.order(there, same))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert "ingress/whoami" not in world.containers(), "a deploy does what its plan says"
    outcome = world.deploy(world.order(there, same, kind=OrderKind.RESTORE))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    after = world.containers()
    assert after.keys() == before.keys()
    assert [name for name in before if after[name] != before[name]] == ["ingress/whoami"]
    assert [one.actual for one in outcome.services if one.service == "whoami"] == [Action.CREATE]
    assert look(world).differences == ()
