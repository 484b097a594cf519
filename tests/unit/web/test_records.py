"""What came in for a fleet, and who did what: who may see it, search it, and press its one button."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace

from bot.domain.names import BranchName, InstallationId, NodeName, RepoName
from bot.domain.verdicts import Permission
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.audit.store import LOOKED_AT, AuditTrail, append_records, find_records
from bot.features.fleets.store import PinStore
from bot.features.rollout.jobs import SyncRollout
from bot.features.visitors.facts import Person, VisibleFleet
from bot.features.visitors.questions import RepositoryAccess
from bot.features.visitors.store import SessionStore
from bot.queue import admin, lanes
from bot.queue.inbox import Inbox
from bot.queue.lanes import Burst, JobState
from bot.queue.turns import Drain
from bot.service.database import open_store
from bot.storage.store import Store
from bot.web.guard import derive_form_token
from tests.queueing import delivery, make_app, make_guard
from tests.unit.features.visitors.test_visitors import pin

FLEET, OTHER = RepoName("acme/aios"), RepoName("acme/other")
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    for fleet in (FLEET, OTHER):
        PinStore(made).replace_pins(fleet, [replace(pin(), fleet=fleet)])
    yield made
    made.close()


def client_of(store: Store, login: str) -> tuple[FlaskClient, str]:
    """A browser in which somebody is signed in, and what its forms carry. Wilma may write, mallory nothing."""

    def ask(_fleet: VisibleFleet, person: Person) -> RepositoryAccess:
        found = {"wilma": Permission.WRITE, "rita": Permission.READ}.get(person.login, Permission.NONE)
        return RepositoryAccess(private=True, permission=found)

    client = make_app(Inbox(store), None, guard=make_guard(store, ask=ask)).test_client()
    secret = SessionStore(store).open(Person(id=len(login), login=login))
    client.set_cookie("aios_bot", secret)
    return client, derive_form_token(secret)


def fail_one(store: Store, *fleets: RepoName) -> None:
    """One delivery whose job failed in each fleet's lane."""
    jobs = [SyncRollout(fleet=one, installation=InstallationId(7), base=BranchName("main")) for one in fleets]
    lanes.store_delivery(store, delivery(*jobs, guid="abcd-1"), Burst())
    for fleet in fleets:
        lanes.claim(store, Drain(fleet, 1, "local"), f"run {fleet}", Burst())
        lanes.finish(store, f"run {fleet}", error=f"GitHub said no {HOSTILE}")


def states(store: Store) -> list[str]:
    return [job.state for job in admin.find_delivery(store, "abcd-1").jobs]


def test_a_delivery_shows_what_became_of_it_and_is_tried_again_by_who_may_write(store: Store) -> None:
    fail_one(store, FLEET, OTHER)
    client, token = client_of(store, "wilma")
    address = f"/fleets/{FLEET}/deliveries"
    page = client.get(address).get_data(as_text=True)
    for words in ("GitHub said no", "rollout", "failed", "Try again"):
        assert words in page, words
    assert "<script>alert" not in page
    refused = client.post(f"{address}/abcd-1", data={"form_token": "x" + token[1:]})
    assert (refused.status_code, states(store)) == (403, [JobState.FAILED, JobState.FAILED])
    done = client.post(f"{address}/abcd-1", data={"form_token": token})
    assert (done.status_code, done.headers["Location"]) == (303, address)
    assert states(store) == [JobState.WAITING, JobState.FAILED], "the other fleet's job is not theirs"
    assert client.post(f"{address}/none", data={"form_token": token}).status_code == 404


def test_who_may_only_read_sees_no_button_and_may_not_press_it(store: Store) -> None:
    fail_one(store, FLEET)
    client, token = client_of(store, "rita")
    assert "Try again" not in client.get(f"/fleets/{FLEET}/deliveries").get_data(as_text=True)
    answer = client.post(f"/fleets/{FLEET}/deliveries/abcd-1", data={"form_token": token})
    assert (answer.status_code, states(store)) == (404, [JobState.FAILED])


