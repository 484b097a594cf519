"""A node's word to GitHub while GitHub is away: a result is told in the end, a beginning is not waited for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.agent.github_sink import GitHubSink, retry_until
from bot.domain.errors import RetryLater
from bot.domain.names import CommitSha, DeploymentId, NodeName, RepoName
from bot.github.app import connect
from bot.github.endpoints import deployments
from bot.github.job_token import JobClient
from sandbox.github import Cut, EmbeddedGitHub, Fault
from tests.gitworld import commit, git, new_repository

FLEET, NODE = RepoName("acme/fleet"), NodeName("HP_LAB")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[EmbeddedGitHub]:
    with EmbeddedGitHub(tmp_path / "hub") as hub:
        hub.start()
        hub.create_repository(FLEET)
        yield hub


def test_a_result_is_told_once_github_is_back(hub: EmbeddedGitHub, tmp_path: Path) -> None:
    token = hub.create_user("person")
    hub.set_permission(FLEET, "person", "admin")
    new_repository(tmp_path / "clone")
    sha = commit(tmp_path / "clone", {"a": "1"})
    address = hub.url.replace("://", f"://person:{token}@")
    git(tmp_path / "clone", "push", "--quiet", f"{address}/{FLEET}.git", "HEAD:main")
    client = connect(f"{hub.url}/api/v3", token)
    made = deployments.post_deployment(
        client, FLEET, sha=CommitSha(sha), node=NODE, task="deploy:server", description="", payload={}
    )

    def is_status(method: str, path: str) -> bool:
        return method == "POST" and path.endswith("/statuses")

    hub.faults[:] = [
        Fault(is_status, cut=Cut.CONNECTION),
        Fault(is_status, 503, headers={"Retry-After": "1"}),
        Fault(is_status, 502, headers={"Retry-After": "1"}, after_effect=True),
    ]
    sink = GitHubSink(lambda: JobClient(f"{hub.url}/api/v3", token, FLEET), "")
    sink.post(DeploymentId(made.id), "success", "well")
    statuses = deployments.find_deployment_statuses(client, FLEET, DeploymentId(made.id))
    assert {status.state for status in statuses} == {"success"}
    assert [fault.played for fault in hub.faults] == [1, 1, 1]


def test_what_takes_too_long_is_given_up() -> None:
    slept: list[float] = []

    def refused() -> None:
        raise RetryLater("GitHub is away", seconds=4)

    with pytest.raises(RetryLater):
        retry_until(refused, seconds=10, sleep=slept.append)
    assert slept == [4, 4]


def test_whether_an_order_stands_is_asked_again_while_github_is_away(hub: EmbeddedGitHub, tmp_path: Path) -> None:
    token = hub.create_user("person")
    hub.set_permission(FLEET, "person", "admin")
    new_repository(tmp_path / "clone")
    sha = commit(tmp_path / "clone", {"a": "1"})
    address = hub.url.replace("://", f"://person:{token}@")
    git(tmp_path / "clone", "push", "--quiet", f"{address}/{FLEET}.git", "HEAD:main")
    client = connect(f"{hub.url}/api/v3", token)
    made = deployments.post_deployment(
        client, FLEET, sha=CommitSha(sha), node=NODE, task="deploy:server", description="", payload={}
    )
    number = DeploymentId(made.id)
    deployments.post_deployment_status(client, FLEET, number, state="inactive", description="withdrawn", log_url=None)

    def is_question(method: str, path: str) -> bool:
        return method == "GET" and path.endswith("/statuses")

    hub.faults[:] = [Fault(is_question, 503, headers={"Retry-After": "1"})]
    assert GitHubSink(lambda: JobClient(f"{hub.url}/api/v3", token, FLEET), "").is_withdrawn(number)
    assert [fault.played for fault in hub.faults] == [1]
