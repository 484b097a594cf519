"""A node's and a stack's page: orders with failed tries, who may read logs, and nothing hostile alive in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from bot.domain.names import DeploymentId, NodeName, PullNumber, RepoName
from bot.domain.verdicts import Permission
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.audit.store import AuditTrail, approval_key
from bot.features.outbox.pulls import WaitingPulls
from bot.features.rollout.facts import Stage
from bot.features.rollout.history import OrderHistory, RolloutDetails, keep_details, keep_orders
from bot.features.rollout.store import KEPT, RolloutStore
from bot.features.visitors.facts import Person, VisibleFleet
from bot.features.visitors.questions import RepositoryAccess
from bot.features.visitors.store import SessionStore
from bot.protocol.outcome import OrderEnd
from bot.protocol.report import Report
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.storage.store import Store
from tests.browser.states import HOSTILE, NOW, fill, past, waiting
from tests.queueing import make_app, make_guard
from tests.unit.web.test_fleets import standings

FLEET, NODE = RepoName("acme/aios"), NodeName("AIOS")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path_factory.mktemp('web') / 'bot.sqlite3'}")
    fill(made, RolloutStore(made, page_key=b"key"))
    yield made
    made.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    yield made
    made.close()


@pytest.fixture
def client(store: Store) -> FlaskClient:
    return make_app(Inbox(store), None).test_client()


def keep(store: Store, *orders: object) -> None:
    store.write(lambda connection: keep_orders(connection, FLEET, {NODE: orders}))  # type: ignore[dict-item]  # orders


def test_a_node_shows_every_try_with_what_was_planned_and_what_happened(client: FlaskClient) -> None:
    page = client.get("/fleets/acme/aios-failing/nodes/AIOS").get_data(as_text=True)
    for words in (
        'id="order-9500"',
        'id="order-9000"',
        "Docker Engine 28.5.1",
        "compose 2.40.3",
        "agent 0.1.0",
        "38 GiB of 512 GiB free for checkout and images",
        "4 commits behind",
        "acme/server/compare/",
        "entry point 8443 is in use",
        "/retry",
    ):
        assert words in page, words
    assert page.index("order-9500") < page.index("order-9000")


def test_the_page_says_who_merged_what_the_nodes_run(client: FlaskClient, empty: Store) -> None:
    page = client.get("/fleets/acme/aios-failing/state").get_data(as_text=True)
    assert "merged by grace with" in " ".join(page.split())
    fleets = RolloutStore(empty, page_key=b"key")
    status = standings(fleet=FLEET)

    def look() -> str:
        fleets.save(status, also=lambda connection: keep_details(connection, fleets.page_of(FLEET), status, details))
        ((_, found),) = OrderHistory(empty).find_rollouts(fleets.page_of(FLEET))
        return found.merged_by

    details = RolloutDetails()
    assert look() == ""
    merged = AuditRecord(
        what=Audited.APPROVED, fleet=FLEET, at="2026-11-29T07:40:00Z", actor="anna", pull=status.pull
    )
    AuditTrail(empty).append(approval_key(FLEET, PullNumber(7)), merged)
    assert look() == "anna"


def test_the_list_says_of_each_fleet_how_it_stands_in_as_many_queries_for_many(
    store: Store, client: FlaskClient
) -> None:
    queries: list[str] = []

    def note(*about: object) -> None:
        queries.append(str(about[2]))

    client.get("/fleets")
    sa.event.listen(store.engine, "before_cursor_execute", note)
    page = client.get("/fleets").get_data(as_text=True)
    sa.event.remove(store.engine, "before_cursor_execute", note)
    assert len(queries) == 3, queries
    found = dict(re.findall(r'<li class="verdict \w+"><a href="/fleets/acme/aios-(\w+)">.*?<span>(.*?)</span>', page))
    assert found["failing"] == (
        "1 deploy failed (AIOS); 2 nodes do not move (HP_LAB, NAS); 2 pull requests wait for a person"
    )
    assert found["calm"] == "everything runs what was merged"
    assert found["empty"] == "nothing was deployed here yet"
    assert len(found) == page.count("<li ")
    gravities = re.findall(r'<li class="verdict (\w+)">', page)
    assert gravities == sorted(gravities, key=["risky", "notice", "calm"].index), "what needs somebody is first"
    assert len(set(gravities)) == 3


def test_a_stack_is_compared_over_all_nodes_that_have_it(client: FlaskClient) -> None:
    page = client.get("/fleets/acme/aios-failing/stacks/ingress").get_data(as_text=True)
    for words in ("2 versions on 4 nodes", "HP_LAB", "4 behind", "whoami", "#order-9500"):
        assert words in page, words
    same = client.get("/fleets/acme/aios-calm/stacks/secrets").get_data(as_text=True)
    assert "The same version on 2 nodes" in same
    assert "recreate" in same


@pytest.mark.parametrize("place", ["nodes/none", "stacks/none"])
def test_what_is_not_there_is_no_page(client: FlaskClient, place: str) -> None:
    assert client.get(f"/fleets/acme/aios-failing/{place}").status_code == 404


@pytest.mark.parametrize("place", ["", "/nodes/AIOS", "/stacks/ingress"])
def test_a_strangers_words_stay_words(client: FlaskClient, place: str) -> None:
    page = client.get(f"/fleets/acme/aios-hostile{place}").get_data(as_text=True)
    assert "<script>document" not in page
    assert "<img" not in page
    assert "javascript:" not in page
    assert "\u202e" not in page, "it would turn the words that stand behind it"
    assert "67092481" not in page, "a template ran"
    assert place.startswith("/stacks") or "&lt;script&gt;" in page


def test_logs_are_for_those_who_may_write(store: Store) -> None:
    def ask(_fleet: VisibleFleet, person: Person) -> RepositoryAccess:
        return RepositoryAccess(
            private=True, permission=Permission.WRITE if person.login == "wilma" else Permission.READ
        )

    app = make_app(Inbox(store), None, guard=make_guard(store, ask=ask))
    seen = {}
    for number, login in enumerate(("wilma", "rita")):
        client = app.test_client()
        client.set_cookie("aios_bot", SessionStore(store).open(Person(id=number, login=login)))
        seen[login] = client.get("/fleets/acme/aios-failing/nodes/AIOS").get_data(as_text=True)
    assert "entry point 8443 is in use" in seen["wilma"]
    assert "whole log" in seen["wilma"]
    assert "entry point 8443" not in seen["rita"]
    assert "whole log" not in seen["rita"]
    assert 'id="order-9500"' in seen["rita"]


@pytest.mark.parametrize("place", ["", "/state", "/nodes/AIOS", "/stacks/ingress"])
def test_no_page_takes_more_than_six_queries_with_its_session(store: Store, client: FlaskClient, place: str) -> None:
    address = f"/fleets/acme/aios-failing{place}"
    client.get(address)
    queries: list[str] = []

    def note(*about: object) -> None:
        queries.append(str(about[2]))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    assert client.get(address).status_code == 200
    sa.event.remove(store.engine, "before_cursor_execute", note)
    assert 0 < len(queries) <= 5, queries


def test_the_history_keeps_what_changed_and_forgets_the_oldest(empty: Store) -> None:
    history = OrderHistory(empty)
    keep(empty, past(2, Stage.QUEUED, NOW, "waits"), past(1, Stage.FAILED, NOW - 5, HOSTILE))
    keep(empty, past(2, Stage.SUCCEEDED, NOW + 9, "runs it"))
    found = [(one.order.number, one.order.stage, one.order.text) for one in history.find_orders(FLEET, NODE)]
    assert found == [(2, Stage.SUCCEEDED, "runs it"), (1, Stage.FAILED, HOSTILE)]
    assert [one.order.number for one in history.find_orders(FLEET, NODE, before=2)] == [1]
    assert history.find_orders(FLEET, NodeName("other")) == ()
    assert [mark.number for mark in history.find_marks(FLEET, since=NOW)] == [2]
    keep(empty, *(past(number, Stage.SUCCEEDED, NOW, "") for number in range(10, 10 + KEPT)))
    assert {one.order.number for one in history.find_orders(FLEET, most=KEPT + 5)} == set(range(10, 10 + KEPT))


def test_what_is_known_already_is_not_written_again(empty: Store) -> None:
    keep(empty, past(1, Stage.FAILED, NOW, "exit 1"))
    written: list[str] = []
    sa.event.listen(empty.engine, "before_cursor_execute", lambda *about: written.append(about[2]))
    keep(empty, past(1, Stage.FAILED, NOW, "exit 1"))
    assert not [one for one in written if one.startswith(("INSERT", "DELETE"))]


def test_pull_requests_wait_oldest_first_until_they_do_not(empty: Store) -> None:
    pulls = WaitingPulls(empty)
    for number, days in ((4, 1), (5, 9), (6, 3)):
        pulls.save(FLEET, waiting(number, "title", days=days))
    pulls.save(RepoName("acme/other"), waiting(4, "title", days=2))
    assert [pull.number for pull in pulls.find(FLEET, now=NOW).pulls] == [5, 6, 4]
    pulls.remove(FLEET, PullNumber(6))
    assert [pull.number for pull in pulls.find(FLEET, now=NOW).pulls] == [5, 4]
    pulls.keep_only(FLEET, [PullNumber(4)])
    assert [pull.number for pull in pulls.find(FLEET, now=NOW).pulls] == [4]
    assert len(pulls.find(RepoName("ACME/other"), now=NOW).pulls) == 1


def test_a_log_is_kept_once_and_only_its_end(empty: Store) -> None:
    statuses = RolloutStore(empty, page_key=b"key")
    keep(empty, past(1, Stage.SUCCEEDED, NOW, ""))
    report = Report(version=1, number=1, end=OrderEnd.SUCCESS, text="runs it")
    assert statuses.save_result(FLEET, NODE, report, log="x" * 20_000 + "the end")
    assert not statuses.save_result(FLEET, NODE, report, log="another")
    (entry,) = OrderHistory(empty).find_orders(FLEET, NODE)
    assert entry.report == report
    assert len(entry.log) == 12_000
    assert entry.log.endswith("the end")
    assert entry.order.number == DeploymentId(1)
