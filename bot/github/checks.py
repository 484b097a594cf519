"""Post check runs, each found before it is made."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.names import CommitSha, RepoName
from bot.github.client import Client
from bot.github.endpoints import checks
from bot.plan.report.check import CheckText


def ensure_check(
    client: Client,
    repo: RepoName,
    head: CommitSha,
    name: str,
    render: Callable[[], CheckText],
    *,
    external_id: str,
    details_url: str = "",
    buttons: tuple[dict[str, str], ...] = (),
    is_new_commit: bool = False,
) -> bool:
    """Post a completed check run on `head`, unless our own App posted one with its name and `external_id`.

    `external_id` stands for all that the check says. On a commit that was just made nothing is looked for, and what
    this process posted a moment ago it knows. Returns whether the check was posted now.
    """
    remembered = client.memory.find("check", repo, head, name)
    if remembered == external_id:
        return False
    if not (is_new_commit or (remembered is None and client.memory.find("made", repo, head))):
        posted = checks.find_own_checks(client, repo, head, name=name)
        if any(run.external_id == external_id for run in posted):
            return False
    check = render()
    client.memory.keep("", "check", repo, head, name)  # begun: if that fails, the next time looks for it
    checks.post_check(
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
    client.memory.keep(external_id, "check", repo, head, name)
    return True


def note_new_commit(client: Client, repo: RepoName, head: CommitSha) -> None:
    """Remember that `head` was made just now, so that no check is there yet."""
    client.memory.keep(True, "made", repo, head)
