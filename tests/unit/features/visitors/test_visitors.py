"""Sessions are kept as hashes and end; GitHub's answers count for five minutes; a revocation ends all sessions."""

from __future__ import annotations

import json
import threading
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
from bot.features.visitors.questions import AT_ONCE, FAILED_FOR, LASTS, MOST_OF_ONE, RepositoryAccess
from bot.features.visitors.read import NotAnsweredYet, Sights
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
    assert sights.may_see(ANNA, fleet, Sight.FLEET)
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


def test_what_cannot_be_read_is_not_seen_and_asked_again_after_a_while(store: Store) -> None:
    pins = PinStore(store)
    pins.replace_pins(FLEET, [pin()])
    asked = Asked(BotError("down"))
    sights = Sights(pins, asked, lambda: asked.now)
    (fleet,) = sights.fleets()
    assert [sights.may_see(ANNA, fleet, Sight.FLEET) for _ in range(2)] == [False, False]
    assert sights.list_for(ANNA) == ((), False)
    assert asked.count == 1
    asked.answer = RepositoryAccess(private=True, permission=Permission.READ)
    asked.now += FAILED_FOR
    assert sights.list_for(ANNA) == ((fleet,), True)
    assert asked.count == 2


def test_github_is_asked_as_much_for_a_fleet_that_there_is_not(store: Store) -> None:
    pins = PinStore(store)
    asked = Asked(RepositoryAccess(private=True, permission=Permission.NONE))
    sights = Sights(pins, asked, lambda: asked.now)
    assert sights.find_for(ANNA, "no/such", Sight.FLEET) is None
    assert asked.count == 0, "there is no fleet that could be hidden"
    pins.replace_pins(FLEET, [pin()])
    for number, name in enumerate((FLEET, "no/such", "no/other"), 1):
        assert [sights.find_for(ANNA, name, Sight.FLEET) for _ in range(2)] == [None, None]
        assert asked.count == number, name
    other = RepoName("no/such")
    pins.replace_pins(other, [pin(other)])
    asked.answer = RepositoryAccess(private=True, permission=Permission.READ)
    assert sights.find_for(ANNA, other, Sight.FLEET) is not None, "what was asked about another counts no more"


class Silent:
    """A GitHub that does not answer until it is let."""

    def __init__(self) -> None:
        self.lets, self.lock, self.now, self.most = threading.Event(), threading.Lock(), 0, 0
        self.names: list[RepoName] = []

    def __call__(self, fleet: VisibleFleet, _person: Person) -> RepositoryAccess:
        with self.lock:
            self.names.append(fleet.name)
            self.now += 1
            self.most = max(self.most, self.now)
        self.lets.wait(30)
        with self.lock:
            self.now -= 1
        return RepositoryAccess(private=True, permission=Permission.READ)


def many(store: Store, count: int) -> PinStore:
    pins = PinStore(store)
    for number in range(count):
        name = RepoName(f"acme/{number:03}")
        pins.replace_pins(name, [pin(name)])
    return pins


def test_visits_wait_shortly_and_few_questions_are_asked_at_once(store: Store) -> None:
    github = Silent()
    sights = Sights(many(store, 8), github, lambda: 0.0, patience=0.01)
    people = [Person(id=number, login=f"p{number}") for number in range(8)]
    assert [sights.list_for(person) for person in people] == [((), False)] * 8
    for name in ("acme/007", "no/such"):
        with pytest.raises(NotAnsweredYet):
            sights.find_for(people[7], name, Sight.FLEET)
    assert github.now == AT_ONCE
    github.lets.set()
    patient = Sights(many(store, 8), github, lambda: 0.0)
    seen, complete = patient.list_for(people[0])
    assert ([one.name for one in seen], complete) == ([f"acme/{number:03}" for number in range(8)], True)
    assert github.most <= 2 * AT_ONCE  # two services'


def test_a_page_is_asked_about_before_lists(store: Store) -> None:
    github = Silent()
    sights = Sights(many(store, 6), github, lambda: 0.0, patience=0.01)
    sights.list_for(ANNA)
    with pytest.raises(NotAnsweredYet):
        sights.find_for(BERT, "acme/005", Sight.FLEET)
    github.lets.set()
    while not sights.list_for(ANNA)[1]:
        pass
    assert github.names[: AT_ONCE + 1].count(RepoName("acme/005")) == 1


def test_one_person_causes_only_so_many_questions(store: Store) -> None:
    pins = PinStore(store)
    pins.replace_pins(FLEET, [pin()])
    asked = Asked(RepositoryAccess(private=True, permission=Permission.READ))
    sights = Sights(pins, asked, lambda: asked.now)
    for number in range(MOST_OF_ONE):
        assert sights.find_for(ANNA, f"no/{number}", Sight.FLEET) is None
    for name in (FLEET, "no/such"):
        with pytest.raises(NotAnsweredYet):
            sights.find_for(ANNA, name, Sight.FLEET)
    assert asked.count == MOST_OF_ONE
    assert sights.find_for(BERT, FLEET, Sight.FLEET) is not None


def test_a_page_is_for_readers_only_if_every_base_says_so(store: Store) -> None:
    pins = PinStore(store)
    pins.replace_pins(FLEET, [pin(for_readers=True), pin(base="next")])
    sights = Sights(pins, Asked(BotError("")), lambda: 0.0)
    assert [one.for_readers for one in sights.fleets()] == [False]
    pins.replace_pins(FLEET, [pin(for_readers=True), pin(base="next", for_readers=True)])
    assert [one.for_readers for one in sights.fleets()] == [True]
