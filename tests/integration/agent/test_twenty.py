"""Twenty services: nothing to do leaves all of them alone, and a change of one leaves the other nineteen alone."""

from __future__ import annotations

from pathlib import Path

from bot.protocol.action import Action
from bot.protocol.outcome import OrderEnd
from sandbox.engine import Engine
from tests.twenty import CHANGED, all_services, make_twenty, twenty_files


def test_ids_and_start_times_of_twenty_services(tmp_path: Path, engine: Engine) -> None:
    world, first = make_twenty(tmp_path, engine, "twenty")
    before = world.containers()
    assert len(before) == 20
    outcome = world.deploy(world.order(first, all_services(Action.NONE)))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert outcome.text.endswith("20 untouched")
    assert world.containers() == before

    changed = "/".join(CHANGED)
    at = world.push(twenty_files("twenty", version="2"))
    outcome = world.deploy(world.order(at, all_services(Action.NONE, stack2_web3=Action.RECREATE)))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    after = world.containers()
    assert world.version(changed) == "2"
    assert {name for name in after if after[name] != before[name]} == {changed}
