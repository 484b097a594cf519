"""Attacks on whose merge a rollout stands on: its plan is the one that was approved.

A success: the plan of a pull request counts that only has the commit from its base, because "Update branch" merged it
in; GitHub lists that one for the commit, too. Whoever reopens an old pull request would choose the plan.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bot.domain.names import BranchName, CommitSha, RepoName
from bot.features.rollout.read import approval
from bot.git.mirrors import Mirror
from bot.github.client import Client
from bot.github.endpoints.repository import Pull
from tests.adversary.attack import Attack
from tests.gitworld import commit, git, new_repository

OWN, OTHER = 8, 3


def pull(number: int, *, head: str, base: str, merge: str) -> Pull:
    ends: list[Any] = [SimpleNamespace(ref=ref, sha=sha) for ref, sha in (("b", head), ("main", base))]
    return Pull(
        number=number,
        state="closed",
        title="",
        head=ends[0],
        base=ends[1],
        html_url="",
        merged_at="2026-01-01T00:00:00Z",
        merge_commit_sha=merge,
    )


def counts_for_other(*, squashed: bool, several: bool) -> bool:
    """Whether the approval of `OWN`'s merge is `OTHER`'s; `several`: the pin came by the first of two commits."""
    with tempfile.TemporaryDirectory() as folder:
        clone = new_repository(Path(folder, "fleet"))
        start = commit(clone, {"a": "1"})
        git(clone, "branch", "old")
        pinned = commit(clone, {}, pins={"server": "1" * 40})
        tip = commit(clone, {"b": "1"}) if several else pinned
        git(clone, "switch", "--quiet", "old")
        git(clone, "merge", "--quiet", "--no-ff", "--no-edit", "main")
        commit(clone, {"c": "1"})
        git(clone, "switch", "--quiet", "main")
        git(clone, "merge", "--quiet", *(["--squash"] if squashed else ["--no-ff", "--no-edit"]), "old")
        merge = commit(clone, {}) if squashed else git(clone, "rev-parse", "HEAD")
        listed = (
            pull(OTHER, head=git(clone, "rev-parse", "old"), base=tip, merge=merge),
            pull(OWN, head="9" * 40, base=start, merge=tip),
        )
        client = cast(Client, SimpleNamespace(list=lambda *_, **__: listed))
        mirror = Mirror(clone / ".git", "")
        found = approval.find_merged(client, mirror, RepoName("o/f"), CommitSha(pinned), BranchName("main"))
        return found is not None and found.number == OTHER


BROUGHT = (approval, "_has_brought")
MERGES = {
    f"merge: an old pull request, updated and {how}, behind {what}": Attack(
        partial(counts_for_other, squashed=how == "squashed", several=what == "a rebase"), BROUGHT, lambda *_: True
    )
    for how in ("squashed", "merged")
    for what in ("a squash", "a rebase")
}
