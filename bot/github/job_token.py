"""Post a node's results to GitHub with its job's own token.

By requests alone: a node starts a process for each order, and does without PyGithub, which takes a third of a second
to load. Each call is one request, or one more for each redirect; none is repeated here. The errors are those of
`bot.github.client`: RetryLater where trying again helps, GitHubError where it does not.
"""

from __future__ import annotations

import http.cookiejar
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from bot.domain.names import CommitSha, DeploymentId, RepoName
from bot.github.client import Client, Response
from bot.github.connection.backoff import Backoff
from bot.github.endpoints import checks, deployments

TIMEOUT = 30  # seconds without a response


class JobClient:
    """Requests to the repository whose workflow the job belongs to."""

    def __init__(self, api_url: str, token: str, repo: RepoName) -> None:
        sender = JobSender(api_url, token)
        self.session = sender.session
        self._client = Client(sender, Backoff(), token=token)
        self._repo = repo

    def post_deployment_status(self, deployment: DeploymentId, *, state: str, description: str, log_url: str) -> None:
        """A new status of a deployment; `state` is one of GitHub's. `log_url` "" links nothing."""
        deployments.post_deployment_status(
            self._client, self._repo, deployment, state=state, description=description, log_url=log_url or None
        )

    def post_check(
        self,
        sha: CommitSha,
        *,
        name: str,
        conclusion: str,
        title: str,
        summary: str,
        text: str,
        external_id: str,
        details_url: str,
    ) -> None:
        """A completed check run on `sha`. `text` and `details_url` are left out when they are ""."""
        checks.post_check(
            self._client,
            self._repo,
            sha=sha,
            name=name,
            conclusion=conclusion,
            title=title,
            summary=summary,
            text=text,
            external_id=external_id,
            details_url=details_url,
        )

    def find_newest_state(self, deployment: DeploymentId) -> str | None:
        """The state of the deployment's newest status; None before the first."""
        newest = deployments.find_deployment_statuses(self._client, self._repo, deployment, most=1)
        return newest[0].state if newest else None


class JobSender:
    """Sends requests with one token, over one session."""

    def __init__(self, api_url: str, token: str) -> None:
        parts = urlsplit(api_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.graphql_url = f"{api_url.removesuffix('/v3')}/graphql"
        self._api_url = api_url.rstrip("/")
        self.session = requests.Session()
        self.session.auth = lambda request: request  # not the credentials in .netrc
        self.session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self.session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "User-Agent": "aios-bot",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        )

    def send(
        self,
        verb: str,
        path: str,
        *,
        parameters: Mapping[str, str | int],
        headers: Mapping[str, str],
        body: object,
    ) -> Response:
        """One HTTP request. Raises requests' exceptions and ConnectionError when no response came."""
        response = self.session.request(
            verb,
            self._locate(path),
            params=sorted(parameters.items()),
            headers={**headers} | ({"Content-Type": "application/json"} if body is not None else {}),
            data=json.dumps(body).encode() if body is not None else None,
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        received = {name.lower(): text for name, text in response.headers.items()}
        return Response(response.status_code, received, response.text)

    def _locate(self, path: str) -> str:
        """The URL of `path`; of another URL only its path and query, so that the token stays on this server."""
        if path.startswith("/"):
            return self._api_url + path
        return self.origin + urlsplit(path)._replace(scheme="", netloc="", fragment="").geturl()
