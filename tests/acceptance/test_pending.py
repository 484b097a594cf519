"""What was merged but not deployed stays in the plan of the next order, stack by stack, until it is deployed."""

from __future__ import annotations

from typing import Any

from sandbox.world import FLEET, NODE, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.talk import SECONDS, answer, carry_out, no_order
from tests.acceptance.test_bump import bump

SECRETS = "stacks/secrets/docker-compose.yml"


def actions(order: dict[str, Any]) -> dict[str, str]:
    """What an order does, by stack and service, where it does something."""
    return {
        f"{stack['stack']}/{one['service']}": one["action"]
        for stack in order["stacks"]
        for one in stack["services"]
        if one["action"] != "none"
    }


def broken(running: Running, *, mend: bool = False) -> None:
    """A stack that nobody can read, or what it was before."""
    whole, wrong = "services:", "services: [no, services]\nx-services:"
    old, new = (wrong, whole) if mend else (whole, wrong)
    running.world.edit(SERVER, SECRETS, old, new, "Mend a stack" if mend else "Break a stack")


def merge(running: Running, number: int) -> None:
    running.world.hub.merge_pull(FLEET, number, by="owner")


def comment(running: Running, number: int, words: str) -> str:
    def found() -> str | None:
        bodies = [one["body"] for one in running.outside.comments(FLEET, number)]
        return next((body for body in bodies if words in body), None)

    return eventually(f"a comment with {words!r}", found, seconds=SECONDS)


def test_what_an_unreadable_stack_held_back_is_deployed_once_a_later_merge_mends_it(running: Running) -> None:
    """The node never ran an order: it would else be taken to run what was merged before the mending merge."""
    broken(running)
    _, first = bump(running)
    merge(running, first["number"])
    assert "pending: " in comment(running, first["number"], "secrets cannot be analysed")
    assert no_order(running)
    broken(running, mend=True)
    _, second = bump(running, "TRAEFIK_LOG_LEVEL: INFO", "TRAEFIK_LOG_LEVEL: INFO # as before")
    assert second["number"] != first["number"]
    merge(running, second["number"])
    order = carry_out(running).order
    assert actions(order)["ingress/traefik"] == "recreate", order


def test_each_stack_goes_on_from_what_it_runs_itself(running: Running) -> None:
    """One stack is deployed alone, and the next merge takes its change back: the node must put it back too."""
    _, first = bump(running)
    merge(running, first["number"])
    carry_out(running)
    broken(running)
    _, second = bump(running, "traefik:v3.2", "traefik:v3.3")
    merge(running, second["number"])
    comment(running, second["number"], "secrets cannot be analysed")
    answer(running, second["number"], f"/deploy {NODE} ingress", holds="ordered")
    assert actions(carry_out(running).order) == {"ingress/traefik": "recreate"}
    told = answer(running, second["number"], f"/deploy {NODE} ingress", holds="already")
    assert NODE in told
    status = answer(running, second["number"], "/status", holds="pending")
    assert "<code>ingress</code> alone" in status
    broken(running, mend=True)
    _, third = bump(running, "traefik:v3.3", "traefik:v3.2")
    merge(running, third["number"])
    order = carry_out(running).order
    assert actions(order)["ingress/traefik"] == "recreate", order
    assert order["start"]["pin"] == running.outside.pin(FLEET, second["head"]["sha"])
