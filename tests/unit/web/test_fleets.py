"""The fleet's page: found only by its address, and nothing hostile alive in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from bot.domain.names import BranchName, CommitSha, DeploymentId, NodeName, PullNumber, RepoName, SubmodulePath
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.store import NodeStatus, RolloutStatus, RolloutStore
from bot.protocol.outcome import OrderEnd
from bot.protocol.report import Report
from bot.service.database import open_store
from bot.storage.store import Store
from bot.web import fleets as fleet_pages

FLEET = RepoName("Tecnocrat/aios-win")
HOSTILE = "<script>alert(1)</script> {{ 7*7 }}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    yield made
    made.close()


def standings(**changes: object) -> RolloutStatus:
    nodes = (
        NodeStatus(
            node=NodeName("AIOS"),
            platform="linux",
            wave=1,
            standing=Standing.GOOD,
            text="runs server@ddddddd: 1 recreated, 9 untouched",
            log_url="https://github.example/runs/1",
            runs=CommitSha("c" * 40),
            runs_pin=CommitSha("d" * 40),
            deployed_at=1_790_000_000,
            planned=10,
            surprises=1,
        ),
        NodeStatus(
            node=NodeName("HP_LAB"),
            platform="windows",
            wave=2,
            standing=Standing.OFFLINE,
            text=HOSTILE,
            log_url="javascript:alert(1)",
        ),
    )
    values: dict[str, object] = {
        "fleet": FLEET,
        "base": BranchName("main"),
        "submodule": SubmodulePath("server"),
        "commit": CommitSha("c" * 40),
        "pin": CommitSha("d" * 40),
        "pull": PullNumber(7),
        "reason": RolloutReason.NODES_AWAY,
        "looked_at": 1_790_000_600,
        "nodes": nodes,
    }
    return RolloutStatus(**(values | changes))  # type: ignore[arg-type]  # a test states only its difference


def test_the_page_shows_nodes_pins_and_the_last_deploy(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")
    fleets.save(standings(reason=RolloutReason.UNDER_WAY))
    fleets.save(standings())
    app = Flask("bot.web.app")
    app.register_blueprint(fleet_pages.make_blueprint(fleets, web_url="https://github.example"))
    client = app.test_client()
    page = client.get(f"/fleets/{fleets.page_of(FLEET)}").get_data(as_text=True)
    for words in (
        "1 of 2 nodes run",
        "AIOS",
        "HP_LAB",
        "ddddddd",
        "offline",
        "1 of 10 services not as planned",
        "#7",
    ):
        assert words in page, words
    assert page.count("nodes away") == 1
    assert "<script>alert" not in page
    assert "49" not in page.replace("&#39;", "")
    assert "javascript:" not in page


def test_nobody_finds_it_by_its_name(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")
    fleets.save(standings())
    app = Flask("bot.web.app")
    app.register_blueprint(fleet_pages.make_blueprint(fleets, web_url="https://github.example"))
    other = RolloutStore(store, page_key=b"another key").page_of(FLEET)
    for address in (f"/fleets/{FLEET}", "/fleets/", f"/fleets/{other}", "/fleets/" + "0" * 32):
        assert app.test_client().get(address).status_code == 404


def test_a_result_is_kept_and_counted_once(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")
    report = Report(version=1, number=5, end=OrderEnd.SUCCESS, text="runs it")
    assert fleets.find_result(FLEET, DeploymentId(5)) is None
    assert [fleets.save_result(FLEET, report) for _ in range(2)] == [True, False]
    assert fleets.find_result(RepoName(FLEET.upper()), DeploymentId(5)) == report
