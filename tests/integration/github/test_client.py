"""The seam over GitHub against the embedded one: what is free, what is narrow, and every way an answer goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, InstallationId, RepoName
from bot.features.fleets.jobs import Access
from bot.features.fleets.read import PERMISSIONS
from bot.github.app import App
from bot.github.client import Client
from bot.github.endpoints import comments, deployments, repository
from bot.github.errors import GitHubError, NotFound
from bot.github.manifest import permissions
from sandbox.github import Cut, EmbeddedGitHub, Fault

ONE, TWO = RepoName("acme/one"), RepoName("acme/two")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[EmbeddedGitHub]:
    with EmbeddedGitHub(tmp_path) as hub:
        hub.start()
        for repo in (ONE, TWO):
            hub.create_repository(repo, private=True)
        yield hub


@pytest.fixture
def installation(hub: EmbeddedGitHub) -> tuple[App, InstallationId]:
    app = hub.register_app("bot", permissions(), [], "", "")
    number = hub.install(app, "acme", [ONE, TWO])
    ours = App(api_url=f"{hub.url}/api/v3", app_id=str(app.id), private_key=app.private_key_pem)
    return ours, InstallationId(number)


@pytest.fixture
def client(installation: tuple[App, InstallationId], hub: EmbeddedGitHub) -> Client:
    client = installation[0].as_installation(installation[1])
    hub.requests.clear()
    return client


def statuses(hub: EmbeddedGitHub) -> list[tuple[str, int]]:
    return [(one.method, one.status) for one in hub.requests]


def test_looking_again_is_free(hub: EmbeddedGitHub, installation: tuple[App, InstallationId], client: Client) -> None:
    first = repository.find_repositories(client)
    again = repository.find_repositories(installation[0].as_installation(installation[1]))
    assert [repo.full_name for repo in first] == [ONE, TWO]
    assert again == first
    assert statuses(hub) == [("GET", 200), ("GET", 304)]
    hub.create_repository("acme/other")
    assert repository.find_repository(client, ONE) != repository.find_repository(client, TWO)


def test_an_app_that_was_renamed_knows_its_own_comments_within_the_hour(
    hub: EmbeddedGitHub, installation: tuple[App, InstallationId], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("bot.github.app.time", SimpleNamespace(monotonic=lambda: now[0]))
    ours, _ = installation
    assert ours.login() == "bot[bot]"
    hub.rename_app(hub.find_app("bot")[0].id, "deployer")
    now[0] += 3600
    assert ours.login() == "bot[bot]"
    now[0] += 1
    assert ours.login() == "deployer[bot]"


def test_one_token_serves_all_work_of_its_scope(
    hub: EmbeddedGitHub, installation: tuple[App, InstallationId]
) -> None:
    app, number = installation
    app.installation(number)
    hub.requests.clear()
    for _ in range(3):
        app.as_installation(number, repositories=[ONE, TWO], permissions=PERMISSIONS[Access.WRITE])
        app.as_installation(number, permissions=PERMISSIONS[Access.LIST])
    assert [one.method for one in hub.requests] == ["POST", "POST"]


def test_a_token_reaches_its_own_repositories_and_rights_only(installation: tuple[App, InstallationId]) -> None:
    app, number = installation
    narrow = app.as_installation(number, repositories=[ONE], permissions=PERMISSIONS[Access.READ])
    assert repository.find_repository(narrow, ONE)
    assert repository.find_repository(narrow, TWO) is None
    with pytest.raises(GitHubError, match="not accessible"):
        repository.open_pull(narrow, ONE, head=BranchName("x"), base=BranchName("main"), title="title", body="body")


def test_what_is_not_granted_is_asked_for_more_widely(installation: tuple[App, InstallationId]) -> None:
    app, number = installation
    foreign = [ONE, RepoName("acme/not-installed"), RepoName("elsewhere/public")]
    client = app.as_installation(
        number, repositories=foreign, permissions={**PERMISSIONS[Access.WRITE], "administration": "write"}
    )
    assert repository.find_repository(client, ONE)
    assert repository.find_repository(client, TWO) is None
    with pytest.raises(GitHubError):
        app.as_installation(number, repositories=[RepoName("acme/not-installed")])


def test_an_ended_token_is_replaced(
    hub: EmbeddedGitHub, installation: tuple[App, InstallationId], client: Client
) -> None:
    app, number = installation
    hub.faults.append(Fault(lambda _method, _path: True, 401, message="Bad credentials"))
    with pytest.raises(RetryLater):
        repository.find_repository(client, ONE)
    assert app.as_installation(number).token != client.token


def always(_method: str, _path: str) -> bool:
    return True


@pytest.mark.parametrize(
    "fault",
    [
        Fault(always, 500),
        Fault(always, 502, after_effect=True),
        Fault(always, 503, headers={"Retry-After": "3"}),
        Fault(always, 403, headers={"Retry-After": "3"}, message="You have exceeded a secondary rate limit"),
        Fault(always, 429, message="slow"),
        Fault(always, 403, message="You have exceeded a secondary rate limit"),
        Fault(always, 403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99"}, message="exhausted"),
        Fault(always, 202),
        Fault(always, cut=Cut.CONNECTION),
        Fault(always, cut=Cut.BODY),
        Fault(always, cut=Cut.TRANSFER),
        Fault(always, 307, times=9, headers={"Location": f"/api/v3/repos/{ONE}"}),
    ],
    ids=lambda fault: f"{fault.status or fault.cut}{'-after' if fault.after_effect else ''}",
)
def test_what_helps_to_wait_for_is_waited_for(hub: EmbeddedGitHub, client: Client, fault: Fault) -> None:
    location = fault.headers.get("Location")
    hub.faults.append(replace(fault, headers={"Location": hub.url + location} if location else fault.headers))
    with pytest.raises(RetryLater) as waiting:
        repository.find_repository(client, ONE)
    assert waiting.value.seconds > 0
    hub.faults.clear()
    assert repository.find_repository(client, ONE), "and then all is as ever"


def test_the_end_of_the_hours_requests_is_waited_for(
    hub: EmbeddedGitHub, installation: tuple[App, InstallationId], client: Client
) -> None:
    hub.hourly = 2
    for _ in range(3):
        deployments.find_deployments(client, ONE)  # asked again, the same costs nothing
    repository.find_repository(client, ONE)
    with pytest.raises(RetryLater) as waiting:
        repository.find_repository(client, TWO)
    assert 3000 < waiting.value.seconds <= 3601
    with pytest.raises(RetryLater):
        installation[0].budget(installation[1]).admit(urgent=True)


def test_a_renamed_repository_is_followed_also_by_a_post(hub: EmbeddedGitHub, client: Client) -> None:
    new = f"{hub.url}/api/v3/repos/{TWO}/issues/99/comments"
    hub.faults.append(Fault(lambda _method, path: ONE in path, 307, headers={"Location": new}))
    with pytest.raises(NotFound):  # there is no such pull request, which is what `new` answers
        comments.post_comment(client, ONE, 99, "hello")
    assert [(one.method, one.status) for one in hub.requests] == [("POST", 307), ("POST", 404)]


def test_nobody_is_sent_to_another_server(hub: EmbeddedGitHub, client: Client) -> None:
    hub.faults.append(Fault(always, 302, headers={"Location": "https://elsewhere.example/api/v3/user"}))
    with pytest.raises(GitHubError, match="another server"):
        repository.find_repository(client, ONE)
