"""What sign-in leads back to, and from where open pages are seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.web.app import create_app
from bot.web.guard import own_path
from tests.queueing import make_fleet_stores, make_guard, make_intake


@pytest.mark.parametrize(
    "good", ["/fleets", "/fleets/Tecnocrat/aios-win", "/plans/0123456789ab", "/fleets/o/n/nodes/HP_LAB", "/"]
)
def test_an_own_address_stays(good: str) -> None:
    assert own_path(good) == good


@pytest.mark.parametrize(
    ("part", "page"), [("/fleets/o/n/state", "/fleets/o/n"), ("/fleets/o/n/nodes/state", "/fleets/o/n/nodes/state")]
)
def test_sign_in_leads_back_to_the_page_and_not_to_a_part_of_it(part: str, page: str) -> None:
    assert own_path(part) == page


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "//evil.example",
        "https://evil.example/fleets",
        "/\\evil.example",
        "/fleets//evil.example",
        "/fleets/../evil",
        "/fleets/a b",
        "/fleets/a\n",
        "/setup",
        "/fleets/" + "a" * 500,
    ],
)
def test_any_other_leads_to_the_list_of_fleets(foreign: str) -> None:
    assert own_path(foreign) == "/fleets"


@pytest.mark.parametrize(
    ("host", "address", "status"),
    [
        ("localhost:8080", "127.0.0.1", 200),
        ("127.0.0.1:8080", "127.0.0.1", 200),
        ("evil.example", "127.0.0.1", 303),  # a name of another site that leads to this machine
        ("localhost:8080", "192.0.2.7", 303),
    ],
)
def test_open_pages_are_seen_from_this_machine_alone(tmp_path: Path, host: str, address: str, status: int) -> None:
    inbox = Inbox(open_store(f"sqlite:///{tmp_path}/bot.sqlite3"))
    intake = make_intake(inbox)
    app = create_app(
        inbox,
        intake.plans,
        make_fleet_stores(inbox.store),
        webhook_secret=None,
        receive=intake.receive,
        guard=make_guard(inbox.store, open_pages=True),
        sign_in=None,
        public_url="",
        web_url="https://github.com",
        render_metrics=lambda: b"",
    )
    answer = app.test_client().get("/fleets", headers={"Host": host}, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status
