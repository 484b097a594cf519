"""A user authorises an App: GitHub's pages for it, the exchange of the code, the token, and its end.

Source: GitHub's "Generating a user access token for a GitHub App", "Troubleshooting OAuth app access token request
errors" and "Troubleshooting authorization request errors": refusals of the exchange come with HTTP status 200.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Flask, Response, redirect, render_template, request

from sandbox import access, pages
from sandbox.api import Api, ApiResponse, Context, Route
from sandbox.app_records import AppRecord, Token
from sandbox.records import User
from sandbox.state import ApiError, State

CODE_LIFETIME = 600  # seconds
TOKEN_LIFETIME = 8 * 3600  # seconds
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass
class AuthorizationCode:
    """What a code was given for. It works once."""

    app: AppRecord
    user: User
    redirect_uri: str
    challenge: str  # PKCE's, S256; "" when the App sent none
    expires: float


def _app_of(api: Api, client_id: str) -> AppRecord:
    for app in api.state.apps.values():
        if client_id and app.client_id == client_id:
            return app
    raise ApiError(404, "Not Found")


def _is_callback(app: AppRecord, address: str) -> bool:
    """Whether `address` is one of the App's callback URLs or below it; on loopback any port will do."""
    asked = urlsplit(address)
    for one in app.callback_urls:
        own = urlsplit(one)
        same_host = asked.netloc == own.netloc or (asked.hostname == own.hostname and own.hostname in _LOOPBACK)
        below = asked.path == own.path or asked.path.startswith(own.path.rstrip("/") + "/")
        if asked.scheme == own.scheme and same_host and below:
            return True
    return False


def _with_query(url: str, **query: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query.items()])))


def _refuse(address: str, error: str, description: str) -> Response:
    query = {"error": error, "error_description": description, "state": request.values.get("state", "")}
    return redirect(_with_query(address, **query), 302)  # type: ignore[return-value]  # werkzeug's, which is Flask's


def _show_authorize(api: Api) -> Any:
    app = _app_of(api, request.args.get("client_id", ""))
    back = request.args.get("redirect_uri", "") or next(iter(app.callback_urls), "")
    if not app.callback_urls:
        raise ApiError(404, "The App has no callback URL")
    if not _is_callback(app, back):
        words = "The redirect_uri MUST match the registered callback URL for this application."
        return _refuse(app.callback_urls[0], "redirect_uri_mismatch", words)
    challenge = request.args.get("code_challenge", "")
    if challenge and request.args.get("code_challenge_method", "") != "S256":
        raise ApiError(400, "code_challenge_method must be S256")
    user = api.state.user(api.state.browsing)
    if (app.id, user.id) in api.state.authorized:
        return _lead_back(api, app, user, back, challenge)
    return render_template("authorize.html", app=app, user=user, back=back, fields=dict(request.args))


def _authorize(api: Api) -> Any:
    app, user = _app_of(api, request.form.get("client_id", "")), api.state.user(api.state.browsing)
    back = request.form.get("redirect_uri", "") or app.callback_urls[0]
    if not _is_callback(app, back):
        raise ApiError(404, "Not Found")
    if request.form.get("authorize") != "1":
        return _refuse(back, "access_denied", "The user has denied your application access.")
    api.state.authorized.add((app.id, user.id))
    return _lead_back(api, app, user, back, request.form.get("code_challenge", ""))


def _lead_back(api: Api, app: AppRecord, user: User, back: str, challenge: str) -> Any:
    code, now = secrets.token_hex(10), api.state.behaviours.clock()
    api.state.authorization_codes[code] = AuthorizationCode(app, user, back, challenge, now + CODE_LIFETIME)
    return redirect(_with_query(back, code=code, state=request.values.get("state", "")), 302)


