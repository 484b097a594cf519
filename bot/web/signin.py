"""/sign-in and /sign-out: a person signs in with GitHub, and gets a session of this service's own.

GitHub's code comes back with the state and for the PKCE verifier that this browser's cookie holds; the person's
token is used once and kept by nobody. docs/howto/sign-in.md.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, request

from bot.domain.errors import BotError
from bot.features.visitors.facts import Person
from bot.features.visitors.store import LASTS_MS
from bot.github.endpoints.authorization import SignIn
from bot.github.manifest import SIGNED_IN_PATH
from bot.settings.values import LOOPBACK_NAMES
from bot.web.answers import redirect_uncached, render_uncached
from bot.web.guard import Guard, own_path

_LOG = logging.getLogger("bot.web")
ATTEMPT_SECONDS = 600
_UNPREPARED = (
    "Nobody can sign in yet: the App's client secret is missing here. Its operator makes one in the App's settings "
    "on GitHub and sets GITHUB_CLIENT_SECRET; `aios-bot check` says the rest."
)
_NO_ADDRESS = "Nobody can sign in at this address: the service's operator sets AIOS_BOT_PUBLIC_URL to it."


def make_blueprint(guard: Guard, sign_in: SignIn | None, *, public_url: str) -> Blueprint:
    """The routes of sign-in; without `sign_in` (no client secret) they say what is missing."""
    blueprint = Blueprint("signin", __name__)
    attempt_cookie = "__Host-aios_bot_attempt" if guard.secure else "aios_bot_attempt"

    @blueprint.get("/sign-in")
    def ask() -> Response:
        after = own_path(request.args.get("next", ""))
        if guard.find_visitor() is not None:
            return redirect_uncached(after)
        problem = _UNPREPARED if sign_in is None else "" if _back_to(public_url) else _NO_ADDRESS
        start = f"/sign-in/github?{urlencode({'next': after})}"
        return render_uncached("sign_in.html", status=503 if problem else 200, start=start, problem=problem)

    @blueprint.get("/sign-in/github")
    def start() -> Response:
        back_to = _back_to(public_url)
        if sign_in is None or not back_to:
            return _failed(_UNPREPARED if sign_in is None else _NO_ADDRESS, 503)
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        try:
            where = sign_in.authorize_url(state=state, verifier=verifier, back_to=back_to)
        except BotError as problem:
            _LOG.warning("nobody can sign in: %s", problem)
            return _failed("GitHub does not answer this service at the moment. Try again in a minute.", 502)
        answer = redirect_uncached(where)
        attempt = " ".join((state, verifier, own_path(request.args.get("next", ""))))
        _set_cookie(answer, attempt_cookie, attempt, secure=guard.secure, seconds=ATTEMPT_SECONDS)
        return answer

    @blueprint.get(SIGNED_IN_PATH)
    def signed_in() -> Response:
        state, verifier, after = _read_attempt(request.cookies.get(attempt_cookie, ""))
        if not state or not hmac.compare_digest(state.encode(), request.args.get("state", "").encode()):
            return _failed("This answer of GitHub's does not belong to this browser, or came too late.", 400)
        if request.args.get("error"):
            return _end_cookie(_failed(_refusal(request.args["error"]), 400), attempt_cookie, secure=guard.secure)
        if sign_in is None:
            return _failed(_UNPREPARED, 503)
        try:
            who = sign_in.identify(request.args.get("code", ""), verifier=verifier, back_to=_back_to(public_url))
        except BotError as problem:
            return _end_cookie(_failed(f"{problem}.", 502), attempt_cookie, secure=guard.secure)
        guard.sessions.end(request.cookies.get(guard.cookie, ""))
        answer = redirect_uncached(own_path(after))
        secret = guard.sessions.open(Person(id=who.id, login=who.login))
        _set_cookie(answer, guard.cookie, secret, secure=guard.secure, seconds=LASTS_MS // 1000)
        _LOG.info("%s signed in", who.login)
        return _end_cookie(answer, attempt_cookie, secure=guard.secure)

    @blueprint.post("/sign-out")
    def sign_out() -> Response:
        guard.require_form_token()
        guard.sessions.end(request.cookies.get(guard.cookie, ""))
        return _end_cookie(redirect_uncached("/"), guard.cookie, secure=guard.secure)

    return blueprint


def _back_to(public_url: str) -> str:
    """Where GitHub leads back to; "" when the service does not know its own address. Never a stranger's Host."""
    if public_url:
        return public_url + SIGNED_IN_PATH
    try:
        name = urlsplit(f"//{request.host}").hostname
    except ValueError:
        return ""
    return f"http://{request.host}{SIGNED_IN_PATH}" if name in LOOPBACK_NAMES else ""


def _read_attempt(text: str) -> tuple[str, str, str]:
    parts = text.split(" ")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")


def _refusal(error: str) -> str:
    if error == "access_denied":
        return "You did not authorise the App, so nobody signed in."
    if error == "redirect_uri_mismatch":
        return "The App does not list this service's address among its callback URLs: its operator adds it on GitHub."
    return "GitHub did not let you sign in. Try again."


def _set_cookie(answer: Response, name: str, value: str, *, secure: bool, seconds: int) -> None:
    answer.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="Lax")


def _end_cookie(answer: Response, name: str, *, secure: bool) -> Response:
    """A browser takes no change of a `__Host-` cookie that is not Secure, also not its end."""
    answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
    return answer


def _failed(problem: str, status: int) -> Response:
    return render_uncached("sign_in.html", status=status, start="/sign-in/github", problem=problem)
