"""What a process remembers while GitHub's lists lag, and of what its server refuses."""

from __future__ import annotations

import pytest

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, PullNumber, RepoName
from bot.github.comments import put_comment
from bot.github.connection.memory import LAG, Memory
from bot.github.endpoints import workflows
from bot.github.errors import GitHubError
from bot.github.pulls import find_own_pulls, open_own_pull
from tests.unit.github.scripted import Scripted, reply

REPO, HEAD, BASE = RepoName("acme/fleet"), BranchName("aios-bot/main/server"), BranchName("main")
END = {"ref": "x", "sha": "a" * 40}
PULL = {"number": 7, "state": "open", "title": "t", "head": END, "base": END, "html_url": "u"}


def test_it_forgets_after_the_longest_lag() -> None:
    now = [0.0]
    memory = Memory(clock=lambda: now[0])
    memory.keep("value", "a", 1)
    assert memory.find("a", 1) == "value"
    assert memory.find("a", 2) is None
    now[0] = LAG - 1
    assert memory.find("a", 1) == "value"
    now[0] = LAG
    assert memory.find("a", 1) is None


def test_a_pull_request_that_is_not_listed_yet_is_read_by_its_number() -> None:
    sender = Scripted(reply(PULL, 201), reply([]), reply(PULL), reply([PULL]))
    client = sender.client()
    open_own_pull(client, REPO, head=HEAD, base=BASE, title="t", body="b")
    assert [pull.number for pull in find_own_pulls(client, REPO, head=HEAD)] == [7]
    assert [pull.number for pull in find_own_pulls(client, REPO, head=HEAD)] == [7]
    path = "/repos/acme/fleet/pulls"
    assert sender.lines == [f"POST {path}", f"GET {path}", f"GET {path}/7", f"GET {path}"]


def test_one_that_exists_and_is_not_listed_is_waited_for() -> None:
    exists = {"message": "Validation Failed", "errors": [{"message": "A pull request already exists for acme:x."}]}
    with pytest.raises(RetryLater):
        open_own_pull(Scripted(reply(exists, 422)).client(), REPO, head=HEAD, base=BASE, title="t", body="b")
    with pytest.raises(GitHubError):
        open_own_pull(Scripted(reply({}, 422)).client(), REPO, head=HEAD, base=BASE, title="t", body="b")


def test_a_comment_that_is_not_listed_yet_is_not_made_again() -> None:
    made = {"id": 3, "node_id": "N3", "body": "one\n\n<!-- m -->", "user": {"login": "aios[bot]"}}
    sender = Scripted(reply([]), reply(made, 201), reply([]), reply([]), reply({}))
    client = sender.client()
    for body in ("one", "one", "two"):
        put_comment(client, REPO, PullNumber(7), marker="<!-- m -->", body=body, login="aios[bot]")
    assert [one.verb for one in sender.sent] == ["GET", "POST", "GET", "GET", "PATCH"]


@pytest.mark.parametrize("status", [403, 404, 410, 422])
def test_a_refused_comment_ends_nothing(status: int) -> None:
    sender = Scripted(reply([]), reply({"message": "locked"}, status))
    assert put_comment(sender.client(), REPO, PullNumber(7), marker="m", body="b", login="aios[bot]") == ()


def test_a_parameter_that_the_server_refuses_is_not_sent_again() -> None:
    refusal = {"message": 'Invalid request.\n\n"return_run_details" is not a permitted key.'}
    sender = Scripted(reply(refusal, 422), reply(None, 204), reply(None, 204))
    client = sender.client()
    for _ in range(2):
        assert workflows.dispatch_workflow(client, REPO, workflow="d.yml", ref=BASE, inputs={"a": "b"}) is None
    assert [one.body for one in sender.sent] == [
        {"ref": "main", "inputs": {"a": "b"}, "return_run_details": True},
        {"ref": "main", "inputs": {"a": "b"}},
        {"ref": "main", "inputs": {"a": "b"}},
    ]


def test_another_refusal_of_a_dispatch_is_an_error() -> None:
    with pytest.raises(GitHubError):
        workflows.dispatch_workflow(
            Scripted(reply({"message": "No ref found"}, 422)).client(), REPO, workflow="d", ref=BASE, inputs={}
        )
