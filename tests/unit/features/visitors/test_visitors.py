"""Sessions are kept as hashes and end; GitHub's answers count for five minutes; a revocation ends all sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.errors import BotError
from bot.domain.events import AuthorizationRevoked
from bot.domain.names import BranchName, InstallationId, RepoName, SubmodulePath
from bot.domain.verdicts import Permission
from bot.features.fleets.facts import Pinned
from bot.features.fleets.store import PinStore
from bot.features.visitors import store as module
from bot.features.visitors.facts import Person, Sight, VisibleFleet
from bot.features.visitors.jobs import EndSessions
from bot.features.visitors.read import LASTS, RepositoryAccess, Sights
from bot.features.visitors.store import SESSIONS, SessionStore
from bot.github.events import parse_event
from bot.service.database import open_store
from bot.service.router import route
from bot.storage.store import Store, now_ms

ANNA, BERT = Person(id=1, login="anna"), Person(id=2, login="bert")
FLEET = RepoName("Tecnocrat/aios-win")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    yield made
    made.close()


def pin(fleet: RepoName = FLEET, base: str = "main", *, for_readers: bool = False) -> Pinned:
    return Pinned(
        fleet=fleet,
        installation=InstallationId(7),
        base=BranchName(base),
        default_branch=BranchName("main"),
        submodule=SubmodulePath("server"),
        upstream=RepoName("Tecnocrat/server"),
        tracked=BranchName("main"),
        waits_for_checks=False,
        page_for_readers=for_readers,
    )


def test_a_session_is_whoever_opened_it_until_it_ends(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = SessionStore(store)
    first, second, other = sessions.open(ANNA), sessions.open(ANNA), sessions.open(BERT)
    assert [sessions.find(one) for one in (first, second, other)] == [ANNA, ANNA, BERT]
    assert sessions.find("") is None
    with store.reading() as connection:
        kept = str(connection.execute(sa.select(SESSIONS)).all())
    assert first not in kept
    sessions.end(first)
    assert [sessions.find(one) for one in (first, second, other)] == [None, ANNA, BERT]
    sessions.end_all(ANNA.id)
    assert [sessions.find(one) for one in (second, other)] == [None, BERT]
    later = now_ms() + 8 * 3_600_000
    monkeypatch.setattr(module, "now_ms", lambda: later)
    assert sessions.find(other) is None


def test_a_revocation_comes_without_an_installation_and_ends_the_sessions_of_its_sender(store: Store) -> None:
    body = json.dumps({"action": "revoked", "sender": {"login": "anna", "id": 1}}).encode()
    event = parse_event("github_app_authorization", body)
    assert event == AuthorizationRevoked(person=1)
    assert isinstance(event, AuthorizationRevoked)
    assert route(event, PinStore(store).snapshot()) == (EndSessions(person=1),)
    assert not isinstance(parse_event("github_app_authorization", b'{"action": "revoked"}'), AuthorizationRevoked)


class Asked:
    """GitHub's answers, and how often each fleet was asked about."""

    def __init__(self, answer: RepositoryAccess | BotError) -> None:
        self.answer, self.count, self.now = answer, 0, 1000.0

    def __call__(self, _fleet: VisibleFleet, _person: Person) -> RepositoryAccess:
        self.count += 1
        if isinstance(self.answer, BotError):
            raise self.answer
        return self.answer


def test_an_answer_of_github_counts_for_five_minutes_for_one_person(store: Store) -> None:
    pins = PinStore(store)
    pins.replace_pins(FLEET, [pin()])
    asked = Asked(RepositoryAccess(private=True, permission=Permission.READ))
    sights = Sights(pins, asked, lambda: asked.now)
    fleet = sights.find_fleet("tecnocrat/AIOS-win")
    one = pin()
    assert fleet == VisibleFleet(
        name=FLEET, installation=7, for_readers=False, pins=frozenset({(one.base, one.submodule)})
    )
    assert not sights.is_known(ANNA, fleet)
    assert sights.may_see(ANNA, fleet, Sight.FLEET)
    assert sights.is_known(ANNA, fleet)
    assert not sights.may_see(ANNA, fleet, Sight.LOGS)
    assert asked.count == 1
    assert sights.may_see(BERT, fleet, Sight.FLEET)
    assert asked.count == 2
    asked.answer = RepositoryAccess(private=True, permission=Permission.NONE)
    asked.now += LASTS - 1
    assert sights.may_see(ANNA, fleet, Sight.FLEET)
    asked.now += 1
    assert not sights.may_see(ANNA, fleet, Sight.FLEET)
    assert sights.find_fleet("Tecnocrat/other") is None


def test_what_cannot_be_read_is_not_seen_and_asked_again(store: Store) -> None:
    pins = PinStore(store)
    pins.replace_pins(FLEET, [pin()])
    asked = Asked(BotError("down"))
    sights = Sights(pins, asked, lambda: 0.0)
    (fleet,) = sights.fleets()
    assert [sights.may_see(ANNA, fleet, Sight.FLEET) for _ in range(2)] == [False, False]
    assert asked.count == 2


def test_a_page_is_for_readers_only_if_every_base_says_so(store: Store) -> None:
    pins = PinStore(store)
    pins.replace_pins(FLEET, [pin(for_readers=True), pin(base="next")])
    sights = Sights(pins, Asked(BotError("")), lambda: 0.0)
    assert [one.for_readers for one in sights.fleets()] == [False]
    pins.replace_pins(FLEET, [pin(for_readers=True), pin(base="next", for_readers=True)])
    assert [one.for_readers for one in sights.fleets()] == [True]
