"""Payload to Event: what the bot uses is read, the rest is ignored with its reason, nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.events import (
    AccessChanged,
    CheckRerequested,
    ChecksCompleted,
    DeploymentChanged,
    Event,
    InstallationChanged,
    Ping,
    PullRequestChanged,
    Push,
    WorkflowRunCompleted,
)
from bot.domain.names import BranchName, CommitSha, DeploymentId, InstallationId, PullNumber, RepoName
from bot.github.events import parse_event
from bot.github.ignored import Ignored, IgnoredReason
from tests.unit.payloads import EXAMPLES, SHA, payload

REPO, SEVEN, COMMIT = RepoName("acme/server"), InstallationId(7), CommitSha(SHA)


def parse(name: str, changes: dict[str, Any] | None = None) -> Event | Ignored:
    return parse_event(name, json.dumps(payload(name, changes)).encode())


USED: list[tuple[str, Event]] = [
    ("push", Push(repo=REPO, installation=SEVEN, branch=BranchName("main"), after=COMMIT)),
    (
        "pull_request",
        PullRequestChanged(
            repo=REPO,
            installation=SEVEN,
            number=PullNumber(3),
            action="closed",
            base=BranchName("main"),
            head=BranchName("aios-bot/main/server"),
            merged=True,
            head_commit=COMMIT,
            from_fork=True,  # the fork is gone
        ),
    ),
    ("check_suite", ChecksCompleted(repo=REPO, installation=SEVEN, sha=COMMIT)),
    ("status", ChecksCompleted(repo=REPO, installation=SEVEN, sha=COMMIT)),
    ("check_run", CheckRerequested(repo=REPO, installation=SEVEN, sha=COMMIT)),
    (
        "deployment_status",
        DeploymentChanged(repo=REPO, installation=SEVEN, deployment=DeploymentId(42), ref=SHA),
    ),
    (
        "workflow_run",
        WorkflowRunCompleted(repo=REPO, installation=SEVEN, run_id=30433642, conclusion="failure"),
    ),
    ("installation", InstallationChanged(installation=SEVEN, action="created")),
    ("installation_repositories", InstallationChanged(installation=SEVEN, action="added")),
    ("ping", Ping(hook_id=109948940)),
]


@pytest.mark.parametrize(
    ("name", "action", "repo"),
    [
        ("member", "added", REPO),
        ("member", "removed", REPO),
        ("member", "edited", REPO),
        ("membership", "added", None),
        ("membership", "removed", None),
        ("organization", "member_added", None),
        ("organization", "member_removed", None),
    ],
)
def test_who_may_do_what_changed(name: str, action: str, repo: RepoName | None) -> None:
    changes: dict[str, Any] = {"action": action, "repository": {} if repo else None}
    assert parse(name, changes) == AccessChanged(installation=SEVEN, repo=repo)


@pytest.mark.parametrize(
    ("name", "action"), [("member", "x"), ("membership", "x"), ("organization", "renamed"), ("team", "added")]
)
def test_what_else_happens_to_people_is_ignored(name: str, action: str) -> None:
    found = parse(name, {"action": action, "repository": None})
    assert found == Ignored(reason=IgnoredReason.UNKNOWN_EVENT, detail=name)


@pytest.mark.parametrize(("name", "event"), USED)
def test_what_the_bot_uses(name: str, event: Event) -> None:
    assert parse(name) == event


def test_a_deleted_branch_has_no_commit() -> None:
    event = parse("push", {"after": "0" * 40, "deleted": True})
    assert isinstance(event, Push)
    assert event.after is None


ELSEWHERE = {"added": ["stacks/web/compose.yml"], "modified": ["README.md"], "removed": []}
FLEET = {"added": [".github/aios-bot.yml"], "modified": [], "removed": []}
PUSHES: dict[str, tuple[dict[str, Any], bool]] = {
    "it changes other files": ({"commits": [ELSEWHERE, ELSEWHERE]}, False),
    "it brings the fleet file": ({"commits": [ELSEWHERE, FLEET]}, True),
    "it changes the hub's file": ({"commits": [{"added": [], "modified": [".github/aios-hub.yml"]}]}, True),
    "it goes to another branch": ({"ref": "refs/heads/feature", "commits": [FLEET]}, False),
    "it lists nothing": ({"commits": []}, True),
    "it lists no commits at all": ({"commits": ...}, True),
    "it makes the branch": ({"commits": [ELSEWHERE], "created": True}, True),
    "it is forced, and lists what is new only": ({"commits": [ELSEWHERE], "forced": True}, True),
    "its commits may be cut": ({"commits": [ELSEWHERE] * 20}, True),
    "its files may be cut": ({"commits": [{"added": [f"{n}.yml" for n in range(300)]}]}, True),
}


@pytest.mark.parametrize("case", PUSHES)
def test_whether_a_push_may_make_its_repository_a_fleet(case: str) -> None:
    changes, expected = PUSHES[case]
    event = parse("push", changes)
    assert isinstance(event, Push)
    assert event.may_make_fleet is expected
    assert event.may_change_fleet is (expected or case == "it goes to another branch")


def test_a_pull_request_that_says_null_of_its_merge_is_not_merged() -> None:
    """GitHub's schema of the event has it (octokit/webhooks, pull-request: `merged`)."""
    event = parse("pull_request", {"action": "opened", "pull_request": {"merged": None, "merge_commit_sha": None}})
    assert isinstance(event, PullRequestChanged)
    assert event.merged is False


