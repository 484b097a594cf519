"""The set-up page by itself: who gets in, what a person may choose, what GitHub has to bring back."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.domain.errors import BotError
from bot.github import manifest
from bot.github.connection.credentials import Registered, Vault
from bot.github.endpoints.registration import register_app
from bot.service.database import open_store
from bot.storage.store import Store
from bot.web.app import create_setup_app
from bot.web.setup import AppSetup
from sandbox.github import EmbeddedGitHub


class Bench:
    """A set-up page whose GitHub is a list of the codes it was sent."""

    def __init__(self, public_url: str = "") -> None:
        self.codes: list[str] = []
        self.finished = 0
        self.app_setup = AppSetup("https://github.com", public_url, self.register, self.finish)
        self.app = create_setup_app(self.app_setup)

    def register(self, code: str) -> str:
        if code == "expired":
            raise BotError("GitHub does not know this code")
        self.codes.append(code)
        return "https://github.com/apps/mine/installations/new"

    def finish(self) -> None:
        self.finished += 1

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def entered(self) -> FlaskClient:
        """A browser with the session, by HTTPS where the public address is."""
        browser = self.browser()
        if self.app_setup.public_url.startswith("https://"):
            browser.environ_base["wsgi.url_scheme"] = "https"
        answer = browser.get(f"/setup?token={self.app_setup.token}")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/setup")
        return browser


def form_of(page: str) -> tuple[str, dict[str, Any]]:
    found = re.search(r'<form method="post" action="([^"]+)".*?name="manifest" value="([^"]+)"', page, re.DOTALL)
    assert found, page
    return unescape(found.group(1)), json.loads(unescape(found.group(2)))


def test_only_who_holds_the_printed_address_gets_in_and_once() -> None:
    bench = Bench()
    for path in ("/setup", "/setup?token=guessed", "/setup?token=", "/setup/created?code=x&state=y"):
        answer = bench.browser().get(path)
        assert answer.status_code == 403, path
        assert bench.app_setup.state not in answer.text
    browser = bench.entered()
    cookie = browser.get_cookie("aios_bot_setup", path="/setup")
    assert cookie
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    page = browser.get("/setup")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "form-action 'self' https://github.com;" in page.headers["Content-Security-Policy"]
    assert bench.browser().get(f"/setup?token={bench.app_setup.token}").status_code == 403
    assert bench.browser().get("/setup").status_code == 403


def test_while_it_waits_it_is_alive_and_not_ready() -> None:
    browser = Bench().browser()
    assert browser.get("/healthz").status_code == 200
    assert browser.get("/readyz").status_code == 503
    assert browser.post("/webhook", data=b"{}").status_code == 503
    assert browser.get("/").headers["Location"] == "/setup"


def test_every_permission_and_event_is_explained() -> None:
    page = unescape(Bench().entered().get("/setup").text)
    for line in (*manifest.PERMISSIONS, *manifest.EVENTS):
        assert f"<code>{line.name}</code>" in page
        assert line.why in page


def test_the_form_asks_for_exactly_that() -> None:
    where, asked = form_of(Bench("https://bot.example.com").entered().get("/setup").text)
    assert where.startswith("https://github.com/settings/apps/new?state=")
    assert asked["default_permissions"] == manifest.permissions()
    assert asked["default_events"] == manifest.events()
    assert asked["hook_attributes"] == {"url": "https://bot.example.com/webhook", "active": True}
    assert asked["redirect_url"] == "https://bot.example.com/setup/created"
    assert asked["setup_url"] == "https://bot.example.com/setup/installed"


def test_without_a_public_address_github_leads_back_to_where_the_page_was_opened() -> None:
    _, asked = form_of(Bench().entered().get("/setup").text)
    assert asked["redirect_url"] == "http://localhost/setup/created"


@pytest.mark.parametrize(
    ("public_url", "is_secure"), [("https://bot.example.com", True), ("HTTPS://bot.example.com", True), ("", False)]
)
def test_the_session_never_travels_in_clear_where_the_address_is_https(public_url: str, is_secure: bool) -> None:
    """A proxy ends TLS, and hands every request on as plain HTTP."""
    bench = Bench(public_url)
    answer = bench.browser().get(f"/setup?token={bench.app_setup.token}")
    assert answer.status_code == 303
    assert ("Secure" in answer.headers["Set-Cookie"].split("; ")) is is_secure


def test_a_person_may_choose_name_owner_and_address() -> None:
    wishes = {"name": "my-bot", "organization": "acme", "public_url": "https://bot.acme.org/"}
    where, asked = form_of(Bench().entered().get("/setup", query_string=wishes).text)
    assert where.startswith("https://github.com/organizations/acme/settings/apps/new?state=")
    assert (asked["name"], asked["hook_attributes"]["url"]) == ("my-bot", "https://bot.acme.org/webhook")
    _, asked = form_of(Bench("https://bot.acme.org").entered().get("/setup", query_string={"public_url": ""}).text)
    assert asked["hook_attributes"]["url"] == manifest.NO_INGRESS


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"organization": "../evil"}, "its name in GitHub's addresses"),
        ({"name": "x" * 35}, "at most 34 characters"),
        ({"public_url": "javascript:alert(1)"}, "looks like https://"),
        ({"public_url": "https://[broken"}, "looks like https://"),
        ({"name": "<script>", "organization": "<b>"}, "its name in GitHub's addresses"),
    ],
)
def test_wishes_that_cannot_be_are_told(wishes: dict[str, str], words: str) -> None:
    answer = Bench().entered().get("/setup", query_string=wishes)
    assert answer.status_code == 400
    assert words in unescape(answer.text)
    assert "<script>" not in answer.text
    assert 'name="manifest"' not in answer.text


def test_githubs_code_counts_only_with_our_state_and_ends_the_set_up() -> None:
    bench = Bench()
    browser = bench.entered()
    first = bench.app_setup.state
    assert browser.get("/setup/created?code=good&state=guessed").status_code == 400
    failed = browser.get(f"/setup/created?code=expired&state={first}")
    assert (failed.status_code, "does not know this code" in failed.text) == (502, True)
    assert browser.get(f"/setup/created?code=good&state={first}").status_code == 400, "a state counts once"
    assert (bench.codes, bench.finished) == ([], 0)
    answer = browser.get(f"/setup/created?code=good&state={bench.app_setup.state}")
    assert answer.headers["Location"] == "https://github.com/apps/mine/installations/new"
    answer.close()
    assert (bench.codes, bench.finished) == (["good"], 1)


# -- what is kept -------------------------------------------------------------------------------------------------

APP = Registered(
    api_url="https://api.github.com",
    app_id=7,
    slug="mine",
    html_url="https://github.com/apps/mine",
    private_key="-----BEGIN RSA PRIVATE KEY-----",
    webhook_secret="hush-hush-hush",
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")


def test_the_credentials_are_sealed_and_come_back(store: Store, tmp_path: Path) -> None:
    vault = Vault(store, tmp_path / "keys")
    assert vault.find(APP.api_url) is None
    vault.save(APP)
    assert Vault(store, tmp_path / "keys").find(APP.api_url) == APP
    sealed = store.read_note("app_credentials")
    assert APP.private_key not in sealed
    assert APP.webhook_secret not in f"{sealed} {APP!r} {APP.credentials!r}"
    vault.forget()
    assert vault.find(APP.api_url) is None


def test_another_key_opens_nothing(store: Store, tmp_path: Path) -> None:
    Vault(store, tmp_path / "keys").save(APP)
    with pytest.raises(BotError, match="cannot be opened with"):
        Vault(store, tmp_path / "other").find(APP.api_url)
    (tmp_path / "keys/credentials.key").write_text("no key\n")
    with pytest.raises(BotError, match="something else than keys"):
        Vault(store, tmp_path / "keys").find(APP.api_url)


def test_an_app_of_another_github_is_not_used(store: Store, tmp_path: Path) -> None:
    vault = Vault(store, tmp_path / "keys")
    vault.save(APP)
    with pytest.raises(BotError, match="registered at"):
        vault.find("https://ghe.example.com/api/v3")


def test_a_new_first_line_changes_the_key(store: Store, tmp_path: Path) -> None:
    from cryptography.fernet import Fernet

    vault = Vault(store, tmp_path / "keys")
    vault.save(APP)
    file = tmp_path / "keys/credentials.key"
    old, new = file.read_text(), Fernet.generate_key().decode()
    file.write_text(f"{new}\n{old}")
    assert vault.find(APP.api_url) == APP
    file.write_text(f"{new}\n")
    sealed = store.read_note("app_credentials")
    assert vault.find(APP.api_url) == APP
    assert store.read_note("app_credentials") == sealed, "with one key there is nothing to rotate"


def test_a_rotation_changes_the_key_and_not_a_byte_under_it(store: Store, tmp_path: Path) -> None:
    from cryptography.fernet import Fernet

    vault, file = Vault(store, tmp_path / "keys"), tmp_path / "keys/credentials.key"
    vault.save(APP)
    old, new = Fernet(file.read_bytes().strip()), Fernet.generate_key()
    before = old.decrypt(store.read_note("app_credentials"))
    file.write_bytes(new + b"\n" + file.read_bytes())
    for _ in range(2):
        assert vault.find(APP.api_url) == APP
        assert Fernet(new).decrypt(store.read_note("app_credentials")) == before


def test_an_empty_key_file_is_refused(store: Store, tmp_path: Path) -> None:
    vault = Vault(store, tmp_path / "keys")
    vault.save(APP)
    (tmp_path / "keys/credentials.key").write_text("\n")
    with pytest.raises(BotError, match="something else than keys"):
        vault.find(APP.api_url)


def test_an_app_without_a_webhook_secret_gets_one(tmp_path: Path) -> None:
    with EmbeddedGitHub(tmp_path) as hub:
        hub.start()
        app = hub.register_app("mine", manifest.permissions(), manifest.events(), "https://example.com/webhook", "")
        code = hub.new_manifest_code(app)
        made = register_app(f"{hub.url}/api/v3", code)
        assert made.app_id == app.id
        assert len(made.webhook_secret) == 64
        assert hub.webhook_secret(app) == made.webhook_secret
        with pytest.raises(BotError, match="works once"):
            register_app(f"{hub.url}/api/v3", code)
        for wrong in ("", "../app", "a" * 300):
            with pytest.raises(BotError, match="no code"):
                register_app(f"{hub.url}/api/v3", wrong)
