"""Say, where people look, that GitHub does not let a branch of ours be pushed or deleted."""

from __future__ import annotations

import hashlib
import logging

from bot.domain.names import BranchName, CommitSha, RepoName
from bot.features.fleets.text import render_refused_branch
from bot.git.git import GitRepository
from bot.github.checks import ensure_check
from bot.github.client import Client
from bot.github.endpoints.repository import BranchRefused
from bot.plan.report.check import CheckText

log = logging.getLogger(__name__)


def report_refused_branch(
    client: Client,
    repo: RepoName,
    head: CommitSha,
    problem: BranchRefused,
    *,
    mirror: GitRepository,
    branch: BranchName,
    check: str,
    kept: bool = False,
) -> None:
    """Post the check run `check` on `head`, once; `kept`: the branch is not to be deleted."""
    parts = branch.split("/")
    shorter = (BranchName("/".join(parts[:count])) for count in range(1, len(parts)))
    before = None if kept else next((name for name in shorter if mirror.resolve(f"refs/heads/{name}")), None)
    text = render_refused_branch(branch, problem.message, in_the_way=before, kept=kept)
    title = "A branch of the bot stays" if kept else "GitHub refuses a branch of the bot"
    conclusion = "neutral" if kept else "action_required"
    shown = CheckText(title=title, summary=text, text="", conclusion=conclusion)
    log.warning("%s of %s: %s", branch, repo, problem)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    ensure_check(client, repo, head, check, lambda: shown, external_id=f"refused:{digest}")