def test_a_branch_may_hold_slashes() -> None:
    event = parse("push", {"ref": "refs/heads/refs/heads/x"})
    assert isinstance(event, Push)
    assert event.branch == "refs/heads/x"


IGNORED: list[tuple[str, dict[str, Any], IgnoredReason, str]] = [
    ("star", {"action": "created"}, IgnoredReason.UNKNOWN_EVENT, "star.created"),
    ("pull_request", {"action": "labeled"}, IgnoredReason.UNKNOWN_EVENT, "pull_request.labeled"),
    ("check_run", {"action": "completed"}, IgnoredReason.UNKNOWN_EVENT, "check_run.completed"),
    ("check_suite", {"action": "requested"}, IgnoredReason.UNKNOWN_EVENT, "check_suite.requested"),
    ("workflow_run", {"action": "in_progress"}, IgnoredReason.UNKNOWN_EVENT, "workflow_run.in_progress"),
    ("installation", {"action": "painted"}, IgnoredReason.UNKNOWN_EVENT, "installation.painted"),
    ("status", {"state": "pending"}, IgnoredReason.UNKNOWN_EVENT, "status."),
    ("meta", {"repository": ...}, IgnoredReason.UNKNOWN_EVENT, "meta"),
    ("push", {"ref": "refs/tags/v1"}, IgnoredReason.NOT_A_BRANCH, "refs/tags/v1"),
    ("push", {"installation": ...}, IgnoredReason.NO_INSTALLATION, ""),
    ("push", {"installation": None}, IgnoredReason.NO_INSTALLATION, ""),
    ("push", {"after": "6dcb09b"}, IgnoredReason.UNREADABLE, "full commit id"),
    ("push", {"ref": ...}, IgnoredReason.UNREADABLE, "ref"),
    ("push", {"repository": {"full_name": "acme/../etc"}}, IgnoredReason.UNREADABLE, "repository name"),
    ("push", {"repository": {"full_name": "acme/x\nforged"}}, IgnoredReason.UNREADABLE, "repository name"),
    ("push", {"installation": {"id": "7"}}, IgnoredReason.UNREADABLE, "installation"),
    ("pull_request", {"pull_request": {"base": None}}, IgnoredReason.UNREADABLE, "base"),
    ("ping", {"hook_id": "x"}, IgnoredReason.UNREADABLE, "hook_id"),
]


@pytest.mark.parametrize(("name", "changes", "reason", "detail"), IGNORED)
def test_the_rest_is_ignored_with_its_reason(
    name: str, changes: dict[str, Any], reason: IgnoredReason, detail: str
) -> None:
    event = parse(name, changes)
    assert isinstance(event, Ignored), event
    assert event.reason is reason
    assert detail in event.detail
    assert len(event.detail) <= 200


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"action":"\xff"}', b"[" * 100_000])
def test_nothing_that_is_no_delivery_raises(body: bytes) -> None:
    for name in EXAMPLES:
        event = parse_event(name, body)
        assert isinstance(event, Ignored)
        assert event.reason is IgnoredReason.UNREADABLE


JSON_VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["main", "refs/heads/main", SHA, "acme/server", "created", "completed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [prefix]
    return [prefix, *(path for key, inner in value.items() for path in _paths(inner, (*prefix, key)))]


@given(st.data())
def test_any_field_may_hold_anything(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(EXAMPLES)))
    whole = payload(name)
    for path in data.draw(st.lists(st.sampled_from([p for p in _paths(whole) if p]), min_size=1, max_size=3)):
        place: Any = whole
        for key in path[:-1]:
            place = place.get(key) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[path[-1]] = data.draw(JSON_VALUE)
    event = parse_event(name, json.dumps(whole).encode())
    if isinstance(event, Ignored):
        assert event.reason in IgnoredReason
