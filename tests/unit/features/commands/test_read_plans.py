"""Which plan a command on a merged pull request is compared with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.domain.names import PlanId, PullNumber, RepoName
from bot.features.commands.read.plans import read_plan
from bot.github.client import Client
from bot.github.endpoints import checks
from bot.github.endpoints.people import PullDetail

FLEET = RepoName("acme/fleet")
SHOWN, POSTED = PlanId("aaaaaaaaaaaa"), PlanId("bbbbbbbbbbbb")


class Store:
    """Plans by their ids; POSTED is the one that was posted last on pull request 7."""

    def find(self, found: PlanId) -> Any:
        stored = SimpleNamespace(id=found, base="b" * 40, old=None, new="n" * 40, nodes=())
        return stored if found in (SHOWN, POSTED) else None

    def find_posted(self, repo: RepoName, pull: PullNumber) -> PlanId | None:
        return POSTED if (repo, pull) == (FLEET, 7) else None


def read(monkeypatch: pytest.MonkeyPatch, *, merged: bool, check: str | None, number: int = 7) -> PlanId | None:
    runs = [] if check is None else [SimpleNamespace(id=1, external_id=check, completed_at="2026-11-29T10:00:00Z")]
    monkeypatch.setattr(checks, "find_own_checks", lambda *_, **__: runs)
    tools = cast("Any", SimpleNamespace(bump=SimpleNamespace(plans=SimpleNamespace(store=Store()))))
    pull = SimpleNamespace(number=number, merged=merged, body="", head=SimpleNamespace(sha="c" * 40))
    found = read_plan(tools, cast("Client", None), FLEET, cast("PullDetail", pull), "2026-11-29T09:00:00Z")
    return found.id if found else None


@pytest.mark.parametrize("check", [None, "no pin moves: 0123456789ab", "cccccccccccc"])
def test_a_merged_one_whose_head_shows_no_plan_is_compared_with_the_posted_one(
    check: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushed to and merged before its new head was planned, or overwritten: no order goes out uncompared."""
    assert read(monkeypatch, merged=True, check=check) == POSTED
    assert read(monkeypatch, merged=False, check=check) is None


def test_the_heads_own_plan_comes_first_and_without_any_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, merged=True, check=SHOWN) == SHOWN
    assert read(monkeypatch, merged=True, check=None, number=8) is None
