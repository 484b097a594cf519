"""The merge method is one that the repository and the branch's rules allow."""

from __future__ import annotations

import pytest

from bot.domain.names import RepoName
from bot.github.client import Response
from bot.github.endpoints.merging import MergeMethod, TakenOut, merge_pull
from bot.github.endpoints.people import PullDetail
from bot.github.shapes import PullEnd
from tests.unit.github.scripted import Scripted, reply

REPO = RepoName("acme/fleet")


def allow(*methods: str) -> dict[str, bool]:
    names = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
    return {name: method in methods for method, name in names.items()}


def rule(*methods: str) -> dict[str, object]:
    return {"type": "pull_request", "parameters": {"allowed_merge_methods": list(methods)}}


LINEAR = {"type": "required_linear_history"}


@pytest.mark.parametrize(
    ("allowed", "rules", "method"),
    [
        ({}, [], MergeMethod.MERGE),
        (allow("merge", "squash", "rebase"), [], MergeMethod.MERGE),
        (allow("squash"), [], MergeMethod.SQUASH),
        (allow("rebase"), [], MergeMethod.REBASE),
        (allow("merge", "squash", "rebase"), [LINEAR], MergeMethod.SQUASH),
        (allow("merge", "rebase"), [LINEAR], MergeMethod.REBASE),
        (allow("merge", "squash", "rebase"), [rule("rebase")], MergeMethod.REBASE),
        (allow("merge", "squash"), [rule("rebase", "squash")], MergeMethod.SQUASH),
        ({}, [{"type": "pull_request", "parameters": {}}, {"type": "deletion"}], MergeMethod.MERGE),
        (allow(), [], MergeMethod.MERGE),
    ],
)
def test_the_first_allowed_method_is_used(
    allowed: dict[str, bool], rules: list[dict[str, object]], method: MergeMethod
) -> None:
    sender = Scripted(reply(rules), reply(allowed), reply({"merged": True}))
    merge_pull(sender.client(), REPO, PULL)
    assert sender.lines[:2] == ["GET /repos/acme/fleet/rules/branches/main", "GET /repos/acme/fleet"]
    assert sender.sent[-1].body == {"sha": "b" * 40, "merge_method": method}


QUEUED = reply([{"type": "merge_queue", "parameters": {"merge_method": "MERGE"}}])
PULL = PullDetail(
    number=7,
    node_id="PR_7",
    state="open",
    title="Words",
    html_url="",
    head=PullEnd(ref="words", sha="b" * 40),
    base=PullEnd(ref="main", sha="a" * 40),
)


def events(*names: str) -> Response:
    return reply([{"event": name, "created_at": "2026-11-30T12:00:00Z"} for name in names])


def committed_at(time: str) -> Response:
    return reply({"committer": {"date": f"2026-11-30T{time}Z"}})


@pytest.mark.parametrize(
    "before",
    [
        (events("labeled"),),
        (events("added_to_merge_queue", "removed_from_merge_queue"), committed_at("12:00:01")),  # it moved since
    ],
)
def test_a_branch_with_a_merge_queue_is_merged_by_the_queue(before: tuple[Response, ...]) -> None:
    sender = Scripted(QUEUED, *before, reply({"data": {}}))
    merge_pull(sender.client(), REPO, PULL)
    assert sender.lines[0] == "GET /repos/acme/fleet/rules/branches/main"
    assert sender.lines[-1] == "POST /graphql"
    body = sender.sent[-1].body
    assert isinstance(body, dict)
    assert "{ enqueuePullRequest(input: {pullRequestId: $pull, expectedHeadOid: $head})" in body["query"]
    assert body["variables"] == {"pull": "PR_7", "head": "b" * 40}


def test_what_is_in_the_queue_is_not_put_into_it_again() -> None:
    sender = Scripted(QUEUED, events("removed_from_merge_queue", "added_to_merge_queue", "labeled"))
    merge_pull(sender.client(), REPO, PULL)
    assert sender.responses == []


def test_what_was_taken_out_of_the_queue_is_a_persons_to_put_back() -> None:
    out = ("added_to_merge_queue", "removed_from_merge_queue", "labeled")
    sender = Scripted(QUEUED, events(*out), committed_at("12:00:00"))
    with pytest.raises(TakenOut, match="taken out of the merge queue"):
        merge_pull(sender.client(), REPO, PULL)
