"""Let a person sign in with GitHub: the App's user authorisation, without keeping the token that it gives.

Source: GitHub's "Generating a user access token for a GitHub App" (web application flow, PKCE with S256).
"""

from __future__ import annotations

import base64
import hashlib
import logging
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import msgspec
import requests

from bot.domain.errors import BotError
from bot.domain.values import Value, Wire
from bot.github.app import App, connect, connect_by_secret
from bot.github.connection.transport import HttpTransport, PyGithubSender
from bot.settings.values import Secret

_LOG = logging.getLogger(__name__)
_JSON = {"Accept": "application/json"}  # without it the answer is a form


class SignInRefused(BotError):  # noqa: N818 - it says what happened
    """GitHub gave no token for the code. Most times it is too old, was used before, or is another browser's."""


class SignedIn(Value, frozen=True):
    """Who signed in."""

    id: int
    login: str


class _Exchanged(Wire, frozen=True):
    """GitHub's answer, an error too with HTTP status 200."""

    access_token: str = ""
    error: str = ""
    error_description: str = ""


class _User(Wire, frozen=True):
    id: int
    login: str


class _Registered(Wire, frozen=True):
    client_id: str = ""


def derive_challenge(verifier: str) -> str:
    """PKCE's S256 challenge of a verifier (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


@dataclass
class SignIn:
    """The App as people sign in with it. `web_url` is where GitHub's own pages are."""

    app: App
    web_url: str
    client_secret: Secret
    _client_id: str = ""

    def authorize_url(self, *, state: str, verifier: str, back_to: str) -> str:
        """GitHub's page that asks the person; it sends the browser to `back_to` with a code and `state`."""
        query = {
            "client_id": self._read_client_id(),
            "redirect_uri": back_to,
            "state": state,
            "code_challenge": derive_challenge(verifier),
            "code_challenge_method": "S256",
        }
        return f"{self.web_url}/login/oauth/authorize?{urlencode(query)}"

    def identify(self, code: str, *, verifier: str, back_to: str) -> SignedIn:
        """Who the person is, by a code that GitHub gave. The token for it is used once, and revoked.

        Raises SignInRefused, and BotError when GitHub does not answer.
        """
        token = self._exchange(code, verifier=verifier, back_to=back_to)
        try:
            user = connect(self.app.api_url, token).get("/user", _User)
        finally:
            self._revoke(token)
        return SignedIn(id=user.id, login=user.login)

    def _exchange(self, code: str, *, verifier: str, back_to: str) -> str:
        body = {
            "client_id": self._read_client_id(),
            "client_secret": self.client_secret.reveal(),
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": back_to,
        }
        sender = PyGithubSender(HttpTransport(self.web_url), None)
        try:
            answer = sender.send("POST", "/login/oauth/access_token", parameters={}, headers=_JSON, body=body)
            found = msgspec.json.decode(answer.text, type=_Exchanged)
        except (requests.RequestException, ConnectionError, msgspec.MsgspecError) as problem:
            raise BotError(f"GitHub did not answer ({type(problem).__name__}): try again") from None
        if answer.status != 200 or not found.access_token:
            reason = found.error or f"HTTP {answer.status}"
            _LOG.warning("nobody signed in: %s (%s)", reason[:100], found.error_description[:200])
            raise SignInRefused(_REFUSALS.get(found.error, f"GitHub refused ({reason[:60]}): try again"))
        return found.access_token

    def _revoke(self, token: str) -> None:
        """Have GitHub forget the token; where that fails it ends by itself after eight hours, kept by nobody."""
        client = connect_by_secret(self.app.api_url, self._read_client_id(), self.client_secret.reveal())
        try:
            path = f"/applications/{quote(self._read_client_id(), safe='')}/token"
            client.send("DELETE", path, {"access_token": token})
        except BotError as problem:
            _LOG.warning("a user's token was not revoked and ends by itself: %s", problem)

    def _read_client_id(self) -> str:
        if not self._client_id:
            self._client_id = self.app.client().get("/app", _Registered).client_id
        return self._client_id


_REFUSALS = {
    "bad_verification_code": "GitHub's code was used before, is too old, or is another browser's: sign in again",
    "incorrect_client_credentials": "GitHub does not accept this service's client secret: its operator sets "
    "GITHUB_CLIENT_SECRET to a new one of the App's settings",
    "redirect_uri_mismatch": "the App does not list this service's address among its callback URLs: its operator "
    "adds it in the App's settings",
}