@pytest.mark.parametrize("place", ["", "/state", "/nodes/A", "/stacks/s", "/deliveries", "/audit"])
def test_a_fleet_that_one_may_not_see_is_as_one_that_does_not_exist(store: Store, place: str) -> None:
    client, token = client_of(store, "mallory")
    hidden, absent = client.get(f"/fleets/{FLEET}{place}"), client.get(f"/fleets/acme/none{place}")
    assert (hidden.status_code, hidden.data) == (404, absent.data)
    form = {"form_token": token}
    pressed = [client.post(f"/fleets/{name}/deliveries/abcd-1", data=form) for name in (FLEET, "acme/none")]
    assert [one.status_code for one in pressed] == [404, 404]
    assert pressed[0].data == pressed[1].data


def test_every_route_that_changes_something_is_refused_without_its_token(store: Store) -> None:
    client, _ = client_of(store, "wilma")
    app = client.application
    routes = [
        rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and rule.rule != "/webhook"
    ]
    number = "<int(max=9007199254740991):number>"
    assert sorted(routes) == [
        "/fleets/<owner>/<name>/deliveries/<guid>",
        f"/fleets/<owner>/<name>/notices/{number}/mute",
        "/sign-out",
    ]
    for route in routes:
        address = route.replace("<owner>/<name>", FLEET).replace("<guid>", "abcd-1").replace(number, "1")
        for form in ({}, {"form_token": ""}, {"form_token": "é"}):
            assert client.post(address, data=form).status_code == 403, address


def test_deliveries_go_on_page_by_page(store: Store) -> None:
    for number in range(5):
        job = SyncRollout(fleet=FLEET, installation=InstallationId(7), base=BranchName(f"b{number}"))
        lanes.store_delivery(store, delivery(job, guid=f"guid-{number}"), Burst())
    first, more = admin.list_lane(store, FLEET, before=2**62, most=3)
    assert [row.guid for row in first] == ["guid-4", "guid-3", "guid-2"]
    assert more is not None
    last, none = admin.list_lane(store, FLEET, before=more, most=3)
    assert [row.guid for row in last] == ["guid-1", "guid-0"]
    assert none is None
    assert not last[0].can_be_retried
    assert last[0].jobs[0].kind == "rollout"


def test_the_audit_trail_is_searched_in_its_values_and_not_in_their_names(store: Store) -> None:
    trail = AuditTrail(store)
    for number in range(4):
        said = AuditRecord(
            what=Audited.ASKED,
            fleet=FLEET,
            at="2026-11-28T17:00:00Z",
            actor="Ada" if number % 2 else "bert",
            said=HOSTILE,
        )
        trail.append(f"k{number}", said)
    trail.append("other", AuditRecord(what=Audited.LOCKED, fleet=OTHER, at="", actor="Ada", node=NodeName("N")))
    lines, more = find_records(store, FLEET, "ada")
    assert ([line.record.actor for line in lines], more) == (["Ada", "Ada"], None)
    assert find_records(store, FLEET, "actor") == ((), None)
    first, after = find_records(store, FLEET, most=3)
    assert (len(first), after) == (3, first[-1].seq)
    assert len(find_records(store, FLEET, before=first[-1].seq)[0]) == 1
    client, _ = client_of(store, "rita")
    page = client.get(f"/fleets/{FLEET}/audit?q=ADA").get_data(as_text=True)
    assert page.count("2026-11-28 17:00:00 UTC") == 2
    assert "bert" not in page
    assert "<script>alert" not in page
    hostile = client.get(f"/fleets/{FLEET}/audit?q=%22%3E%3Cscript%3Ealert(1)").get_data(as_text=True)
    assert "<script>alert" not in hostile


def test_a_search_looks_at_so_many_records_and_says_where_it_stopped(store: Store) -> None:
    record = AuditRecord(what=Audited.ASKED, fleet=FLEET, at="", actor="bert")
    store.write(lambda connection: append_records(connection, "k", [record] * (LOOKED_AT + 1)))
    assert find_records(store, FLEET, "ada") == ((), 2)
    assert find_records(store, FLEET, "ada", before=2) == ((), None)
