"""Deliveries about a whole repository and its merge queues."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.events import MergeGroupRequested
from bot.github.ignored import Ignored, IgnoredReason
from tests.unit.github.test_events import parse
from tests.unit.payloads import SHA

PARENT = "5" * 40
QUEUE = "gh-readonly-queue/release/2.0/pr-17-" + PARENT


def group(**changes: Any) -> dict[str, Any]:
    whole = {
        "head_sha": SHA,
        "head_ref": f"refs/heads/{QUEUE}",
        "base_sha": PARENT,
        "base_ref": "refs/heads/release/2.0",
        "head_commit": {"id": SHA},
    }
    return {"action": "checks_requested", "merge_group": whole | changes}


def test_a_merge_group_names_its_pull_request_and_its_branches() -> None:
    event = parse("merge_group", group())
    assert isinstance(event, MergeGroupRequested)
    assert (event.repo, event.installation, event.number) == ("acme/server", 7, 17)
    assert (event.base, event.branch) == ("release/2.0", QUEUE)
    assert (event.head, event.parent) == (SHA, PARENT)


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/main",
        f"refs/heads/gh-readonly-queue/main/pr-0-{PARENT}",
        f"refs/heads/gh-readonly-queue/main/pr-17-{PARENT}0",
        f"refs/heads/gh-readonly-queue/main/pr-17-{PARENT[1:]}",
        f"refs/heads/gh-readonly-queue/main/pr-17-{PARENT}\n",
        f"refs/heads/gh-readonly-queue/main/pr-{'1' * 11}-{PARENT}",
    ],
)
def test_a_group_of_no_pull_request_is_unreadable(ref: str) -> None:
    event = parse("merge_group", group(head_ref=ref))
    assert event == Ignored(reason=IgnoredReason.UNREADABLE, detail=f"no pull request in {ref}")


def test_the_end_of_a_group_is_no_event() -> None:
    event = parse("merge_group", group() | {"action": "destroyed", "reason": "merged"})
    assert event == Ignored(reason=IgnoredReason.UNKNOWN_EVENT, detail="merge_group.destroyed")


def test_a_group_without_commits_is_unreadable() -> None:
    event = parse("merge_group", group(head_sha="x"))
    assert isinstance(event, Ignored)
    assert event.reason is IgnoredReason.UNREADABLE
