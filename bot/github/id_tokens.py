"""Verify the OIDC tokens that GitHub issues to the jobs of workflows, by the issuer's published keys.

Sources: GitHub's "OpenID Connect reference" (claims, `audience`, the issuers of github.com, of data residency and of
GitHub Enterprise Server), OpenID Connect Discovery 1.0 (where an issuer's keys are), RFC 7519. A pull request from a
fork never gets such a token, so that a job which has one runs what somebody with write permission pushed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
import requests

from bot.domain.values import Wire
from bot.settings.values import derive_html_url

_LOG = logging.getLogger(__name__)
LONGEST = 10_000  # characters of a token; GitHub's have about 1,500
LEEWAY = 30  # seconds that clocks may differ
FRESH = 3600  # seconds for which the issuer's keys count as read
PAUSE = 30  # seconds between two readings of them: anybody can send a token that names an unknown key
_TIMEOUTS = (3, 5)  # seconds
_LARGEST = 200_000  # bytes of what an issuer publishes
_REQUIRED = ("iss", "aud", "exp", "iat", "nbf", "repository")


def derive_issuer(api_url: str) -> str:
    """Who issues the tokens of jobs on the GitHub whose API is at `api_url`."""
    web = derive_html_url(api_url)
    host = urlsplit(web).netloc
    if host == "github.com":
        return "https://token.actions.githubusercontent.com"
    if host.endswith(".ghe.com"):
        return f"https://token.actions.{host}"
    return f"{web}/_services/token"


class _Discovery(Wire, frozen=True):
    issuer: str
    jwks_uri: str


class _Keys(Wire, frozen=True):
    keys: tuple[dict[str, Any], ...]


class IdTokens:
    """Checks tokens of one issuer for one audience. Safe between threads."""

    def __init__(self, issuer: str, audience: str, now: Callable[[], float] = time.time) -> None:
        """`audience`: this service's address, as a job requests its token for it. `now`: in seconds."""
        self._issuer = issuer
        self._audience = audience
        self._now = now
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def find_repository(self, token: str) -> str | None:
        """The repository whose job has this token, in lower case; None when it is none of this issuer's for us."""
        try:
            header = jwt.get_unverified_header(token) if len(token) <= LONGEST else {}
            claimed = jwt.decode(token, options={"verify_signature": False}) if header else {}
            if header.get("alg") != "RS256" or claimed.get("iss") != self._issuer:
                return None
            key = self._find_key(str(header.get("kid", "")))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": list(_REQUIRED)},
            )
        except (jwt.PyJWTError, ValueError) as problem:
            _LOG.info("a job's token is refused: %s", problem)
            return None
        repository = claims["repository"]
        return repository.lower() if isinstance(repository, str) and repository else None

    def _find_key(self, kid: str) -> jwt.PyJWK | None:
        with self._lock:
            age = self._now() - self._read_at
            if age >= FRESH or (kid not in self._keys and age >= PAUSE):
                self._read_at = self._now()
                try:
                    self._keys = self._read_keys()
                except (requests.RequestException, msgspec.DecodeError, jwt.PyJWTError, ValueError) as problem:
                    _LOG.warning("cannot read the keys of %s: %s", self._issuer, problem)
            return self._keys.get(kid)

    def _read_keys(self) -> dict[str, jwt.PyJWK]:
        found = msgspec.json.decode(_read(f"{self._issuer}/.well-known/openid-configuration"), type=_Discovery)
        own, theirs = urlsplit(self._issuer), urlsplit(found.jwks_uri)
        if found.issuer != self._issuer or (own.scheme, own.netloc) != (theirs.scheme, theirs.netloc):
            raise ValueError(f"it calls itself {found.issuer[:200]!r}, with keys at {found.jwks_uri[:200]!r}")
        keys = msgspec.json.decode(_read(found.jwks_uri), type=_Keys).keys
        signing = (key for key in keys if key.get("kty") == "RSA" and key.get("use", "sig") == "sig")
        return {str(key.get("kid", "")): jwt.PyJWK(key, algorithm="RS256") for key in signing}


def _read(url: str) -> bytes:
    with requests.get(url, timeout=_TIMEOUTS, allow_redirects=False, stream=True) as answer:
        if answer.status_code != 200:
            raise ValueError(f"{url} answers {answer.status_code}")
        content = answer.raw.read(_LARGEST, decode_content=True)
    return bytes(content)
