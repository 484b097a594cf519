"""Post an order's statuses and report with the token of the workflow job that carries it out."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.domain.errors import RetryLater
from bot.domain.names import DeploymentId, RepoName, parse_repo_name
from bot.github.client import Client
from bot.github.endpoints import checks, deployments
from bot.github.job_token import connect_job
from bot.protocol.order import Order
from bot.protocol.outcome import Outcome
from bot.protocol.report import render_report

LAST_WORD = 300.0  # seconds in which GitHub may be away before a result is given up: without it a wave stops
FIRST_WORD = 10.0  # the same, before the work begins, which this keeps waiting


def make_sink(api_url: str, token: str, repo: str, log_url: str) -> GitHubSink:
    """The sink of one job; `log_url` is its page, or ""."""
    return GitHubSink(connect_job(api_url, token), parse_repo_name(repo), log_url)


class GitHubSink:
    """Posts with the job's own token, to the repository whose workflow this is."""

    def __init__(self, client: Client, fleet: RepoName, log_url: str) -> None:
        self._client = client
        self._fleet = fleet
        self._log_url = log_url

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        insist(
            lambda: deployments.post_deployment_status(
                self._client,
                self._fleet,
                deployment,
                state=state,
                description=description,
                log_url=self._log_url or None,
            ),
            seconds=FIRST_WORD if state == "in_progress" else LAST_WORD,
        )

    def report(self, order: Order, outcome: Outcome) -> None:
        check = render_report(order, outcome)
        insist(
            lambda: checks.post_check(
                self._client,
                self._fleet,
                sha=order.commit,
                name=check.name,
                conclusion=check.conclusion,
                title=check.title,
                summary=check.summary,
                text=check.text,
                external_id=check.external_id,
                details_url=self._log_url,
            ),
            seconds=LAST_WORD,
        )

    def is_withdrawn(self, deployment: DeploymentId) -> bool:
        newest = deployments.find_deployment_statuses(self._client, self._fleet, deployment)
        return bool(newest) and newest[0].state == "inactive"


def insist(say: Callable[[], object], *, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Call `say` until GitHub takes it. The last RetryLater when it would take longer than `seconds`."""
    left = seconds
    while True:
        try:
            say()
        except RetryLater as wait:
            left -= wait.seconds
            if left < 0:
                raise
            sleep(wait.seconds)
        else:
            return
