"""The service ends in time whatever it waits for, and the next start takes up what was cut off."""

from __future__ import annotations

from typing import Any

from sandbox.github import Fault
from sandbox.service import start_service
from sandbox.world import FLEET, SERVER
from tests.acceptance.conftest import Running, settings_of
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import INGRESS


def test_a_stalling_github_does_not_hold_the_end_up(running: Running) -> None:
    world, outside = running.world, running.outside
    stall = Fault(lambda method, path: (method, path[-6:]) == ("POST", "/pulls"), stall=3600)
    world.hub.faults.append(stall)
    pushed = world.edit(SERVER, INGRESS, "traefik:v3.1", "traefik:v3.2", "Upgrade")
    eventually("the request that stalls", lambda: stall.played)
    process = running.service.process
    process.terminate()
    assert process.wait(60) == 0  # the service itself sees to its ten seconds; see bot/service/shutdown.py
    assert "cut off" in running.service.log.read_text()

    again = start_service(settings_of(running))
    try:

        def proposed() -> list[Any]:
            return [p for p in outside.pulls(FLEET, "all") if outside.pin(FLEET, p["head"]["sha"]) == pushed]

        assert len(eventually("the pull request", proposed)) == 1
    finally:
        again.stop()