def _exchange(api: Api) -> Any:
    body = request.get_json(silent=True) if request.is_json else None
    given = body if isinstance(body, dict) else {**request.args, **request.form}
    try:
        app = _app_of(api, str(given.get("client_id", "")))
    except ApiError:
        return _answer({"error": "Not Found"}, 404)
    problem, found = _judge(api.state, app, {name: str(value) for name, value in given.items()})
    if found is None:
        about = f"{api.shapes.url}/docs/troubleshooting-oauth-app-access-token-request-errors"
        return _answer({"error": problem, "error_description": _WORDS[problem], "error_uri": about})
    text = f"ghu_{secrets.token_hex(18)}"
    expires = api.state.behaviours.clock() + TOKEN_LIFETIME
    api.state.tokens[text] = Token(found.user, {}, frozenset(), expires, authorized_by=app)
    refresh = {"refresh_token": f"ghr_{secrets.token_hex(38)}", "refresh_token_expires_in": 15897600}
    answer = {"access_token": text, "expires_in": TOKEN_LIFETIME, **refresh, "scope": "", "token_type": "bearer"}
    return _answer(answer)


_WORDS = {
    "incorrect_client_credentials": "The client_id and/or client_secret passed are incorrect.",
    "bad_verification_code": "The code passed is incorrect or expired.",
    "redirect_uri_mismatch": "The redirect_uri MUST match the registered callback URL for this application.",
}


def _judge(state: State, app: AppRecord, given: dict[str, str]) -> tuple[str, AuthorizationCode | None]:
    if not secrets.compare_digest(given.get("client_secret", "").encode(), app.client_secret.encode()):
        return "incorrect_client_credentials", None
    code = state.authorization_codes.pop(given.get("code", ""), None)
    if code is None or code.app is not app or code.expires < state.behaviours.clock():
        return "bad_verification_code", None
    if code.challenge and _challenge(given.get("code_verifier", "")) != code.challenge:
        return "bad_verification_code", None
    if given.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
        return "redirect_uri_mismatch", None
    return "", code


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _answer(fields: dict[str, Any], status: int = 200) -> Response:
    """JSON for whoever asks for just that; a form else, as GitHub answers by default."""
    if request.headers.get("Accept") == "application/json":
        return Response(json.dumps(fields), status=status, content_type="application/json; charset=utf-8")
    return Response(urlencode(fields), status=status, content_type="application/x-www-form-urlencoded; charset=utf-8")


def register(flask: Flask, api: Api) -> None:
    """Serve the pages and the exchange."""
    for rule, method, show, anywhere in (
        ("/login/oauth/authorize", "GET", _show_authorize, False),
        ("/login/oauth/authorize", "POST", _authorize, False),
        ("/login/oauth/access_token", "POST", _exchange, True),
    ):
        shown = pages.view(api, rule, show, from_anywhere=anywhere)
        flask.add_url_rule(rule, f"{method} {rule}", shown, methods=[method])


def revoke(api: Api, app: AppRecord, user: User) -> None:
    """End all that `user` allowed `app`, and send the webhook, which every App gets."""
    state = api.state
    state.authorized.discard((app.id, user.id))
    held = [text for text, token in state.tokens.items() if token.authorized_by is app and token.user is user]
    for text in held:
        del state.tokens[text]
    payload = {"sender": api.shapes.user(user)}
    api.webhooks.emit_to_app(app, "github_app_authorization", payload, action="revoked")


def get_user(context: Context) -> Any:
    """public-user: all that a token without a scope shows."""
    if context.user.kind == "Bot":
        raise ApiError(403, "Resource not accessible by integration")
    account = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    at = {"created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}
    return context.shapes.user(context.user) | account | {"blog": ""} | counts | at


def delete_token(context: Context, client_id: str) -> Any:
    """End one token of an App, whose identity and secret come as HTTP Basic."""
    given = request.authorization
    app = next((one for one in context.state.apps.values() if one.client_id == client_id), None)
    if app is None or given is None or (given.username, given.password) != (app.client_id, app.client_secret):
        raise ApiError(404, "Not Found")
    (text,) = context.need("access_token")
    token = context.state.tokens.get(str(text))
    if token is None or token.authorized_by is not app:
        raise ApiError(422, "Validation Failed")
    del context.state.tokens[str(text)]
    return ApiResponse(204)


ROUTES = [
    Route("GET", "/user", get_user, None, "read"),
    Route("DELETE", "/applications/{client_id}/token", delete_token, access.BASIC, "write"),
]
