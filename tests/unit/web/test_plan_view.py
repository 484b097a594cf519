"""A plan's page: rows beside each other, what a filter leaves, what happened beside what was predicted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from bot.domain.names import CommitSha, DeploymentId, NodeName, PullNumber, RepoName, SubmodulePath
from bot.domain.severity import Severity
from bot.features.bump.store import PlanStore
from bot.features.rollout.facts import Stage
from bot.features.rollout.history import OrderEntry, OrderHistory, OrderRecord
from bot.features.rollout.store import RolloutStore
from bot.plan.report.rows import find_rows
from bot.protocol.action import Action
from bot.protocol.order import OrderKind
from bot.protocol.outcome import OrderEnd, ServiceOutcome
from bot.protocol.report import Report
from bot.queue.inbox import Inbox
from bot.service.database import open_store
from bot.storage.store import Store
from bot.web.plan_view import Happened, PlanFilter, find_diffs, find_happened, find_unpredicted, newest_results
from bot.web.sides import DiffRow, pair_lines
from tests.browser.plan_states import DEPLOYED, HUNDRED, deployed
from tests.browser.states import fill, outcome
from tests.plans import FLEET, NEW, at, node, plan, risk, service, stack
from tests.queueing import make_app

AIOS, PI = NodeName("AIOS"), NodeName("PI")


def test_what_was_replaced_stands_beside_what_replaced_it() -> None:
    diff = "--- old\n+++ new\n@@ -1,5 +1,5 @@\n same\n-a\n-b\n+c\n \n+d\n-e\n+f\n"
    assert pair_lines(diff) == (
        DiffRow(old="@@ -1,5 +1,5 @@", place=True),
        DiffRow(old="same", new="same", same=True),
        DiffRow(old="a", new="c"),
        DiffRow(old="b"),
        DiffRow(old="", new="", same=True),
        DiffRow(new="d"),
        DiffRow(old="e", new="f"),
    )


@pytest.mark.parametrize(
    ("diff", "rows"),
    [
        ("", ()),
        ("-a", (DiffRow(old="a"),)),
        ("+a\n+b", (DiffRow(new="a"), DiffRow(new="b"))),
        ("-\n+", (DiffRow(old="", new=""),)),
        ("---- a\n+++++", (DiffRow(old="--- a", new="++++"),)),
        ("-a\u2028+b", (DiffRow(old="a\u2028+b"),)),
    ],
)
def test_every_line_has_its_side(diff: str, rows: tuple[DiffRow, ...]) -> None:
    assert pair_lines(diff) == rows


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, ["vault", "traefik", "whoami"]),
        ({"node": "PI"}, ["traefik", "whoami"]),
        ({"action": "restart"}, ["whoami"]),
        ({"risk": "risky"}, ["vault"]),
        ({"risk": "notice"}, ["vault", "traefik"]),
        ({"node": "PI", "risk": "notice", "action": "recreate"}, ["traefik"]),
        ({"node": "PI", "risk": "risky"}, []),
        ({"node": "none"}, []),
        ({"action": "none"}, []),
        ({"risk": "info"}, []),
        ({"risk": "é"}, []),
    ],
)
def test_a_filter_leaves_what_meets_all_of_it(given: dict[str, str], left: list[str]) -> None:
    rows = [row for row in find_rows(deployed(FLEET)) if PlanFilter(**given).takes(row)]
    assert [row.service for row in rows] == left


def test_a_row_without_a_risk_is_no_notice() -> None:
    (row,) = find_rows(plan(node("A", stack("web", service("web", risks=(risk(Severity.INFO),))))))
    assert not PlanFilter(risk="notice").takes(row)
    assert PlanFilter(node="A").takes(row)


def test_a_filter_is_an_address() -> None:
    assert PlanFilter().query == ""
    assert PlanFilter(node="a b", risk="risky").query == "node=a+b&risk=risky"


def test_a_diff_is_shown_once_with_its_nodes_and_only_of_what_is_seen() -> None:
    made = deployed(FLEET)
    rows = find_rows(made)
    found = [(one.stack, one.service, one.nodes) for one in find_diffs(made, rows, node="")]
    assert found == [("ingress", "traefik", (AIOS, PI)), ("secrets", "vault", (AIOS,))]
    assert [one.service for one in find_diffs(made, rows, node="PI")] == ["traefik"]
    assert [one.service for one in find_diffs(made, rows[:1], node="")] == ["vault"]
    assert find_diffs(made, rows, node="")[0].rows[1] == DiffRow(old="{", new="{", same=True)


def entry(number: int, name: NodeName, *services: ServiceOutcome, has_report: bool = True) -> OrderEntry:
    order = OrderRecord(
        number=DeploymentId(number),
        node=name,
        kind=OrderKind.DEPLOY,
        submodule=SubmodulePath("server"),
        commit=CommitSha("c" * 40),
        pin=NEW,
        stage=Stage.SUCCEEDED,
    )
    report = (
        Report(version=1, number=number, end=OrderEnd.SUCCESS, text="", services=services) if has_report else None
    )
    return OrderEntry(order=order, report=report)


def test_what_happened_stands_beside_what_was_predicted() -> None:
    rows = {str(row.service): row for row in find_rows(deployed(FLEET))}
    right, wrong = outcome("ingress", "traefik", Action.RECREATE), outcome("ingress", "traefik", Action.RESTART)
    surprise = outcome("ingress", "static", Action.NONE, Action.RESTART)
    results = newest_results([entry(3, AIOS, right), entry(2, PI, wrong, surprise), entry(1, PI, right)])
    assert results[PI].order.number == 2
    assert find_happened(rows["traefik"], results) == (
        Happened(text="as predicted", nodes=(AIOS,), expected=True),
        Happened(text="restart", nodes=(PI,), expected=False),
    )
    assert find_happened(rows["whoami"], results) == (Happened(text="not reported", nodes=(AIOS, PI), expected=True),)
    assert find_unpredicted(tuple(rows.values()), results) == ((PI, surprise),)
    unreported = newest_results([entry(3, AIOS, has_report=False)])
    assert find_happened(rows["vault"], unreported) == (Happened(text="not reported", nodes=(AIOS,), expected=True),)
    assert find_unpredicted((), unreported) == ()
    nothing = newest_results([entry(1, AIOS, outcome("secrets", "vault", Action.RECREATE, Action.NONE))])
    assert find_happened(rows["vault"], nothing) == (Happened(text="nothing", nodes=(AIOS,), expected=False),)
    whole = find_rows(plan(node("AIOS", stack("web", risks=(risk(where=at(1)),)))))[0]
    assert find_happened(whole, results) == ()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'bot.sqlite3'}")
    fill(store, RolloutStore(store, page_key=b"key"))
    yield store
    store.close()


@pytest.fixture
def client(filled: Store) -> FlaskClient:
    return make_app(Inbox(filled), None).test_client()


def test_the_page_tells_what_happened_explains_risks_and_filters_without_a_script(client: FlaskClient) -> None:
    page = client.get(f"/plans/{DEPLOYED}").get_data(as_text=True)
    for words in (
        "What happened",
        '<a href="/fleets/acme/aios-deployed/nodes/PI#order-9601">PI</a>',
        "ingress / static was not in the plan: restart",
        '<b class="action">restart</b>, not as predicted',
        "It can be reached from the network, and Docker opens it past most host firewalls.",
        '<a href="https://github.com/acme/aios-deployed/pull/44">#44</a>',
        "<del>  &#34;image&#34;: &#34;traefik:v3.1&#34;,</del>",
    ):
        assert words in page, words
    assert "<script" not in page
    filtered = client.get(f"/plans/{DEPLOYED}?node=PI&risk=notice").get_data(as_text=True)
    assert "1 of 3 rows" in filtered
    assert "<option selected>PI</option>" in filtered
    assert "vault" not in filtered
    nothing = client.get(f"/plans/{DEPLOYED}?node=<b>&action={'x' * 9000}").get_data(as_text=True)
    assert "No rows match this filter." in nothing
    assert "<b>&" not in nothing
    assert "What happened" not in client.get(f"/plans/{HUNDRED}").get_data(as_text=True)


def test_only_deploys_of_this_pin_by_its_own_pull_requests_count(filled: Store) -> None:
    history, failing = OrderHistory(filled), RepoName("acme/aios-deployed")
    own = frozenset({PullNumber(44)})
    assert PlanStore(filled).find_pulls(failing, DEPLOYED) == own
    assert PlanStore(filled).find_all_posted(failing, [PullNumber(44), PullNumber(9)]) == {44: DEPLOYED}
    server = SubmodulePath("server")
    assert [one.order.number for one in history.find_deploys(failing, server, NEW, own)] == [9601, 9600]
    assert history.find_deploys(failing, server, NEW, {PullNumber(41)}) == ()
    assert history.find_deploys(failing, SubmodulePath("other"), NEW, own) == ()
    assert history.find_deploys(failing, server, CommitSha("9" * 40), own) == ()
