"""People sign in with the embedded GitHub: the whole flow by HTTP, each refusal, and what ends a session."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from msgspec.structs import replace
from werkzeug.test import TestResponse

from bot.domain.errors import BotError
from bot.domain.events import AuthorizationRevoked
from bot.domain.names import InstallationId, RepoName
from bot.features.fleets.store import PinStore
from bot.features.visitors.jobs import EndSessions
from bot.features.visitors.read import Sights, ask_as_installation
from bot.features.visitors.run import end_sessions
from bot.features.visitors.store import SessionStore, TokenStore
from bot.github.app import App
from bot.github.endpoints.authorization import SignIn, SignInRefused, derive_challenge
from bot.github.events import parse_event
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.service.router import route
from bot.settings.values import Secret
from bot.web.app import create_app
from bot.web.guard import Guard
from sandbox import github
from sandbox.github import EmbeddedGitHub
from tests.queueing import make_fleet_stores, make_intake
from tests.unit.features.visitors.test_visitors import pin

PRIVATE, PUBLIC = RepoName("acme/private"), RepoName("acme/public")
HOME = "https://bot.example"
CALLBACK = f"{HOME}/sign-in/callback"
COOKIE = "__Host-aios_bot"


class World(NamedTuple):
    hub: EmbeddedGitHub
    registered: github.App
    sign_in: SignIn
    web: Flask
    inbox: Inbox
    guard: Guard

    def client(self) -> FlaskClient:
        return self.web.test_client()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with EmbeddedGitHub(tmp_path / "github") as hub:
        hub.start()
        for name in (PRIVATE, PUBLIC):
            hub.create_repository(name, private=name == PRIVATE)
        for login in ("anna", "bert"):
            hub.create_user(login)
        registered = hub.register_app("fleet-bot", {"metadata": "read"}, [], "", "")
        hub.set_callbacks(registered, CALLBACK)
        installation = InstallationId(hub.install(registered, "acme", [PRIVATE, PUBLIC]))
        store = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
        inbox, pins = Inbox(store), PinStore(store)
        for name in (PRIVATE, PUBLIC):
            pins.replace_pins(name, [replace(pin(name), installation=installation)])
        app = App(api_url=f"{hub.url}/api/v3", app_id=str(registered.id), private_key=registered.private_key_pem)
        guard = Guard(
            SessionStore(store),
            TokenStore(store),
            Sights(pins, ask_as_installation(app), time.time),
            secure=True,
            open_pages=False,
        )
        sign_in = SignIn(app, hub.url, Secret(registered.client_secret))
        intake = make_intake(inbox)
        web = create_app(
            inbox,
            intake.plans,
            make_fleet_stores(store),
            webhook_secret=None,
            receive=intake.receive,
            guard=guard,
            sign_in=sign_in,
            public_url=HOME,
            web_url=hub.url,
            render_metrics=lambda: b"",
        )
        yield World(hub, registered, sign_in, web, inbox, guard)
        store.close()


def go(client: FlaskClient, path: str) -> TestResponse:
    return client.get(path, base_url=HOME)


def authorize(world: World, address: str, *, press: str = "1") -> str:
    """Go through GitHub's pages as whoever is signed in there; where it leads back to."""
    browser = requests.Session()
    answer = browser.get(address, allow_redirects=False, timeout=10)
    if answer.status_code == 200:
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
        form = {name: unescape(value) for name, value in fields.items()} | {"authorize": press}
        headers = {"Origin": world.hub.url}
        url = f"{world.hub.url}/login/oauth/authorize"
        answer = browser.post(url, data=form, headers=headers, allow_redirects=False, timeout=10)
    return answer.headers["Location"]


def sign_in_as(world: World, login: str, client: FlaskClient, *, after: str = "/fleets") -> TestResponse:
    world.hub.browse_as(login)
    where = go(client, f"/sign-in/github?{urlencode({'next': after})}").headers["Location"]
    back = urlsplit(authorize(world, where))
    assert f"{back.scheme}://{back.netloc}{back.path}" == CALLBACK
    return go(client, f"{back.path}?{back.query}")


