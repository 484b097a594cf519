"""What nodes reported goes with their oldest orders, in both databases, and is never counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.names import DeploymentId, NodeName, RepoName
from bot.domain.versions import NodeVersions
from bot.features.rollout.facts import Stage
from bot.features.rollout.history import keep_orders
from bot.features.rollout.store import KEPT, LOGS, RESULTS, RolloutStore
from bot.protocol.outcome import OrderEnd
from bot.protocol.report import Report
from bot.service.database import open_store
from bot.storage.store import Store
from tests.browser.states import past
from tests.integration.postgres import make_database, postgres_server

FLEET, OTHER_FLEET = RepoName("acme/aios"), RepoName("acme/other")
NODE, OTHER = NodeName("AIOS"), NodeName("PI")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        made = open_store(f"sqlite:///{tmp_path}/bot.sqlite3")
        yield made
        made.close()
        return
    with postgres_server() as server:
        made = open_store(make_database(server, "results"))
        yield made
        made.close()


def report(number: int) -> Report:
    return Report(
        version=1,
        number=number,
        end=OrderEnd.SUCCESS,
        text="runs it",
        compose=f"5.0.{number}",
        engine="Docker Engine 28.5.1",
    )


def give(store: Store, statuses: RolloutStore, node: NodeName, *numbers: int, fleet: RepoName = FLEET) -> list[bool]:
    """Orders that were carried out, as a rollout notes them: first what was reported, then the orders."""
    new = [statuses.save_result(fleet, node, report(number), log="a log") for number in numbers]
    orders = [past(number, Stage.SUCCEEDED, number, "runs it") for number in numbers]
    store.write(lambda connection: keep_orders(connection, fleet, {node: orders}))
    return new


def count(store: Store) -> list[int]:
    """How many results and logs are kept."""
    with store.reading() as connection:
        return [
            connection.execute(sa.select(sa.func.count()).select_from(one)).scalar() or 0 for one in (RESULTS, LOGS)
        ]


def test_the_oldest_results_go_and_are_neither_kept_nor_counted_again(store: Store) -> None:
    statuses = RolloutStore(store, page_key=b"key")
    for number in (2, 3):
        assert give(store, statuses, NODE, number) == [True]
    assert give(store, statuses, OTHER, 1) == [True]  # a node that was given no order for a long time
    assert give(store, statuses, NODE, 2, fleet=OTHER_FLEET) == [True]
    newest = range(10, 10 + KEPT)
    assert give(store, statuses, NODE, *newest) == [True] * KEPT
    assert count(store) == [KEPT + 2, KEPT + 2]
    assert [statuses.find_result(FLEET, DeploymentId(number)) for number in (2, 3)] == [None, None]
    for number in (1, newest[0], newest[-1]):
        assert statuses.find_result(FLEET, DeploymentId(number)) == report(number)
    assert statuses.find_result(OTHER_FLEET, DeploymentId(2)) == report(2)
    # GitHub lists the old orders again when somebody deleted newer ones there.
    assert give(store, statuses, NODE, 2, 3) == [False, False]
    assert give(store, statuses, OTHER, 1) == [False]
    assert count(store) == [KEPT + 2, KEPT + 2]
    assert statuses.find_versions(FLEET) == {
        NODE: NodeVersions(f"5.0.{newest[-1]}", "Docker Engine 28.5.1"),
        OTHER: NodeVersions("5.0.1", "Docker Engine 28.5.1"),
    }
    assert give(store, statuses, NODE, 9_999) == [True]
    assert count(store) == [KEPT + 2, KEPT + 2]
