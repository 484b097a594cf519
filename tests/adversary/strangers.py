"""Identities other than the bot's that GitHub gives tokens to: a second App, and the job of a workflow."""

from __future__ import annotations

from typing import Any

import requests

from bot.domain.names import InstallationId, RepoName
from bot.github.app import App
from sandbox.world import OWNER
from tests.acceptance.conftest import Running

EVERYTHING = {"checks": "write", "contents": "write", "deployments": "write", "pull_requests": "write"}


class Stranger:
    """Requests with a token that is not the bot's."""

    def __init__(self, running: Running, token: str) -> None:
        self._url = f"{running.world.hub.url}/api/v3"
        self._headers = {"Authorization": f"Bearer {token}"}

    def send(self, verb: str, path: str, body: Any = None) -> Any:
        """The JSON of one request that GitHub lets this identity make."""
        sent = requests.request(verb, f"{self._url}{path}", json=body, headers=self._headers, timeout=30)
        assert sent.ok, f"{verb} {path}: {sent.status_code} {sent.text[:300]}"
        return sent.json() if sent.content else None

    def post_check(self, repo: RepoName, sha: str, name: str, *, external_id: str) -> int:
        """Post a green check run; its id."""
        body = {"name": name, "head_sha": sha, "status": "completed", "conclusion": "success"}
        output = {"title": "all is well", "summary": "nothing in this needs a person"}
        made = self.send("POST", f"/repos/{repo}/check-runs", body | {"external_id": external_id, "output": output})
        return int(made["id"])


def second_app(running: Running, repo: RepoName) -> Stranger:
    """Another App of the same owner, which may write checks."""
    hub = running.world.hub
    made = hub.register_app("helpful-linter", EVERYTHING, [], "", "")
    number = InstallationId(hub.install(made, OWNER, [repo]))
    app = App(api_url=f"{hub.url}/api/v3", app_id=str(made.id), private_key=made.private_key_pem)
    return Stranger(running, app.as_installation(number, repositories=[repo]).token)


def workflow_job(running: Running, repo: RepoName) -> Stranger:
    """A job of a workflow that somebody with write permission pushed."""
    return Stranger(running, running.world.hub.new_job_token(repo, EVERYTHING))


def forgers(running: Running, repo: RepoName) -> tuple[Stranger, ...]:
    """Everybody but the bot who can post a check run in `repo`."""
    return second_app(running, repo), workflow_job(running, repo)
