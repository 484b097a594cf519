"""The set-up page: with no App configured, it registers one by GitHub's manifest flow, and leads to installing it.

Only whoever holds the address that the service printed at its start gets in: the token in it opens one browser's
session, once. Being on the same machine is no key, because behind a reverse proxy everybody is.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from flask import Flask, Response, make_response, redirect, render_template, request

from bot.domain.errors import BotError
from bot.github import manifest
from bot.web.hardening import harden

_LOG = logging.getLogger("bot.setup")
_COOKIE = "aios_bot_setup"
_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})?")
HOMEPAGE = "https://github.com/Tecnocrat/aios-bot"


class Wishes(NamedTuple):
    """What a person may choose before the App is made."""

    name: str
    organization: str  # "": the person's own account
    public_url: str  # where GitHub reaches this service; "": it cannot
    problem: str = ""  # what is wrong with them, for the person


@dataclass
class SetupDesk:
    """One set-up, from the printed address to the registered App.

    `register` turns GitHub's code into the App, keeps it, and returns the page where it is installed.
    """

    web_url: str  # the GitHub where the App is made
    public_url: str
    register: Callable[[str], str]
    finished: Callable[[], None]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    name: str = field(default_factory=lambda: f"aios-bot-{secrets.token_hex(3)}")
    _session: str = ""
    _state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open_session(self, token: str) -> str | None:
        """The session that the printed address opens, the first time."""
        with self._lock:
            if self._session or not _same(token, self.token):
                return None
            self._session = secrets.token_urlsafe(24)
            return self._session

    def is_open_to(self, session: str) -> bool:
        """Whether a browser holds the session."""
        return bool(self._session) and _same(session, self._session)

    @property
    def state(self) -> str:
        """What GitHub has to bring back with its code."""
        return self._state

    def take_state(self, state: str) -> bool:
        """Whether `state` is ours; it counts once, and the next attempt gets another."""
        with self._lock:
            if not _same(state, self._state):
                return False
            self._state = secrets.token_urlsafe(24)
            return True


def _same(given: str, held: str) -> bool:
    return hmac.compare_digest(given.encode(), held.encode())


def create_setup_app(desk: SetupDesk) -> Flask:
    """The service while it waits to be set up."""
    app = Flask(__name__)

    @app.get("/")
    def index() -> Response:
        return _go("/setup")

    @app.get("/healthz")
    def healthz() -> Response:
        return _json({"status": "alive"}, 200)

    @app.get("/readyz")
    def readyz() -> Response:
        return _json({"status": "not ready", "checks": {"app": "not set up yet: see the log for the address"}}, 503)

    @app.post("/webhook")
    def webhook() -> Response:
        return _json({"message": "this bot is not set up yet"}, 503)

    @app.get("/setup")
    def setup() -> Response:
        token = request.args.get("token", "")
        if token:
            return _enter(desk, token)
        if not _may_enter(desk):
            return _page("setup_locked.html", status=403)
        wishes = _read_wishes(desk)
        return _page("setup.html", status=400 if wishes.problem else 200, **_around(desk, wishes))

    @app.get("/setup/created")
    def created() -> Response:
        if not _may_enter(desk):
            return _page("setup_locked.html", status=403)
        if not desk.take_state(request.args.get("state", "")):
            return _page("setup_failed.html", status=400, problem="GitHub's answer does not belong to this set-up.")
        try:
            where = desk.register(request.args.get("code", ""))
        except BotError as problem:
            _LOG.warning("%s", problem)
            return _page("setup_failed.html", status=502, problem=str(problem))
        answer = _go(where)
        answer.call_on_close(desk.finished)
        return answer

    # A browser holds the redirects that follow a form to this rule too.
    harden(app, forms_to=f"'self' {desk.web_url}")
    return app


def _enter(desk: SetupDesk, token: str) -> Response:
    session = desk.open_session(token)
    if session is None:
        return _page("setup_locked.html", status=403)
    answer = _go("/setup")
    answer.set_cookie(_COOKIE, session, httponly=True, samesite="Lax", secure=request.is_secure, path="/setup")
    return answer


def _may_enter(desk: SetupDesk) -> bool:
    return desk.is_open_to(request.cookies.get(_COOKIE, ""))


def _read_wishes(desk: SetupDesk) -> Wishes:
    given = {name: request.args.get(name, "").strip() for name in ("name", "organization", "public_url")}
    wishes = Wishes(
        name=given["name"] or desk.name,
        organization=given["organization"],
        public_url=(given["public_url"] if "public_url" in request.args else desk.public_url).rstrip("/"),
    )
    return wishes._replace(problem=_find_problem(wishes))


def _find_problem(wishes: Wishes) -> str:
    if len(wishes.name) > manifest.LONGEST_NAME:
        return f"GitHub takes names of at most {manifest.LONGEST_NAME} characters."
    if wishes.organization and not _ORGANIZATION.fullmatch(wishes.organization):
        return "The organization is its name in GitHub's addresses, such as acme-inc."
    if wishes.public_url and not _is_address(wishes.public_url):
        return "The public address looks like https://bot.example.com."
    return ""


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        return False


def _around(desk: SetupDesk, wishes: Wishes) -> dict[str, object]:
    here = request.host_url.rstrip("/")
    # After the installation the service itself answers; where GitHub reaches it, the person does too.
    home = wishes.public_url or here
    made = manifest.compose_manifest(
        name=wishes.name,
        homepage=wishes.public_url or HOMEPAGE,
        webhook_url=f"{wishes.public_url}/webhook" if wishes.public_url else manifest.NO_INGRESS,
        created_url=f"{here}/setup/created",
        installed_url=f"{home}/setup/installed",
    )
    return {
        "wishes": wishes,
        "permissions": manifest.PERMISSIONS,
        "events": manifest.EVENTS,
        "github": urlsplit(desk.web_url).netloc,
        "action": manifest.registration_url(desk.web_url, organization=wishes.organization, state=desk.state),
        "manifest": msgspec.json.encode(made).decode(),
    }


def _page(template: str, *, status: int = 200, **values: object) -> Response:
    answer = make_response(render_template(template, **values), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _go(where: str) -> Response:
    answer = make_response(redirect(where, 303))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _json(body: object, status: int) -> Response:
    return Response(msgspec.json.encode(body), status, mimetype="application/json")