def test_a_person_signs_in_and_github_forgets_their_token(world: World) -> None:
    client = world.client()
    first = go(client, f"/fleets/{PRIVATE}")
    assert first.headers["Location"] == "/sign-in?next=%2Ffleets%2Facme%2Fprivate"
    page = go(client, first.headers["Location"]).get_data(as_text=True)
    assert "/sign-in/github?next=%2Ffleets%2Facme%2Fprivate" in page
    world.hub.set_permission(PRIVATE, "anna", "read")
    answer = sign_in_as(world, "anna", client, after=f"/fleets/{PRIVATE}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/fleets/{PRIVATE}")
    (cookie,) = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(f"{COOKIE}=")]
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=28800"):
        assert word in cookie.split("; "), cookie
    assert "Domain" not in cookie
    assert world.hub.user_tokens(world.registered) == 0
    shown = go(client, f"/fleets/{PRIVATE}")
    assert shown.status_code == 200
    assert ">anna<" in shown.get_data(as_text=True)


def test_each_sees_only_what_their_permission_reaches_and_nobody_learns_what_there_is(world: World) -> None:
    anna, bert = world.client(), world.client()
    world.hub.set_permission(PRIVATE, "anna", "read")
    world.hub.set_permission(PUBLIC, "bert", "write")
    sign_in_as(world, "anna", anna)
    sign_in_as(world, "bert", bert)
    seen = [[go(client, f"/fleets/{name}").status_code for name in (PRIVATE, PUBLIC)] for client in (anna, bert)]
    assert seen == [[200, 404], [404, 200]]
    listed = [
        re.findall(r'href="/fleets/(acme/\w+)"', go(one, "/fleets").get_data(as_text=True)) for one in (anna, bert)
    ]
    assert listed == [[PRIVATE], [PUBLIC]]
    hidden, absent = go(bert, f"/fleets/{PRIVATE}"), go(bert, "/fleets/acme/nothing")
    assert (hidden.status_code, hidden.data) == (absent.status_code, absent.data)
    assert go(bert, "/plans/0123456789ab").status_code == 404
    stranger = world.client()
    for path in (f"/fleets/{PRIVATE}", "/fleets/acme/nothing", "/fleets", "/plans/0123456789ab"):
        assert go(stranger, path).status_code == 303
    assert go(stranger, "/plans/0123456789ab.json").status_code == 401


def test_an_answer_that_is_not_this_browsers_opens_nothing(world: World) -> None:
    victim, attacker = world.client(), world.client()
    world.hub.browse_as("bert")
    where = go(attacker, "/sign-in/github").headers["Location"]
    back = urlsplit(authorize(world, where))
    for client in (victim, world.client()):
        answer = go(client, f"{back.path}?{back.query}")
        assert answer.status_code == 400
        assert COOKIE not in str(answer.headers.getlist("Set-Cookie")).replace("__Host-aios_bot_attempt", "")
    code = parse_qs(back.query)["code"][0]
    assert go(attacker, f"{back.path}?code={code}&state=guessed").status_code == 400
    assert go(attacker, f"{back.path}?{back.query}").status_code == 303
    again = go(attacker, f"{back.path}?{back.query}")
    assert again.status_code == 400, "the attempt's cookie is gone with the first answer"


def test_github_refuses_a_wrong_verifier_a_used_code_and_a_foreign_address(world: World) -> None:
    world.hub.browse_as("anna")

    def code() -> str:
        where = world.sign_in.authorize_url(state="s", verifier="v" * 43, back_to=CALLBACK)
        assert parse_qs(urlsplit(where).query)["code_challenge"] == [derive_challenge("v" * 43)]
        return parse_qs(urlsplit(authorize(world, where)).query)["code"][0]

    with pytest.raises(SignInRefused, match="another browser"):
        world.sign_in.identify(code(), verifier="w" * 43, back_to=CALLBACK)
    good = code()
    assert world.sign_in.identify(good, verifier="v" * 43, back_to=CALLBACK).login == "anna"
    with pytest.raises(SignInRefused, match="used before"):
        world.sign_in.identify(good, verifier="v" * 43, back_to=CALLBACK)
    with pytest.raises(SignInRefused, match="callback URLs"):
        world.sign_in.identify(code(), verifier="v" * 43, back_to=f"{CALLBACK}/other")
    other = SignIn(world.sign_in.app, world.hub.url, Secret("wrong"))
    with pytest.raises(SignInRefused, match="GITHUB_CLIENT_SECRET"):
        other.identify(code(), verifier="v" * 43, back_to=CALLBACK)
    foreign = world.sign_in.authorize_url(state="s", verifier="v" * 43, back_to="https://evil.example/")
    assert authorize(world, foreign).startswith(f"{CALLBACK}?error=redirect_uri_mismatch")
    assert world.hub.user_tokens(world.registered) == 0
    with pytest.raises(BotError, match="did not answer"):
        SignIn(world.sign_in.app, "http://127.0.0.1:1", Secret("x")).identify("c", verifier="v", back_to=CALLBACK)


