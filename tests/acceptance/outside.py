"""What a person sees of the world: GitHub's REST with a person's token, and docker. Nothing of the bot's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import requests

from bot.domain.names import RepoName
from sandbox.world import AiosWorld

_T = TypeVar("_T")
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class Outside:
    """GitHub as the person `token` belongs to."""

    def __init__(self, world: AiosWorld) -> None:
        self.world = world
        self.url = f"{world.hub.url}/api/v3"
        self._session = requests.Session()
        self._session.headers.update(HEADERS | {"Authorization": f"Bearer {world.token}"})

    def get(self, path: str, **query: str) -> Any:
        """The JSON of one GET; a failure is an AssertionError with the answer."""
        answer = self._session.get(f"{self.url}{path}", params=query, timeout=30)
        assert answer.ok, f"GET {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def every(self, path: str, **query: str) -> list[Any]:
        """Every item of a list that GitHub gives page by page."""
        found: list[Any] = []
        while len(found) % 100 == 0:
            page = self.get(path, per_page="100", page=str(len(found) // 100 + 1), **query)
            if not page:
                break
            found += page
        return found

    def send(self, verb: str, path: str, body: Any = None) -> Any:
        """The JSON of one writing request."""
        answer = self._session.request(verb, f"{self.url}{path}", json=body, timeout=30)
        assert answer.ok, f"{verb} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def pulls(self, repo: RepoName, state: str = "open") -> list[Any]:
        """Pull requests, newest first."""
        return self.every(f"/repos/{repo}/pulls", state=state)

    def checks(self, repo: RepoName, sha: str) -> dict[str, Any]:
        """The check runs of a commit by their names."""
        return {run["name"]: run for run in self.get(f"/repos/{repo}/commits/{sha}/check-runs")["check_runs"]}

    def comments(self, repo: RepoName, number: int) -> list[Any]:
        """The comments of a pull request."""
        return self.every(f"/repos/{repo}/issues/{number}/comments")

    def pin(self, repo: RepoName, ref: str, path: str = "server") -> str:
        """The submodule commit that `ref` pins."""
        return str(self.get(f"/repos/{repo}/contents/{path}", ref=ref)["sha"])

    def deployment_states(self, repo: RepoName, sha: str) -> dict[str, list[str]]:
        """The states that each node's deployment of `sha` went through, oldest first."""
        found = {}
        for deployment in self.get(f"/repos/{repo}/deployments", sha=sha):
            statuses = self.get(f"/repos/{repo}/deployments/{deployment['id']}/statuses")
            found[deployment["environment"]] = [status["state"] for status in reversed(statuses)]
        return found


def eventually(what: str, find: Callable[[], _T | None], *, seconds: float = 30) -> _T:
    """The first truthy answer of `find`, or an AssertionError that says what never came."""
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.05)
