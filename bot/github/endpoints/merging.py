"""Merge pull requests, now or once GitHub's own rules are met."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from bot.domain.errors import BotError
from bot.domain.names import RepoName
from bot.domain.values import Wire
from bot.github.client import Client
from bot.github.endpoints import path_of
from bot.github.endpoints.people import PullDetail
from bot.github.endpoints.rules import find_rules
from bot.github.errors import GitHubError
from bot.text.times import parse_time

_MOVED = ("Base branch was modified", "Head branch was modified", "Merge already in progress")
"""What GitHub says (405, 409) while it has yet to find out whether a head merges into a base, or merges already."""


_QUEUE_EVENTS = ("added_to_merge_queue", "removed_from_merge_queue")


class NotYetMergeable(BotError):  # noqa: N818 - an answer, not a failure
    """GitHub has yet to find out whether a pull request can be merged (REST: pulls/get, pulls/merge)."""


class TakenOut(BotError):  # noqa: N818 - an answer, not a failure
    """Somebody, or a failed check, took the head out of the merge queue: to put it back there is a person's to do."""

    def __init__(self) -> None:
        super().__init__("It was taken out of the merge queue: put it back there by hand, or push to it.")


class MergeMethod(StrEnum):
    """How GitHub merges, as REST writes it; the first one that a repository allows is used."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class _Allowed(Wire, frozen=True):
    """What the repository allows; a server that does not say allows all."""

    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    allow_rebase_merge: bool = True


class _RuleParameters(Wire, frozen=True):
    allowed_merge_methods: tuple[str, ...] | None = None


class _Rule(Wire, frozen=True):
    type: str
    parameters: _RuleParameters | None = None


class _QueueEvent(Wire, frozen=True):
    """An event of an issue or a pull request (REST: issues/list-events)."""

    event: str
    created_at: str = ""


class _Committed(Wire, frozen=True):
    date: str = ""


class _Commit(Wire, frozen=True):
    committer: _Committed = _Committed()


def _choose_method(client: Client, repo: RepoName, rules: Iterable[_Rule]) -> MergeMethod:
    """The method to merge with, by the repository's settings and the branch's rules.

    Where everything is forbidden it is a merge commit, and GitHub says why not.
    """
    allowed = client.get(path_of(repo), _Allowed)
    possible = {
        MergeMethod.MERGE: allowed.allow_merge_commit,
        MergeMethod.SQUASH: allowed.allow_squash_merge,
        MergeMethod.REBASE: allowed.allow_rebase_merge,
    }
    for rule in rules:
        if rule.type == "required_linear_history":
            possible[MergeMethod.MERGE] = False
        methods = rule.parameters.allowed_merge_methods if rule.parameters else None
        if methods is not None:
            possible = {method: can and method in methods for method, can in possible.items()}
    return next((method for method, can in possible.items() if can), MergeMethod.MERGE)


def merge_pull(client: Client, repo: RepoName, pull: PullDetail) -> None:
    """Merge `pull` at the head that was read, or put it into the branch's merge queue.

    GitHubError when its rules are not met; NotYetMergeable when it or its base moved just now; TakenOut when a merge
    queue had it.
    """
    rules = find_rules(client, repo, pull.base.ref, _Rule)
    if _has_queue(rules):
        if not _is_queued(client, repo, pull):
            _enqueue(client, pull)
        return
    method = _choose_method(client, repo, rules)
    body = {"sha": pull.head.sha, "merge_method": method}
    try:
        client.send("PUT", path_of(repo, "pulls", pull.number, "merge"), body)
    except GitHubError as problem:
        if problem.status in (405, 409) and any(words in problem.message for words in _MOVED):
            raise NotYetMergeable(f"{repo}#{pull.number}: {problem.message}") from None
        raise


def _has_queue(rules: Iterable[_Rule]) -> bool:
    return any(rule.type == "merge_queue" for rule in rules)


def _is_queued(client: Client, repo: RepoName, pull: PullDetail) -> bool:
    """Whether the merge queue has it now. TakenOut when it had this very head."""
    events = client.list(path_of(repo, "issues", pull.number, "events"), _QueueEvent)
    newest = next((one for one in reversed(events) if one.event in _QUEUE_EVENTS), None)
    if newest is None or newest.event == _QUEUE_EVENTS[0]:
        return newest is not None
    head = client.get(path_of(repo, "git/commits", pull.head.sha), _Commit)
    if parse_time(newest.created_at) >= parse_time(head.committer.date):
        raise TakenOut
    return False


def _enqueue(client: Client, pull: PullDetail) -> None:
    query = (
        "mutation($pull: ID!, $head: GitObjectID!) { enqueuePullRequest("
        "input: {pullRequestId: $pull, expectedHeadOid: $head}) { mergeQueueEntry { position } } }"
    )
    client.graphql(query, object, pull=pull.node_id, head=pull.head.sha)


def update_branch(client: Client, repo: RepoName, pull: PullDetail) -> None:
    """Merge the base into the head that was read. GitHubError when they conflict, or the head moved."""
    client.send("PUT", path_of(repo, "pulls", pull.number, "update-branch"), {"expected_head_sha": pull.head.sha})


def enable_auto_merge(client: Client, pull: PullDetail) -> None:
    """Have GitHub merge the head that was read once its rules are met. GitHubError when they are met already.

    TakenOut when a merge queue had it.
    """
    repo = RepoName(pull.base.repo.full_name) if pull.base.repo else None
    method = MergeMethod.MERGE
    if repo:
        rules = find_rules(client, repo, pull.base.ref, _Rule)
        if _has_queue(rules) and _is_queued(client, repo, pull):
            return
        method = _choose_method(client, repo, rules)
    query = (
        "mutation($pull: ID!, $head: GitObjectID!, $method: PullRequestMergeMethod!) { enablePullRequestAutoMerge("
        "input: {pullRequestId: $pull, expectedHeadOid: $head, mergeMethod: $method}) { pullRequest { number } } }"
    )
    client.graphql(query, object, pull=pull.node_id, head=pull.head.sha, method=method.upper())


def disable_auto_merge(client: Client, pull: PullDetail) -> None:
    """Have GitHub no longer merge `pull` by itself. GitHubError when it would not anyway."""
    query = (
        "mutation($pull: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $pull}) "
        "{ pullRequest { number } } }"
    )
    client.graphql(query, object, pull=pull.node_id)