def test_who_does_not_authorise_the_app_is_told_so(world: World) -> None:
    client = world.client()
    world.hub.browse_as("anna")
    back = urlsplit(authorize(world, go(client, "/sign-in/github").headers["Location"], press="0"))
    answer = go(client, f"{back.path}?{back.query}")
    assert answer.status_code == 400
    assert "You did not authorise the App" in answer.get_data(as_text=True)
    (ended,) = answer.headers.getlist("Set-Cookie")
    assert {"Max-Age=0", "Secure", "Path=/"} < set(ended.split("; ")), "else a browser leaves it as it is"
    assert go(client, "/fleets").status_code == 303


def test_signing_out_needs_the_pages_own_form(world: World) -> None:
    client = world.client()
    sign_in_as(world, "anna", client)
    token = re.findall(r'name="form_token" value="(\w+)"', go(client, "/fleets").get_data(as_text=True))[0]
    for form, headers in (
        ({}, {}),
        ({"form_token": "0" * 64}, {}),
        ({"form_token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        assert client.post("/sign-out", data=form, headers=headers, base_url=HOME).status_code == 403
    assert go(client, "/fleets").status_code == 200
    secret = client.get_cookie(COOKIE, domain="bot.example")
    assert secret is not None
    answer = client.post(
        "/sign-out", data={"form_token": token}, headers={"Sec-Fetch-Site": "same-origin"}, base_url=HOME
    )
    assert answer.status_code == 303
    client.set_cookie(COOKIE, secret.value, domain="bot.example", secure=True)
    assert go(client, "/fleets").status_code == 303, "the session is over, not only its cookie"


def test_revoking_the_authorisation_on_github_ends_the_sessions(world: World) -> None:
    clients = [world.client(), world.client()]
    for client in clients:
        sign_in_as(world, "anna", client)
    other = world.client()
    sign_in_as(world, "bert", other)
    world.hub.set_webhook(world.registered, "http://127.0.0.1:1/webhook", "secret")
    world.hub.revoke_authorization(world.registered, "anna")
    (delivery,) = [one for one in world.hub.deliveries if one.event == "github_app_authorization"]
    assert (delivery.action, delivery.installation) == ("revoked", None)
    event = parse_event(delivery.event, json.dumps(delivery.payload).encode())
    assert isinstance(event, AuthorizationRevoked)
    for job in route(event, PinStore(world.inbox.store).snapshot()):
        assert isinstance(job, EndSessions)
        end_sessions(world.guard.sessions, world.sign_in.app.client(), job)
    assert [go(one, "/fleets").status_code for one in (*clients, other)] == [303, 303, 200]


def test_without_a_client_secret_the_page_says_what_is_missing(world: World) -> None:
    intake = make_intake(world.inbox)
    web = create_app(
        world.inbox,
        intake.plans,
        make_fleet_stores(world.inbox.store),
        webhook_secret=None,
        receive=intake.receive,
        guard=world.guard,
        sign_in=None,
        public_url=HOME,
        web_url=world.hub.url,
        render_metrics=lambda: b"",
    )
    for path in ("/sign-in", "/sign-in/github"):
        answer = web.test_client().get(path)
        assert answer.status_code == 503
        assert "GITHUB_CLIENT_SECRET" in answer.get_data(as_text=True)
