"""/setup: registers a GitHub App by GitHub's manifest flow when none is configured, and leads to installing it.

The service prints an address when it starts. The token in it opens a session for one browser, once; nobody else has
access. A request from the same machine gives no access either: behind a reverse proxy, every request is one.
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
from flask import Blueprint, Response, jsonify, render_template, request

from bot.domain.errors import BotError
from bot.github import manifest
from bot.web.answers import redirect_uncached, render_uncached

_LOG = logging.getLogger("bot.setup")
_COOKIE = "aios_bot_setup"
_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})?")
HOMEPAGE = "https://github.com/Tecnocrat/aios-bot"


class SetupForm(NamedTuple):
    """The fields of the set-up page that can be changed before the App is registered."""

    name: str
    organization: str  # "": the user's own account
    public_url: str  # where GitHub reaches this service; "": it cannot
    problem: str = ""  # what is wrong with a field, as the page shows it


@dataclass
class AppSetup:
    """One set-up, from the printed address to the registered App.

    `register` exchanges GitHub's code for the App's credentials, stores them, and returns the address of the page
    where the App is installed.
    """

    web_url: str  # the GitHub where the App is registered
    public_url: str
    register: Callable[[str], str]
    finished: Callable[[], None]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    name: str = field(default_factory=lambda: f"aios-bot-{secrets.token_hex(3)}")
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))  # GitHub must return it with its code
    _session: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open_session(self, token: str) -> str | None:
        """A new session when `token` is the printed one, and this is its first use; None otherwise."""
        with self._lock:
            if self._session or not _same(token, self.token):
                return None
            self._session = secrets.token_urlsafe(24)
            return self._session

    def has_session(self, session: str) -> bool:
        """Whether `session` is the open one."""
        return bool(self._session) and _same(session, self._session)

    def consume_state(self, state: str) -> bool:
        """Whether `state` is the current one; it is valid once, and the next attempt gets a new one."""
        with self._lock:
            if not _same(state, self.state):
                return False
            self.state = secrets.token_urlsafe(24)
            return True


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def make_blueprint(app_setup: AppSetup) -> Blueprint:
    """Every route of a service that has no App yet."""
    blueprint = Blueprint("setup", __name__)

    @blueprint.get("/")
    def index() -> Response:
        return redirect_uncached("/setup")

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        return jsonify(status="not ready", checks={"app": "not set up yet: see the log for the address"}), 503

    @blueprint.post("/webhook")
    def webhook() -> tuple[Response, int]:
        return jsonify(message="this bot is not set up yet"), 503

    @blueprint.get("/setup")
    def setup() -> Response:
        token = request.args.get("token", "")
        if token:
            return _open_session(app_setup, token)
        if not app_setup.has_session(request.cookies.get(_COOKIE, "")):
            return render_uncached("setup_locked.html", status=403)
        form = _read_form(app_setup)
        return render_uncached("setup.html", status=400 if form.problem else 200, **_page_values(app_setup, form))

    @blueprint.get("/setup/created")
    def created() -> Response:
        if not app_setup.has_session(request.cookies.get(_COOKIE, "")):
            return render_uncached("setup_locked.html", status=403)
        if not app_setup.consume_state(request.args.get("state", "")):
            return render_uncached(
                "setup_failed.html", status=400, problem="GitHub's answer does not belong to this set-up."
            )
        try:
            where = app_setup.register(request.args.get("code", ""))
        except BotError as problem:
            _LOG.warning("%s", problem)
            return render_uncached("setup_failed.html", status=502, problem=str(problem))
        answer = redirect_uncached(where)
        answer.call_on_close(app_setup.finished)
        return answer

    return blueprint


def make_installed_blueprint() -> Blueprint:
    """`/setup/installed`, where GitHub leads after the installation; by then the service is set up."""
    blueprint = Blueprint("setup", __name__)

    @blueprint.get("/setup/installed")
    def installed() -> str:
        return render_template("setup_installed.html")

    return blueprint


def _open_session(app_setup: AppSetup, token: str) -> Response:
    session = app_setup.open_session(token)
    if session is None:
        return render_uncached("setup_locked.html", status=403)
    answer = redirect_uncached("/setup")
    secure = request.is_secure or app_setup.public_url.lower().startswith("https://")
    answer.set_cookie(_COOKIE, session, httponly=True, samesite="Lax", secure=secure, path="/setup")
    return answer


def _read_form(app_setup: AppSetup) -> SetupForm:
    given = {name: request.args.get(name, "").strip() for name in ("name", "organization", "public_url")}
    form = SetupForm(
        name=given["name"] or app_setup.name,
        organization=given["organization"],
        public_url=(given["public_url"] if "public_url" in request.args else app_setup.public_url).rstrip("/"),
    )
    return form._replace(problem=_validate(form))


def _validate(form: SetupForm) -> str:
    if len(form.name) > manifest.LONGEST_NAME:
        return f"GitHub takes names of at most {manifest.LONGEST_NAME} characters."
    if form.organization and not _ORGANIZATION.fullmatch(form.organization):
        return "The organization is its name in GitHub's addresses, such as acme-inc."
    if form.public_url and not _is_url(form.public_url):
        return "The public address looks like https://bot.example.com."
    return ""


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        return False


def _page_values(app_setup: AppSetup, form: SetupForm) -> dict[str, object]:
    # Behind a proxy that ends TLS every request looks like plain HTTP; GitHub's code must not travel by that.
    here = app_setup.public_url.rstrip("/") or request.host_url.rstrip("/")
    # By then the service answers at its public address; a browser reaches that where GitHub does.
    home = form.public_url or here
    made = manifest.compose_manifest(
        name=form.name,
        homepage=form.public_url or HOMEPAGE,
        webhook_url=f"{form.public_url}/webhook" if form.public_url else manifest.NO_INGRESS,
        created_url=f"{here}/setup/created",
        installed_url=f"{home}/setup/installed",
        signed_in_url=f"{home}{manifest.SIGNED_IN_PATH}",
    )
    return {
        "form": form,
        "permissions": manifest.PERMISSIONS,
        "events": manifest.EVENTS,
        "github": urlsplit(app_setup.web_url).netloc,
        "action": manifest.registration_url(app_setup.web_url, organization=form.organization, state=app_setup.state),
        "manifest": msgspec.json.encode(made).decode(),
    }
