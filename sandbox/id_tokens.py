"""Issue OIDC tokens to the jobs of workflows, and publish the keys that they are signed with.

Source: GitHub's "OpenID Connect reference": a job with `permissions: id-token: write` requests a token by
ACTIONS_ID_TOKEN_REQUEST_URL for an audience; it is signed by RS256 and counts for five minutes. The issuer is as on
GitHub Enterprise Server. Keys are rotated: those of before are published for a while.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, Response, request

from sandbox import access
from sandbox.api import Api, as_json
from sandbox.records import Repo
from sandbox.state import State

ISSUER = "/_services/token"
REQUEST = "/_services/id-token"  # of ACTIONS_ID_TOKEN_REQUEST_URL
LIFETIME = 300  # seconds
PUBLISHED = 2  # keys: the one that signs, and the one before


@dataclass
class SigningKey:
    """One key of the issuer."""

    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    kid: str = field(default_factory=lambda: secrets.token_hex(16).upper())

    @property
    def public(self) -> dict[str, Any]:
        """The key as the issuer publishes it."""
        known = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key()))
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid, "n": known["n"], "e": known["e"]}


def rotate(state: State) -> None:
    """Sign with a new key from now on; the one before is published still, older ones are not."""
    state.id_token_keys = [SigningKey(), *state.id_token_keys][:PUBLISHED]


def issue(state: State, repo: Repo, audience: str, *, issuer: str, claims: Mapping[str, object]) -> str:
    """A token for a job of the repository's default branch; `claims` replace what it would say."""
    if not state.id_token_keys:
        rotate(state)
    now, key = int(time.time()), state.id_token_keys[0]
    ref = f"refs/heads/{repo.default_branch}"
    owner = repo.full_name.partition("/")[0]
    own = {
        "jti": secrets.token_hex(16),
        "sub": f"repo:{repo.full_name}:ref:{ref}",
        "aud": audience or f"{issuer.removesuffix(ISSUER)}/{owner}",
        "ref": ref,
        "repository": repo.full_name,
        "repository_owner": owner,
        "repository_visibility": "private" if repo.private else "public",
        "event_name": "workflow_dispatch",
        "runner_environment": "self-hosted",
        "iss": issuer,
        "nbf": now - 600,
        "exp": now + LIFETIME,
        "iat": now,
    }
    return jwt.encode(own | dict(claims), key.private, algorithm="RS256", headers={"kid": key.kid})


def register(flask: Flask, api: Api) -> None:
    """The issuer's documents, and where a job requests its token."""

    @flask.get(f"{ISSUER}/.well-known/openid-configuration")
    def configuration() -> Response:
        issuer = f"{api.shapes.url}{ISSUER}"
        return as_json(
            200,
            {
                "issuer": issuer,
                "jwks_uri": f"{issuer}/.well-known/jwks",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public", "pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid"],
            },
        )

    @flask.get(f"{ISSUER}/.well-known/jwks")
    def keys() -> Response:
        with api.state.lock:
            return as_json(200, {"keys": [key.public for key in api.state.id_token_keys]})

    @flask.get(REQUEST)
    def request_token() -> Response:
        """A token for the job whose own token is sent; without `id-token: write` there is none."""
        with api.state.lock:
            sent = access.read_credential(request.headers.get("Authorization", ""))
            token = api.state.tokens.get(sent)
            allowed = token is not None and token.job and (token.permissions or {}).get("id-token") == "write"
            if token is None or not allowed or not token.repositories:
                return as_json(401 if token is None else 403, {"message": "Resource not accessible by integration"})
            repo = api.state.repo(min(token.repositories))
            audience = request.args.get("audience", "")
            return as_json(
                200, {"value": issue(api.state, repo, audience, issuer=f"{api.shapes.url}{ISSUER}", claims={})}
            )
