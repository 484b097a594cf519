"""The merge method is one that the repository and the branch's rules allow."""

from __future__ import annotations

import pytest

from bot.domain.names import RepoName
from bot.github.endpoints.merging import MergeMethod, find_merge_method, merge_pull
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
    sender = Scripted(reply(rules), reply(allowed))
    assert find_merge_method(sender.client(), REPO, "main") is method
    assert sender.lines == ["GET /repos/acme/fleet/rules/branches/main", "GET /repos/acme/fleet"]


def test_a_branch_with_a_merge_queue_is_merged_by_the_queue() -> None:
    sender = Scripted(reply([{"type": "merge_queue", "parameters": {"merge_method": "MERGE"}}]), reply({"data": {}}))
    head, base = PullEnd(ref="words", sha="b" * 40), PullEnd(ref="main", sha="a" * 40)
    pull = PullDetail(number=7, node_id="PR_7", state="open", title="Words", html_url="", head=head, base=base)
    merge_pull(sender.client(), REPO, pull)
    assert sender.lines == ["GET /repos/acme/fleet/rules/branches/main", "POST /graphql"]
    body = sender.sent[1].body
    assert isinstance(body, dict)
    assert "{ enqueuePullRequest(input: {pullRequestId: $pull, expectedHeadOid: $head})" in body["query"]
    assert body["variables"] == {"pull": "PR_7", "head": "b" * 40}
