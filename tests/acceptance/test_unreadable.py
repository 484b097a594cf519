"""A stack that cannot be analysed is passed over by nobody: its node waits until a person names what to deploy."""

from __future__ import annotations

from typing import Any

from sandbox.world import FLEET, NODE, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.talk import SECONDS, answer, carry_out, no_order
from tests.acceptance.test_bump import bump

BROKEN = "services:\n  vault:\n    image: [no, name]\n"


def test_a_merge_with_an_unreadable_stack_deploys_nothing_until_stacks_are_named(running: Running) -> None:
    running.world.push(SERVER, {"stacks/secrets/docker-compose.yml": BROKEN}, "Break a stack")
    _, pull = bump(running)
    number = pull["number"]
    check = running.outside.checks(FLEET, pull["head"]["sha"])["aios/plan"]
    assert check["conclusion"] == "failure"
    running.world.hub.merge_pull(FLEET, number, by="owner")

    def held() -> Any:
        bodies = [comment["body"] for comment in running.outside.comments(FLEET, number)]
        return next((body for body in bodies if "secrets cannot be analysed" in body), None)

    told = eventually("why it waits", held, seconds=SECONDS)
    assert f"/deploy {NODE} STACK" in told
    assert no_order(running)
    assert "secrets cannot be analysed" in answer(running, number, f"/deploy {NODE}", holds="cannot be analysed")
    assert no_order(running)
    assert "secrets cannot" in answer(running, number, f"/deploy {NODE} secrets", holds="cannot be analysed")
    assert no_order(running)
    answer(running, number, f"/deploy {NODE} ingress", holds="ordered")
    order = carry_out(running).order
    assert [stack["stack"] for stack in order["stacks"]] == ["ingress"]
    # The rest is still pending: the next merge begins where the whole node was deployed last.
    assert "secrets cannot be analysed" in eventually("the same answer", held, seconds=SECONDS)
