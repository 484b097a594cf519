"""Report a node's orders to GitHub, with its job's own token, to the repository whose workflow the job belongs to."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from bot.domain.errors import RetryLater
from bot.domain.names import DeploymentId, parse_repo_name
from bot.protocol.order import Order
from bot.protocol.outcome import Outcome

if TYPE_CHECKING:
    from bot.github.job_token import JobClient

RESULT_TIMEOUT = 300.0  # seconds for which a result is retried while GitHub is away: without it a wave stops
STANDING_TIMEOUT = 60.0  # seconds for which it is asked whether an order still stands, before it is refused
START_TIMEOUT = 10.0  # seconds for the first status, for which the work has to wait


def make_sink(api_url: str, token: str, repo: str, log_url: str) -> GitHubSink:
    """The sink of one job; `log_url` is its page, or ""."""

    @cache
    def connect() -> JobClient:
        from bot.github.job_token import JobClient  # noqa: PLC0415 - loaded while git fetches

        return JobClient(api_url, token, parse_repo_name(repo))

    return GitHubSink(connect, log_url)


class GitHubSink:
    """Posts statuses and reports, and retries while GitHub is away."""

    def __init__(self, connect: Callable[[], JobClient], log_url: str) -> None:
        self._client = connect
        self._log_url = log_url

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        retry_until(
            lambda: self._client().post_deployment_status(
                deployment, state=state, description=description, log_url=self._log_url
            ),
            seconds=START_TIMEOUT if state == "in_progress" else RESULT_TIMEOUT,
        )

    def report(self, order: Order, outcome: Outcome) -> None:
        from bot.protocol.report import render_report  # noqa: PLC0415 - not before there is something to report

        check = render_report(order, outcome)
        retry_until(
            lambda: self._client().post_check(
                order.commit,
                name=check.name,
                conclusion=check.conclusion,
                title=check.title,
                summary=check.summary,
                text=check.text,
                external_id=check.external_id,
                details_url=self._log_url,
            ),
            seconds=RESULT_TIMEOUT,
        )

    def is_withdrawn(self, deployment: DeploymentId) -> bool:
        found: list[str | None] = []
        retry_until(lambda: found.append(self._client().find_newest_state(deployment)), seconds=STANDING_TIMEOUT)
        return found[-1] == "inactive"


def retry_until(send: Callable[[], object], *, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Call `send` until GitHub accepts it. The last RetryLater when that would take longer than `seconds`."""
    left = seconds
    while True:
        try:
            send()
        except RetryLater as wait:
            left -= wait.seconds
            if left < 0:
                raise
            sleep(wait.seconds)
        else:
            return
