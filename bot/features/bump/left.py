"""Close a bump that was left behind: its base was renamed, or pins the submodule at another path, or not any more."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bot.domain.names import CommitSha, SubmodulePath
from bot.features.bump.jobs import CloseLeftBump, bump_branch
from bot.features.bump.text import render_left_note
from bot.features.fleets.jobs import Outcome
from bot.features.fleets.read import fetch_all
from bot.git.git import GITLINK, GitRepository
from bot.github.client import Client
from bot.github.comments import put_comment
from bot.github.endpoints import repository
from bot.github.endpoints.repository import BranchRefused
from bot.text import markers

if TYPE_CHECKING:
    from bot.features.bump.run import BumpTools

log = logging.getLogger(__name__)


def close_left_bump(tools: BumpTools, client: Client, job: CloseLeftBump) -> Outcome:
    """Say why, close it and delete its branch, unless somebody pushed to it or its base still pins what it moves.

    A pin that is not followed for now (its repository cannot be read, the fleet file is wrong) is pinned still.
    """
    if job.commit not in tools.plans.store.find_pushed(job.fleet, job.branch):
        return ()
    fetch_all(tools.fleets, client, [job.fleet])
    mirror = tools.fleets.mirrors.of(job.fleet)
    base = mirror.resolve(f"refs/heads/{job.base}")
    if base is None or _is_pinned(mirror, base, job):
        return ()
    login = tools.fleets.app.login()
    pull = repository.read_pull(client, job.fleet, job.number)
    if pull.state != "open" or pull.head.sha != job.commit or pull.user is None or pull.user.login != login:
        return ()
    log.info("%s#%d is closed: %s pins nothing that it moves", job.fleet, job.number, job.base)
    note = render_left_note(job.base)
    put_comment(client, job.fleet, job.number, marker=markers.NOTE, body=note, login=login)
    repository.close_pull(client, job.fleet, job.number)
    try:
        repository.delete_branch(client, job.fleet, job.branch)
    except BranchRefused as problem:
        log.warning("%s of %s stays: %s", job.branch, job.fleet, problem)
    return ()


def _is_pinned(mirror: GitRepository, base: CommitSha, job: CloseLeftBump) -> bool:
    pinned = (entry.path for entry in mirror.list_tree(base, recursive=True) if entry.mode == GITLINK)
    return any(bump_branch(job.base, SubmodulePath(path)) == job.branch for path in pinned)
