"""How a node speaks to GitHub: with its job's own token, to the repository whose workflow the job is of."""

from __future__ import annotations

from bot.effects.endpoints import repository
from bot.effects.github import Client
from bot.names import DeploymentId, RepoName, parse_repo_name
from bot.node.order import Order
from bot.node.outcome import Outcome
from bot.node.report import render_report


def make_sink(api_url: str, token: str, repo: str, log_url: str) -> GitHubSink:
    """The sink of one job; `log_url` is its page, or ""."""
    return GitHubSink(Client.with_token(api_url, token), parse_repo_name(repo), log_url)


class GitHubSink:
    """Posts with the job's own token, to the repository whose workflow this is."""

    def __init__(self, client: Client, fleet: RepoName, log_url: str) -> None:
        self._client = client
        self._fleet = fleet
        self._log_url = log_url

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        repository.post_deployment_status(
            self._client,
            self._fleet,
            deployment,
            state=state,
            description=description,
            log_url=self._log_url or None,
        )

    def report(self, order: Order, outcome: Outcome) -> None:
        check = render_report(order, outcome)
        repository.post_check(
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
        )

    def is_withdrawn(self, deployment: DeploymentId) -> bool:
        newest = repository.find_deployment_statuses(self._client, self._fleet, deployment)
        return bool(newest) and newest[0].state == "inactive"
