"""What is noted about sending is the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.notices import Topic
from bot.features.outbox.facts import Condition, Notice, Phase
from bot.features.outbox.store import Outbox
from bot.service.database import open_store
from tests.integration.postgres import make_database, postgres_server
from tests.unit.service.test_router import WIN


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'db.sqlite3'}"
        return
    with postgres_server() as server:
        yield make_database(server, "notices")


def test_what_is_on_its_way_is_unsure_until_it_was_sent(url: str) -> None:
    store = open_store(url)
    outbox, begun = Outbox(store), ("here", Phase.BEGUN)
    outbox.replace(WIN, "check", [Condition(notice=Notice(topic=Topic.DRIFT, fleet=WIN, subject="AIOS"))], now=5)
    (one,) = outbox.find_all()
    assert (one.sent, one.unsure) == ((), ())
    outbox.begin("here", [(one.seq, Phase.BEGUN)])
    (one,) = outbox.find_all()
    assert (one.sent, one.unsure) == ((), (begun,))
    outbox.settle("here", [(one.seq, Phase.BEGUN)], now=7)
    store.close()
    store = open_store(url)
    (one,) = Outbox(store).find_all()
    assert (one.sent, one.unsure) == ((begun,), ())
    store.close()
