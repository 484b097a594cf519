"""From bot/features/bump/apply.py: say here what this module is for."""

from __future__ import annotations

from bot.domain.names import CommitSha, RepoName
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.plan.report.check import CheckText


def post_check(
    client: Client,
    repo: RepoName,
    head: CommitSha,
    name: str,
    check: CheckText,
    *,
    external_id: str,
    details_url: str = "",
    buttons: tuple[dict[str, str], ...] = (),
) -> None:
    """A finished check run."""
    repository.post_check(
        client,
        repo,
        sha=head,
        name=name,
        conclusion=check.conclusion,
        title=check.title,
        summary=check.summary,
        text=check.text,
        external_id=external_id,
        details_url=details_url,
        annotations=tuple(annotation.as_github() for annotation in check.annotations),
        buttons=buttons,
    )
