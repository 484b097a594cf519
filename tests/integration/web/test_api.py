"""The API: its own description judges it, by requests that schemathesis makes; tokens see one fleet and end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import schemathesis
import sqlalchemy as sa
from click.testing import CliRunner
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from werkzeug.test import TestResponse

from bot.cli.main import aios_bot
from bot.domain.names import RepoName
from bot.features.fleets.store import PinStore
from bot.features.rollout.decide.rollout import RolloutReason
from bot.features.rollout.store import RolloutStore
from bot.features.visitors.store import TOKENS, TokenStore
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.storage.store import Store, now_ms
from tests.queueing import make_app, make_locked_app
from tests.unit.features.visitors.test_visitors import FLEET, pin
from tests.unit.web.test_fleets import standings

OTHER = RepoName("acme/other")


class Api(NamedTuple):
    store: Store
    client: FlaskClient
    token: str


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    store = open_store(f"sqlite:///{tmp_path / 'aios-bot.sqlite3'}")
    for fleet in (FLEET, OTHER):
        PinStore(store).replace_pins(fleet, [pin(fleet)])
    RolloutStore(store, page_key=b"key").save(standings())
    app = make_locked_app(Inbox(store))
    yield Api(store, app.test_client(), TokenStore(store).add(FLEET, "a test", days=1))
    store.close()


def call(api: Api, path: str, token: str | None = None, **headers: str) -> TestResponse:
    return api.client.get(
        path, headers={"Authorization": f"Bearer {api.token if token is None else token}", **headers}
    )


def test_a_token_sees_its_own_fleet_and_no_other(api: Api) -> None:
    listed = call(api, "/api/v1/fleets").json
    assert listed == {"fleets": [{"name": FLEET, "url": f"/api/v1/fleets/{FLEET}"}], "unasked": 0, "next": None}
    state = call(api, f"/api/v1/fleets/{FLEET}").json
    assert state is not None
    assert [node["node"] for node in state["rollouts"][0]["nodes"]] == ["AIOS", "HP_LAB"]
    hidden, absent = call(api, f"/api/v1/fleets/{OTHER}"), call(api, "/api/v1/fleets/acme/nothing")
    assert (hidden.status_code, hidden.data) == (absent.status_code, absent.data)
    assert hidden.status_code == 404
    assert hidden.mimetype == "application/problem+json"
    assert api.client.get(f"/fleets/{FLEET}", headers={"Authorization": f"Bearer {api.token}"}).status_code == 303


def test_nothing_is_read_without_a_token_and_nothing_written_with_one(api: Api) -> None:
    for path in ("/api/v1/fleets", f"/api/v1/fleets/{FLEET}", "/api/v1/fleets/acme/nothing"):
        for token in ("aiosbot_wrong", "", api.token + "x"):
            answer = call(api, path, token)
            assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        refused = api.client.post(path, headers={"Authorization": f"Bearer {api.token}"})
        assert (refused.status_code, refused.mimetype) == (405, "application/problem+json")
        assert "GET" in refused.headers["Allow"]
    assert api.client.get("/api/v1/openapi.json").status_code == 200


def test_an_answer_is_sent_again_only_when_it_changed(api: Api) -> None:
    path = f"/api/v1/fleets/{FLEET}"
    tag = call(api, path).headers["ETag"]
    again = call(api, path, **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    RolloutStore(api.store, page_key=b"key").save(standings(reason=RolloutReason.HALTED))
    assert call(api, path, **{"If-None-Match": tag}).status_code == 200


def test_fleets_come_in_pages(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    names = [RepoName(f"acme/f{number}") for number in range(5)]
    for name in names:
        PinStore(store).replace_pins(name, [pin(name)])
    client = make_app(Inbox(store), None).test_client()  # whose pages are open to this machine
    found, address = [], "/api/v1/fleets?most=2"
    while address:
        page = client.get(address).json
        assert page is not None
        assert len(page["fleets"]) <= 2
        found += [one["name"] for one in page["fleets"]]
        address = page["next"]
    assert found == names
    for wrong in ("0", "51", "x", "-1", "²", ""):
        assert client.get(f"/api/v1/fleets?most={wrong}").status_code == 400
    store.close()


def test_tokens_are_made_listed_and_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOS_BOT_DATA", str(tmp_path))
    store = open_store(f"sqlite:///{tmp_path / 'aios-bot.sqlite3'}")
    run = CliRunner().invoke
    token = run(aios_bot, ["token", "add", FLEET, "--about", "a\x1b[31mboard"]).output.strip()
    assert TokenStore(store).find_fleet(token) == FLEET.lower()
    with store.reading() as connection:
        assert token not in str(connection.execute(sa.select(TOKENS)).all())
    listed = run(aios_bot, ["token", "list"]).output
    assert FLEET.lower() in listed
    assert "\x1b" not in listed
    assert token not in listed
    number = listed.split()[0]
    assert run(aios_bot, ["token", "revoke", number]).output == f"{number} revoked\n"
    assert TokenStore(store).find_fleet(token) is None
    assert "there is no token" in str(run(aios_bot, ["token", "revoke", number]).exception)
    old = TokenStore(store).add(FLEET, "", days=1)
    later = now_ms() + 86_400_000
    monkeypatch.setattr("bot.features.visitors.store.now_ms", lambda: later)
    assert TokenStore(store).find_fleet(old) is None
    store.close()


def test_what_is_answered_is_what_the_description_says(api: Api) -> None:
    """schemathesis makes the requests, good and bad, from the description, and judges each answer."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", api.client.application)
    schema.config.generation.update(max_examples=50)
    seen = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # an invalid description raises here

        @settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def judge(case: schemathesis.Case[Any]) -> None:
            nonlocal seen
            seen += 1
            case.call_and_validate(headers={"Authorization": f"Bearer {api.token}"})

        judge()
    assert seen >= 60
