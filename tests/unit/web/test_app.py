"""The routes of the service's applications."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.settings.values import Secret
from bot.web.app import create_setup_app
from bot.web.setup import AppSetup
from tests.queueing import make_app

SECRET = Secret("It's a Secret to Everybody")
ROUTES = {
    "POST /fleets/<owner>/<name>/notices/<int(max=9007199254740991):number>/mute",
    "GET /",
    "GET /api/v1/fleets",
    "GET /api/v1/fleets/<owner>/<name>",
    "GET /api/v1/fleets/<owner>/<name>/audit",
    "GET /api/v1/fleets/<owner>/<name>/deliveries",
    "GET /api/v1/fleets/<owner>/<name>/nodes",
    "GET /api/v1/fleets/<owner>/<name>/nodes/<node>",
    "GET /api/v1/fleets/<owner>/<name>/orders",
    "GET /api/v1/fleets/<owner>/<name>/plans",
    "GET /api/v1/fleets/<owner>/<name>/plans/<plan>",
    "GET /api/v1/fleets/<owner>/<name>/pulls",
    "GET /api/v1/fleets/<owner>/<name>/stacks",
    "GET /api/v1/fleets/<owner>/<name>/stacks/<stack>",
    "GET /api/v1/openapi.json",
    "GET /fleets",
    "GET /fleets/<owner>/<name>",
    "GET /fleets/<owner>/<name>/state",
    "GET /fleets/<owner>/<name>/nodes/<node>",
    "GET /fleets/<owner>/<name>/deliveries",
    "POST /fleets/<owner>/<name>/deliveries/<guid>",
    "GET /fleets/<owner>/<name>/audit",
    "GET /fleets/<owner>/<name>/stacks/<stack>",
    "GET /fleets/<page>",
    "GET /healthz",
    "GET /metrics",
    "GET /plans/<plan_id>",
    "GET /readyz",
    "GET /setup/installed",
    "GET /sign-in",
    "GET /sign-in/callback",
    "GET /sign-in/github",
    "POST /sign-out",
    "GET /static/<path:filename>",
}


def routes(app: Flask) -> set[str]:
    """Each as `METHOD path`."""
    rules = app.url_map.iter_rules()
    return {f"{verb} {rule}" for rule in rules for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(open_store(f"sqlite:///{tmp_path}/bot.sqlite3"))


def test_the_factory_registers_every_route(inbox: Inbox) -> None:
    assert routes(make_app(inbox, SECRET)) == ROUTES | {"POST /webhook"}


def test_a_service_that_fetches_deliveries_has_no_route_for_webhooks(inbox: Inbox) -> None:
    assert routes(make_app(inbox, None)) == ROUTES


def test_a_service_without_an_app_serves_the_set_up_alone() -> None:
    app_setup = AppSetup("https://github.com", "", register=lambda _code: "", finished=lambda: None)
    assert routes(create_setup_app(app_setup)) == {
        "GET /",
        "GET /healthz",
        "GET /readyz",
        "GET /setup",
        "GET /setup/created",
        "GET /static/<path:filename>",
        "POST /webhook",
    }


def test_metrics_are_prometheus_text_of_what_stands_now(inbox: Inbox) -> None:
    answer = make_app(inbox, SECRET).test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert 'aios_bot_queue_looks{state="waiting"} 0.0' in lines
    assert "aios_bot_queue_oldest_seconds 0.0" in lines
    assert any(line.startswith('aios_bot_disk_bytes{what="database"} ') for line in lines)


def test_metrics_are_for_the_machine_itself_and_not_for_a_proxy_on_it(inbox: Inbox) -> None:
    client = make_app(inbox, SECRET).test_client()
    for peer, status in (("127.0.0.1", 200), ("::1", 200), ("10.0.0.1", 401)):
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": peer}).status_code == status
    for header in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"):
        assert client.get("/metrics", headers={header: "x"}).status_code == 401
    assert client.get("/metrics", headers={"Host": "bot.example"}).status_code == 401
    assert client.get("/healthz", environ_base={"REMOTE_ADDR": "10.0.0.1"}).status_code == 200


def test_no_cache_between_keeps_what_only_one_person_may_see(inbox: Inbox) -> None:
    """A shared cache may keep a page or a 404 that says nothing of it, and give it to somebody else."""
    client = make_app(inbox, SECRET).test_client()
    for route in sorted(ROUTES):
        verb, path = route.split()
        answer = client.open(re.sub("<[^>]*>", "1", path), method=verb)
        kept = answer.headers.get("Cache-Control", "")
        assert "/static" in path or "no-store" in kept or "private" in kept, route
    assert client.get("/nothing").headers["Cache-Control"] == "no-store"


def test_with_a_token_metrics_are_for_whoever_sends_it(inbox: Inbox) -> None:
    client = make_app(inbox, SECRET, metrics_token=Secret("the token")).test_client()
    far = {"REMOTE_ADDR": "10.0.0.1"}
    for given, status in (("Bearer the token", 200), ("Bearer another", 401), ("the token", 401), ("é", 401)):
        answer = client.get("/metrics", headers={"Authorization": given}, environ_base=far)
        assert answer.status_code == status, given
    refused = client.get("/metrics")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert "AIOS_BOT_METRICS_TOKEN" in refused.text
    assert "the token" not in refused.text
