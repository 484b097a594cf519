"""Post a node's results to GitHub with its job's own token.

By requests alone: a node starts a process for each order, and does without PyGithub. Each call is one request, or
one more for each redirect; none is repeated here. The errors are those of the service's client: RetryLater where
trying again helps, BotError where it does not.
"""

from __future__ import annotations

import http.cookiejar
import time
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import msgspec
import requests

from bot.domain.errors import BotError, RetryLater
from bot.domain.names import CommitSha, DeploymentId, RepoName
from bot.domain.values import Wire

TIMEOUT = 30  # seconds without an answer
MAX_DESCRIPTION = 140  # characters of a deployment status; GitHub refuses more
_MAX_REDIRECTS = 3  # of one request: a renamed repository answers with one
_OUTAGE_WAIT = (5.0, 60.0)  # seconds before the next try: at first, and at most
_LIMIT_WAIT = (60.0, 3600.0)  # the same for a rate limit that names no time
_REDIRECTS = (301, 302, 307, 308)


class _Status(Wire, frozen=True):
    state: str


class JobClient:
    """Requests to the repository whose workflow the job belongs to. `api_url` has no slash at its end."""

    def __init__(self, api_url: str, token: str, repo: RepoName) -> None:
        self._base = f"{api_url}/repos/{repo}"
        self._outages = self._limits = 0  # in a row
        self.session = requests.Session()
        self.session.auth = lambda request: request  # not the credentials in .netrc
        self.session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self.session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "User-Agent": "aios-bot",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        )

    def post_deployment_status(self, deployment: DeploymentId, *, state: str, description: str, log_url: str) -> None:
        """A new status of a deployment; `state` is one of GitHub's. `log_url` "" links nothing."""
        body = {"state": state, "description": description[:MAX_DESCRIPTION], "auto_inactive": True}
        self._send(f"deployments/{deployment}/statuses", body | ({"log_url": log_url} if log_url else {}))

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
        output = {"title": title, "summary": summary} | ({"text": text} if text else {})
        body: dict[str, object] = {"name": name, "head_sha": sha, "status": "completed", "conclusion": conclusion}
        body |= {"external_id": external_id, "output": output} | ({"details_url": details_url} if details_url else {})
        self._send("check-runs", body)

    def find_newest_state(self, deployment: DeploymentId) -> str | None:
        """The state of the deployment's newest status; None before the first."""
        path = f"deployments/{deployment}/statuses"
        text = self._send(f"{path}?per_page=1")
        try:
            found = msgspec.json.decode(text, type=list[_Status])
        except msgspec.MsgspecError as problem:
            raise RetryLater(f"GitHub's answer from {path} is not what it documents: {problem}", seconds=30) from None
        return found[0].state if found else None

    def _send(self, path: str, body: Mapping[str, object] | None = None) -> bytes:
        """The body of the answer to one request (POST with a `body`, else GET), or RetryLater or BotError."""
        verb = "GET" if body is None else "POST"
        what, url = f"{verb} {path}", f"{self._base}/{path}"
        data = msgspec.json.encode(body) if body is not None else None
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                answer = self.session.request(verb, url, data=data, timeout=TIMEOUT, allow_redirects=False)
            except requests.RequestException as problem:
                raise self._outage(what, f"GitHub did not answer ({type(problem).__name__})") from None
            target = answer.headers.get("location", "")
            if answer.status_code not in _REDIRECTS or not target:
                return self._judge(what, answer)
            url = urljoin(url, target)
            if urlsplit(url)[:2] != urlsplit(self._base)[:2]:  # the token must not follow
                raise BotError(f"GitHub refused {what} ({answer.status_code}): a redirect to another server")
        raise self._outage(what, "one redirect leads to the next")

    def _judge(self, what: str, answer: requests.Response) -> bytes:
        status, headers = answer.status_code, answer.headers
        if 200 <= status < 300 and status != 202:
            self._outages = self._limits = 0
            return answer.content
        message = _message(answer)
        exhausted = headers.get("x-ratelimit-remaining") == "0"
        if status == 429 or (
            status == 403 and ("retry-after" in headers or exhausted or "rate limit" in message.lower())
        ):
            reset = headers.get("x-ratelimit-reset", "")
            until_reset = max(1.0, float(reset) - time.time() + 1) if exhausted and reset.isdigit() else None
            wait = _retry_after(headers) or until_reset or _backoff(_LIMIT_WAIT, self._limits)
            self._limits += 1
            raise RetryLater(f"GitHub asks to wait before {what}: {message}", seconds=wait)
        if status >= 500 or status in (202, 304, *_REDIRECTS):
            raise self._outage(what, f"GitHub could not do it ({status})", headers)
        if status == 401:
            raise RetryLater(f"GitHub did not accept our credentials for {what}: {message}", seconds=2)
        raise BotError(f"GitHub refused {what} ({status}): {message}")

    def _outage(self, what: str, happened: str, headers: Mapping[str, str] | None = None) -> RetryLater:
        wait = _retry_after(headers or {}) or _backoff(_OUTAGE_WAIT, self._outages)
        self._outages += 1
        return RetryLater(f"{what}: {happened}", seconds=wait)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    seconds = headers.get("retry-after", "")
    return max(1.0, float(seconds)) if seconds.isdigit() else None


def _backoff(wait: tuple[float, float], times: int) -> float:
    first, longest = wait
    return float(min(first * 2 ** min(times, 10), longest))


def _message(answer: requests.Response) -> str:
    """GitHub's own message, with the errors that it lists."""
    try:
        data = answer.json()
    except ValueError:
        return ""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    texts = [
        str(error.get("message") or error.get("code") or "") if isinstance(error, dict) else str(error)
        for error in (errors if isinstance(errors, list) else [])
    ]
    return "; ".join([str(data.get("message", "")), *filter(None, texts)])[:500]
