"""A branch that was made or deleted since it was looked for is moved or made all the same."""

from __future__ import annotations

import pytest

from bot.domain.names import BranchName, RepoName, parse_commit_sha
from bot.github.endpoints.repository import BranchRefused, delete_branch, push_branch
from bot.github.errors import GitHubError
from tests.unit.github.scripted import Scripted, reply

REPO, BRANCH, SHA = RepoName("acme/fleet"), BranchName("aios-bot/server"), parse_commit_sha("a" * 40)
MOVE, MAKE = f"PATCH /repos/{REPO}/git/refs/heads/{BRANCH}", f"POST /repos/{REPO}/git/refs"


@pytest.mark.parametrize(
    ("exists", "message", "requests"),
    [
        (False, "Reference already exists", [MAKE, MOVE]),
        (True, "Reference does not exist", [MOVE, MAKE]),
    ],
)
def test_the_other_request_follows(exists: bool, message: str, requests: list[str]) -> None:
    sender = Scripted(reply({"message": message}, status=422), reply({}))
    push_branch(sender.client(), REPO, BRANCH, SHA, exists=exists)
    assert sender.lines == requests
    assert SHA in str(sender.sent[1].body)


@pytest.mark.parametrize(("exists", "request_"), [(False, MAKE), (True, MOVE)])
def test_another_refusal_is_an_error(exists: bool, request_: str) -> None:
    sender = Scripted(reply({"message": "Object does not exist"}, status=422))
    with pytest.raises(GitHubError, match="Object does not exist") as raised:
        push_branch(sender.client(), REPO, BRANCH, SHA, exists=exists)
    assert not isinstance(raised.value, BranchRefused), "no rule: the job is tried again"
    assert sender.lines == [request_]


def test_a_branch_that_is_gone_is_deleted() -> None:
    delete_branch(Scripted(reply({"message": "Reference does not exist"}, status=422)).client(), REPO, BRANCH)


def test_a_branch_that_rules_keep_is_not() -> None:
    sender = Scripted(reply({"message": "Repository rule violations found"}, status=422))
    with pytest.raises(GitHubError, match="rule violations"):
        delete_branch(sender.client(), REPO, BRANCH)
