"""What a node is taken to run is kept from the first time on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.names import BranchName, CommitSha, NodeName, RepoName, SubmodulePath
from bot.features.rollout.store import RolloutStore
from bot.service.database import open_store

FLEET, MAIN, SERVER, LAB = (
    RepoName("Tecnocrat/aios-win"),
    BranchName("main"),
    SubmodulePath("server"),
    NodeName("LAB"),
)
FIRST, LATER = CommitSha("a" * 40), CommitSha("b" * 40)


@pytest.fixture
def statuses(tmp_path: Path) -> Iterator[RolloutStore]:
    made = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    yield RolloutStore(made, page_key=b"key")
    made.close()


def test_where_a_node_starts_is_kept_for_each_node_base_and_submodule(statuses: RolloutStore) -> None:
    assert statuses.keep_start(FLEET, LAB, MAIN, SERVER, FIRST) == FIRST
    assert statuses.keep_start(RepoName("tecnocrat/AIOS-win"), LAB, MAIN, SERVER, LATER) == FIRST
    others = (
        (RepoName("o/other"), LAB, MAIN, SERVER),
        (FLEET, NodeName("PROD"), MAIN, SERVER),
        (FLEET, LAB, BranchName("next"), SERVER),
        (FLEET, LAB, MAIN, SubmodulePath("tools")),
    )
    assert [statuses.keep_start(*key, LATER) for key in others] == [LATER] * 4
    assert statuses.keep_start(FLEET, LAB, MAIN, SERVER, LATER) == FIRST
