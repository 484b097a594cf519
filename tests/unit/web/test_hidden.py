"""Nobody learns which fleets there are: hidden and absent fleets answer alike, after the same work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from msgspec.structs import replace

from bot.domain.names import RepoName
from bot.domain.verdicts import Permission
from bot.features.bump.store import PlanStore
from bot.features.fleets.store import PinStore
from bot.features.rollout.store import RolloutStore
from bot.features.visitors.facts import Person, VisibleFleet
from bot.features.visitors.questions import RepositoryAccess
from bot.features.visitors.store import SessionStore
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.storage.store import Store
from bot.web.guard import derive_form_token
from tests.plans import node, plan
from tests.queueing import make_app, make_guard
from tests.unit.features.visitors.test_visitors import pin
from tests.unit.web.test_fleets import standings

HIDDEN, ABSENT = RepoName("acme/hidden"), RepoName("acme/absent")
PLAN = replace(plan(node("PI")), fleet=HIDDEN)


class Seen:
    """What the database and GitHub were asked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.persons = count(1)
        self.queries: list[str] = []
        self.questions = 0
        sa.event.listen(store.engine, "before_cursor_execute", lambda *about: self.queries.append(about[2]))

    def ask(self, _fleet: VisibleFleet, _person: Person) -> RepositoryAccess:
        self.questions += 1
        return RepositoryAccess(private=True, permission=Permission.NONE)

    def forget(self) -> None:
        self.queries.clear()
        self.questions = 0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    PinStore(made).replace_pins(HIDDEN, [pin(HIDDEN)])
    RolloutStore(made, page_key=b"key").save(replace(standings(), fleet=HIDDEN))
    PlanStore(made).save(PLAN)
    yield made
    made.close()


def addresses(app: Flask, page: str) -> list[tuple[str, str, str]]:
    """Every route that a fleet, or what belongs to one, is named in: for what there is, and for what there is not."""
    found = [(f"/fleets/{page}", f"/fleets/{'0' * 32}", "GET")]
    found += [(f"/plans/{PLAN.id}{ending}", f"/plans/{'0' * 12}{ending}", "GET") for ending in ("", ".json")]
    for rule in app.url_map.iter_rules():
        if {"owner", "name"} <= rule.arguments:
            method = "POST" if "POST" in (rule.methods or ()) else "GET"
            found.append((fill(rule.rule, HIDDEN), fill(rule.rule, ABSENT), method))
    return found


def fill(rule: str, fleet: RepoName) -> str:
    """The address that the route has for this fleet."""
    owner, name = fleet.split("/")
    parts = {"owner": owner, "name": name, "node": "PI", "stack": "web", "plan": PLAN.id, "guid": "ab-1", "number": 1}
    return re.sub(r"<(?:[^>]*:)?(\w+)>", lambda part: str(parts[part[1]]), rule)


def visit(app: Flask, seen: Seen, address: str, method: str, login: str) -> tuple[object, ...]:
    """The answer for somebody who was never here before, and what it took."""
    client = app.test_client()
    form = {}
    if login:
        secret = SessionStore(seen.store).open(Person(id=next(seen.persons), login=login))
        client.set_cookie("aios_bot", secret)
        form = {"form_token": derive_form_token(secret), "for": "1h"}
    seen.forget()
    answer = client.open(address, method=method, data=form if method == "POST" else None)
    left = answer.headers.get("Location", "").partition("?")[0]
    own = form.get("form_token", "-").encode()
    said = b"" if left else answer.data.replace(own, b"")  # a redirect repeats the address that the visitor sent
    return answer.status_code, left, said, tuple(seen.queries), seen.questions


def test_what_is_hidden_and_what_does_not_exist_answer_alike_after_the_same_work(store: Store) -> None:
    seen = Seen(store)
    app = make_app(Inbox(store), None, guard=make_guard(store, ask=seen.ask))
    visit(app, seen, "/fleets", "GET", "mallory")  # the first visit of all reads the index of fleets
    for there, not_there, method in addresses(app, RolloutStore(store, page_key=b"key").page_of(HIDDEN)):
        for login, status, questions in (("", {303, 401}, 0), ("mallory", {404}, 1)):
            hidden = visit(app, seen, there, method, login)
            assert hidden == visit(app, seen, not_there, method, login), there
            assert hidden[0] in status, there
            assert hidden[4] == questions, there
