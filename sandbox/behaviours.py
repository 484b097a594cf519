"""What real GitHub does and a simple double would not: each behaviour a switch, all of them off by default."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

ORGANIZATION_PERMISSIONS = frozenset({"members", "organization_self_hosted_runners"})


@dataclass
class Behaviours:
    """The switches. A test sets them at any time; `clock` gives seconds since 1970."""

    clock: Callable[[], float] = time.time
    personal_accounts: bool = False
    """An installation in a user's account has no organisation permissions (chad-loder/pyhaul#20)."""
    lag: float = 0.0
    """Seconds before lists show what was made or merged: pull requests, those of a commit, deployments, comments
    (apache/texera#4620, tektoncd/pipelines-as-code#2382)."""
    pull_lag: float = 0.0
    """Seconds before a pull request that is read by its number shows what became of it; the event comes at once
    (tanium/octobot#75, rocq-prover/bot#1)."""
    finds_out_mergeability: bool = False
    """The first answer about a pull request's head and base says `mergeable: null`, "unknown" (REST: pulls/get)."""
    never_finds_out_mergeability: bool = False
    """Every answer says so, for hours (pascalgn/automerge-action#70, ridedott/merge-me-action#674)."""
    knows_run_details: bool = True
    """Dispatches take `return_run_details`; GitHub Enterprise Server up to 3.19 refuses it
    (benc-uk/workflow-dispatch#86)."""
    strict_headers: bool = False
    """A request without the API version and the media type of today is refused."""
    without_activity: bool = False
    """The record of pushes is not to be read (an older server, a private fork): 404."""
    free_plan: bool = False
    """Private repositories have no rulesets, and are answered 403 about them (github/branch-deploy#345)."""
    content_pause: float = 0.0
    """Seconds within which a second comment or pull request of the same author is refused: 422 "was submitted too
    quickly" (whatwg/spec-factory#55)."""
    git_lag: float = 0.0
    """Seconds before a fetch gets what was pushed; the event of the push comes at once (rancher/fleet#4842,
    jquery/jquery-license#23)."""
    base_was_modified: int = 0
    """So many of the next merges are refused: 405 "Base branch was modified" (cli/cli#8092)."""
    broken_queries: int = 0
    """So many of the next GraphQL requests are answered 200 with "Something went wrong while executing your query"
    (octokit/plugin-retry.js#395)."""
    payload_as_text: bool = False
    """A deployment's payload comes back as JSON in a string (REST: deployments, "object or string";
    google/go-github#1116)."""
    limited_queries: int = 0
    """So many of the next GraphQL requests meet a secondary limit: 200, and an error without a type (docs: rate
    limits and query limits for the GraphQL API)."""
    web_flow: str = "GitHub"
    """Who commits what is merged and edited on its pages; "GitHub Enterprise" on an Enterprise Server
    (desktop/desktop#4329, #13852)."""


SERVERS = {
    "github.com": Behaviours(),
    "personal": Behaviours(personal_accounts=True),
    "lagging": Behaviours(lag=15.0, pull_lag=15.0, git_lag=15.0),
    "everything": Behaviours(
        personal_accounts=True,
        lag=15.0,
        pull_lag=15.0,
        git_lag=15.0,
        finds_out_mergeability=True,
        content_pause=2.0,
        payload_as_text=True,
        broken_queries=1,
        knows_run_details=False,
        strict_headers=True,
        without_activity=True,
        web_flow="GitHub Enterprise",
    ),
    **{
        f"ghes-{version}": Behaviours(knows_run_details=False, web_flow="GitHub Enterprise")
        for version in ("3.16", "3.17", "3.18", "3.19")
    },
}
"""What `python -m sandbox serve --like NAME` can behave like: the switches of each server or account."""
