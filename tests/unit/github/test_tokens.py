"""Installation tokens: what is requested, what is tried when GitHub refuses it, and how long one serves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from bot.domain.names import InstallationId, RepoName
from bot.github.connection.tokens import MARGIN, Scope, Token, Tokens
from bot.observability.log import forget_secret, hide_secrets

SEVEN = InstallationId(7)
ONE, TWO, FOREIGN = RepoName("Acme/one"), RepoName("acme/two"), RepoName("elsewhere/public")
RIGHTS = (("contents", "write"), ("metadata", "read"))


def test_only_repositories_of_the_installations_account_are_named() -> None:
    scope = Scope(SEVEN, (ONE, FOREIGN, TWO), RIGHTS)
    assert scope.body() == {
        "repositories": ["one", "two"],
        "permissions": {"contents": "write", "metadata": "read"},
    }
    assert Scope(SEVEN).body() == {}


def test_only_repositories_that_are_not_the_installations_are_given_up() -> None:
    scope = Scope(SEVEN, (ONE, FOREIGN, TWO), RIGHTS)
    assert scope.only(["ACME/one", "acme/two", "acme/three"]) == Scope(SEVEN, (ONE, TWO), RIGHTS)
    assert scope.only([]) == Scope(SEVEN, (), RIGHTS)


class Source:
    """Gives tokens that live for `life` seconds."""

    def __init__(self, life: float) -> None:
        self.life = life
        self.given: list[str] = []
        self._numbers = count()

    def __call__(self, _scope: Scope) -> Token:
        token = f"ghs_{'t' * 40}{next(self._numbers)}"
        self.given.append(token)
        return Token(token, datetime.fromtimestamp(time.time() + self.life, UTC))


@pytest.fixture
def hour() -> Iterator[Source]:
    source = Source(3600)
    yield source
    for token in source.given:
        forget_secret(token)


def test_a_token_serves_its_scope_alone_and_is_hidden(hour: Source) -> None:
    tokens = Tokens(hour)
    wide, narrow = Scope(SEVEN), Scope(SEVEN, (ONE,))
    assert tokens.get(wide) == tokens.get(wide) == hour.given[0]
    assert tokens.get(narrow) == hour.given[1]
    assert len(hour.given) == 2
    assert hour.given[0] not in hide_secrets(f"x {hour.given[0]} y")


def test_a_token_that_soon_expires_is_replaced() -> None:
    source = Source(MARGIN - 1)
    tokens = Tokens(source)
    assert tokens.get(Scope(SEVEN)) != tokens.get(Scope(SEVEN))
    for token in source.given:
        forget_secret(token)


def test_what_is_forgotten_is_requested_again(hour: Source) -> None:
    tokens = Tokens(hour)
    wide, narrow, other = Scope(SEVEN), Scope(SEVEN, (ONE,)), Scope(InstallationId(8))
    first = [tokens.get(scope) for scope in (wide, narrow, other)]
    tokens.forget_all(SEVEN)
    assert [tokens.get(scope) == token for scope, token in zip((wide, narrow, other), first, strict=True)] == [
        False,
        False,
        True,
    ]
    second = tokens.get(narrow)
    tokens.forget(narrow)
    assert tokens.get(narrow) != second
