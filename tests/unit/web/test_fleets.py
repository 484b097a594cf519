"""The fleet's page: only for whoever may see it, and nothing hostile alive in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from msgspec.structs import replace

from bot.domain.names import BranchName, CommitSha, DeploymentId, NodeName, PullNumber, RepoName, SubmodulePath
from bot.domain.versions import NodeVersions
from bot.features.fleets.store import PinStore
from bot.features.holds.facts import Hold, HoldKind, Lock
from bot.features.holds.store import HoldStore, take_lock
from bot.features.outbox.facts import WaitingPull
from bot.features.outbox.pulls import WaitingPulls
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.store import NodeStatus, RolloutStatus, RolloutStore
from bot.protocol.outcome import OrderEnd
from bot.protocol.report import Report
from bot.service.database import open_store
from bot.storage.store import Store
from bot.web import fleets as fleet_pages
from bot.web.guard import SignInNeeded
from bot.web.reading import make_stores
from tests.queueing import make_guard
from tests.unit.features.visitors.test_visitors import pin

FLEET = RepoName("Tecnocrat/aios-win")
PIN = pin()
HOSTILE = "<script>alert(1)</script> {{ 8191*8191 }}"


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


def client_of(fleets: RolloutStore, store: Store, *, open_pages: bool = True) -> FlaskClient:
    PinStore(store).replace_pins(FLEET, [PIN])
    guard = make_guard(store, open_pages=open_pages)
    app = Flask("bot.web.app")
    app.register_blueprint(
        fleet_pages.make_blueprint(make_stores(store, fleets), guard, web_url="https://github.example")
    )
    app.register_error_handler(SignInNeeded, lambda problem: problem.to_response())
    return app.test_client()


def test_the_page_shows_nodes_pins_and_the_last_deploy(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")
    fleets.save(standings(reason=RolloutReason.UNDER_WAY))
    fleets.save(standings())
    client = client_of(fleets, store)
    page = client.get(f"/fleets/{FLEET.lower()}").get_data(as_text=True)
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
    assert "67092481" not in page, "a template ran"
    assert "javascript:" not in page


def test_the_page_says_why_a_node_does_not_move_and_nothing_hostile_comes_to_life(store: Store) -> None:
    fleets, holds = RolloutStore(store, page_key=b"key"), HoldStore(store)
    fleets.save(standings())
    lock = Lock(
        fleet=FLEET,
        node=NodeName("HP_LAB"),
        pull=PullNumber(9),
        owner="anna",
        reason=HOSTILE,
        taken_at=1,
        expires_at=4_000_000_000,
    )
    store.write(lambda connection: take_lock(connection, lock, now=1))
    base, submodule = BranchName("main"), SubmodulePath("server")
    hold = Hold(fleet=FLEET, base=base, submodule=submodule, kind=HoldKind.HOLD, by="bert", reason="holidays")
    holds.save_hold(hold)
    holds.save_hold(replace(hold, kind=HoldKind.RESUMED, by="carl", pin="e" * 40))
    page = client_of(fleets, store).get(f"/fleets/{FLEET}/state").get_data(as_text=True)
    assert page.count("locked for") == 1
    for words in ("/pull/9", "anna", "2096-10-02 07:06 UTC", "No new commit is proposed", "bert", "holidays"):
        assert words in page, words
    assert "carl" not in page
    assert "<script" not in page
    assert "{{" in page, "shown as it was written"


def test_the_state_is_sent_again_only_when_it_changed(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")
    fleets.save(standings())
    client = client_of(fleets, store)
    address = f"/fleets/{FLEET}/state"
    first = client.get(address)
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "private, no-cache")
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    fleets.save(standings(reason=RolloutReason.HALTED))
    changed = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "halted" in changed.get_data(as_text=True)
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert "<html" not in first.get_data(as_text=True)
    pull = WaitingPull(
        number=PullNumber(3), title="Bump it", author="ada", since=1, head=CommitSha("d" * 40), why="x"
    )
    WaitingPulls(store).save(FLEET, pull)
    waiting = client.get(address, headers={"If-None-Match": changed.headers["ETag"]})
    assert "Bump it" in waiting.get_data(as_text=True)


def test_a_page_takes_at_most_six_queries(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")
    fleets.save(standings())
    client = client_of(fleets, store)
    client.get(f"/fleets/{FLEET}")
    queries: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *about: queries.append(about[2]))
    assert client.get(f"/fleets/{FLEET}").status_code == 200
    assert 0 < len(queries) <= 5, queries  # and one for the session of whoever signed in


def test_an_address_of_before_leads_to_the_page(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")
    fleets.save(standings())
    found = client_of(fleets, store).get(f"/fleets/{fleets.page_of(FLEET)}")
    assert (found.status_code, found.headers["Location"]) == (303, f"/fleets/{FLEET}")


def test_without_a_session_every_address_leads_to_sign_in_whether_there_is_such_a_fleet_or_not(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")
    fleets.save(standings())
    client = client_of(fleets, store, open_pages=False)
    for address in (f"/fleets/{FLEET}", "/fleets/no/such", f"/fleets/{fleets.page_of(FLEET)}", "/fleets/" + "0" * 32):
        answer = client.get(address)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in?next=%2Ffleets%2F")


def test_the_script_of_an_open_page_is_not_led_to_sign_in(store: Store) -> None:
    """Its answer would stand inside the page."""
    client = client_of(RolloutStore(store, page_key=b"key"), store, open_pages=False)
    assert client.get(f"/fleets/{FLEET}/state", headers={"HX-Request": "true"}).status_code == 401
    assert client.get(f"/fleets/{FLEET}/state").headers["Location"].endswith("aios-win")


def test_a_result_is_kept_and_counted_once(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")
    report = Report(version=1, number=5, end=OrderEnd.SUCCESS, text="runs it")
    assert fleets.find_result(FLEET, DeploymentId(5)) is None
    assert [fleets.save_result(FLEET, NodeName("A"), report) for _ in range(2)] == [True, False]
    assert fleets.find_result(RepoName(FLEET.upper()), DeploymentId(5)) == report


def test_of_each_node_the_newest_report_tells_its_versions(store: Store) -> None:
    fleets = RolloutStore(store, page_key=b"key")

    def report(node: str, number: int, compose: str, fleet: RepoName = FLEET, engine: str = "") -> None:
        told = Report(version=1, number=number, end=OrderEnd.SUCCESS, text="runs it", compose=compose, engine=engine)
        fleets.save_result(fleet, NodeName(node), told)

    assert fleets.find_versions(FLEET) == {}
    report("A", 6, "5.6.1", engine="Docker Engine 28.1.1")
    report("A", 5, "2.40.3", engine="Docker Engine 20.10.24")  # read later, and older
    report("B", 7, "2.40.3", engine="Podman 4.3.1")
    report("C", 8, "")
    report("D", 9, "5.6 <script>", engine="Docker Engine 5.6 <script>")
    report("E", 9, "", engine="Docker Engine 20.10.24+dfsg1")
    report("A", 10, "6.0.0", RepoName("other/fleet"))
    assert fleets.find_versions(RepoName(FLEET.upper())) == {
        "A": NodeVersions("5.6.1", "Docker Engine 28.1.1"),
        "B": NodeVersions("2.40.3"),
        "E": NodeVersions("", "Docker Engine 20.10.24+dfsg1"),
    }
    report("A", 11, "5.7.0", engine="Docker Engine 29.0.0")
    assert fleets.find_versions(FLEET)[NodeName("A")] == NodeVersions("5.7.0", "Docker Engine 29.0.0")
    assert fleets.all_compose_versions() == ("2.40.3", "5.7.0", "6.0.0")
