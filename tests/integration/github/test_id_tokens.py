"""The OIDC tokens of workflow jobs, as the embedded GitHub issues them: which count, and for which repository."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.github.id_tokens import FRESH, PAUSE, IdTokens, derive_issuer
from sandbox.github import EmbeddedGitHub

FLEET, AUDIENCE = "Acme/Fleet", "https://bot.example"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class World(NamedTuple):
    hub: EmbeddedGitHub
    clock: Clock
    tokens: IdTokens

    def issue(self, audience: str = AUDIENCE, **claims: object) -> str:
        return self.hub.issue_id_token(FLEET, audience, **claims)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with EmbeddedGitHub(tmp_path) as hub:
        hub.start()
        hub.create_repository(FLEET, private=True)
        clock = Clock()
        yield World(hub, clock, IdTokens(derive_issuer(f"{hub.url}/api/v3"), AUDIENCE, clock))


@pytest.mark.parametrize(
    ("api", "issuer"),
    [
        ("https://api.github.com", "https://token.actions.githubusercontent.com"),
        ("https://api.acme.ghe.com", "https://token.actions.acme.ghe.com"),
        ("https://github.acme.example/api/v3", "https://github.acme.example/_services/token"),
    ],
)
def test_the_issuer_is_where_github_documents_it(api: str, issuer: str) -> None:
    assert derive_issuer(api) == issuer


def test_a_job_that_may_request_a_token_is_its_repository(world: World) -> None:
    address = f"{world.hub.url}/_services/id-token"
    may = world.hub.new_job_token(FLEET, {"id-token": "write"})
    answer = requests.get(
        address, params={"audience": AUDIENCE}, headers={"Authorization": f"bearer {may}"}, timeout=10
    )
    assert world.tokens.find_repository(answer.json()["value"]) == "acme/fleet"
    may_not = world.hub.new_job_token(FLEET, {"contents": "read"})
    for token, status in ((may_not, 403), ("ghs_none", 401), (world.hub.create_user("anna"), 403)):
        refused = requests.get(address, headers={"Authorization": f"bearer {token}"}, timeout=10)
        assert refused.status_code == status
    assert (
        world.tokens.find_repository(
            requests.get(address, headers={"Authorization": f"bearer {may}"}, timeout=10).json()["value"]
        )
        is None
    ), "without an audience it is for the owner's page"


def test_a_token_for_somebody_else_by_somebody_else_or_too_old_does_not_count(world: World) -> None:
    now = int(time.time())
    assert world.tokens.find_repository(world.issue()) == "acme/fleet"
    wrong = {
        "another audience": world.issue("https://other.example"),
        "another issuer": world.issue(iss="https://token.actions.githubusercontent.com"),
        "ended": world.issue(exp=now - 60),
        "not yet": world.issue(nbf=now + 120, iat=now + 120),
        "no repository": world.issue(repository=""),
        "a list of repositories": world.issue(repository=["acme/fleet"]),
        "no token": "a.b.c",
        "empty": "",
        "too long": world.issue(filler="x" * 10_000),
    }
    assert {name: world.tokens.find_repository(token) for name, token in wrong.items()} == dict.fromkeys(wrong)


def test_only_the_issuers_own_rsa_signature_counts(world: World) -> None:
    good = world.issue()
    header, claims, signature = good.split(".")
    kid = jwt.get_unverified_header(good)["kid"]
    body = jwt.decode(good, options={"verify_signature": False})
    keys = requests.get(f"{world.hub.url}/_services/token/.well-known/jwks", timeout=10).json()["keys"]

    def encode(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    forged = {
        "another key": jwt.encode(body, rsa.generate_private_key(65537, 2048), "RS256", headers={"kid": kid}),
        "the public key as a password": jwt.encode(body, keys[0]["n"], "HS256", headers={"kid": kid}),
        "unsigned": f"{encode({'alg': 'none', 'kid': kid})}.{claims}.",
        "other claims": f"{header}.{encode({**body, 'repository': 'acme/other'})}.{signature}",
        "no key's name": jwt.encode(body, rsa.generate_private_key(65537, 2048), "RS256"),
    }
    assert {name: world.tokens.find_repository(token) for name, token in forged.items()} == dict.fromkeys(forged)


def test_keys_are_rotated_and_an_unknown_one_is_looked_for_once_in_a_while(world: World) -> None:
    old = world.issue()
    assert world.tokens.find_repository(old) == "acme/fleet"
    world.hub.rotate_id_token_keys()
    new = world.issue()
    assert world.tokens.find_repository(new) is None, "the keys were read a moment ago"
    world.clock.now += PAUSE
    assert world.tokens.find_repository(new) == "acme/fleet"
    assert world.tokens.find_repository(old) == "acme/fleet", "still published"
    world.hub.rotate_id_token_keys()
    world.clock.now += FRESH
    assert world.tokens.find_repository(old) is None, "not published any more"
    assert world.tokens.find_repository(new) == "acme/fleet"


def test_an_issuer_that_does_not_answer_lets_nobody_in(world: World) -> None:
    token = world.issue()
    world.hub.stop()
    world.hub.url = ""
    assert world.tokens.find_repository(token) is None
