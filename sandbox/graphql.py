"""Answer the few GraphQL operations that REST lacks. Any other query is an error, like a wrong one on GitHub."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from sandbox import access, merge_queue
from sandbox.api import Api, Context, as_json
from sandbox.merging import mergeable_state, review_decision
from sandbox.records import Comment, Pull, Repo
from sandbox.state import ApiError

PATH = "/api/graphql"
_BROKEN = (
    "Something went wrong while executing your query. Please include `0401:6C25:28BCA72:539243A:638E5DA9` when "
    "reporting this issue."
)


_LIMITED = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


class _QueryError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def register(flask: Flask, api: Api) -> None:
    """Serve GraphQL's one address."""

    @flask.post(PATH)
    def graphql() -> Response:
        start = time.monotonic()
        if api.latency:
            time.sleep(api.latency)
        sent = request.get_json(silent=True) or {}
        answer = _answer(api, sent)
        body = {"asked": sent, "answered": answer.get_json(silent=True)}
        api.log("graphql", route=PATH, status=answer.status_code, start=start, body=body)
        return answer


def _answer(api: Api, sent: dict[str, Any]) -> Response:
    credential = access.read_credential(request.headers.get("Authorization", ""))
    try:
        with api.state.lock:
            token = access.find_token(api.state, credential)
            if api.state.behaviours.broken_queries:
                api.state.behaviours.broken_queries -= 1
                return as_json(200, {"errors": [{"message": _BROKEN}]})
            if api.state.behaviours.limited_queries:
                api.state.behaviours.limited_queries -= 1
                return as_json(200, {"errors": [{"message": _LIMITED}]})
            context = Context(api, token, None)
            data = _run(context, str(sent.get("query", "")), dict(sent.get("variables") or {}))
    except ApiError as problem:
        return as_json(problem.status, {"message": problem.message})
    except _QueryError as problem:
        error = {"type": problem.kind, "message": str(problem), "path": [], "locations": []}
        return as_json(200, {"data": None, "errors": [error]})
    return as_json(200, {"data": data})


def _run(context: Context, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    for pattern, run in _OPERATIONS:
        if re.search(pattern, query):
            declared = set(re.findall(r"\$(\w+): ", query))
            if declared != set(variables):
                raise _QueryError("VARIABLES", "the variables are not those that the query declares")
            return run(context, variables)
    raise _QueryError("undefinedField", "the embedded GitHub does not know this query")


def _need(context: Context, repo: Repo, permission: str, level: str) -> None:
    try:
        context.api.check_access(context.token, repo, permission, level)
    except ApiError as problem:
        raise _QueryError("FORBIDDEN" if problem.status == 403 else "NOT_FOUND", problem.message) from None


def _find_pull(context: Context, node_id: str) -> tuple[Repo, Pull]:
    for repo in context.state.repos.values():
        for pull in repo.pulls.values():
            if node_id == f"PR_{pull.id}":
                return repo, pull
    raise _QueryError("NOT_FOUND", f"Could not resolve to a node with the global id of '{node_id[:40]}'")


def _find_comment(context: Context, node_id: str) -> tuple[Repo, Comment]:
    for repo in context.state.repos.values():
        for comment in repo.comments.values():
            if node_id == f"IC_{comment.id}":
                return repo, comment
    raise _QueryError("NOT_FOUND", f"Could not resolve to a node with the global id of '{node_id[:40]}'")


def _review_decision(context: Context, variables: dict[str, Any]) -> dict[str, Any]:
    repo = context.state.repo(f"{variables['owner']}/{variables['name']}")
    _need(context, repo, "pull_requests", "read")
    pull = repo.pulls.get(int(variables["number"]))
    if pull is None:
        raise _QueryError("NOT_FOUND", "Could not resolve to a PullRequest")
    return {"repository": {"pullRequest": {"reviewDecision": review_decision(repo, pull)}}}


def _minimize(context: Context, variables: dict[str, Any]) -> dict[str, Any]:
    repo, comment = _find_comment(context, str(variables["id"]))
    _need(context, repo, "pull_requests", "write")
    comment.minimized = "OUTDATED"
    return {"minimizeComment": {"minimizedComment": {"isMinimized": True}}}


def _enable(context: Context, variables: dict[str, Any]) -> dict[str, Any]:
    repo, pull = _find_pull(context, str(variables["pull"]))
    _need(context, repo, "pull_requests", "write")
    _need(context, repo, "contents", "write")
    if not repo.allow_auto_merge:
        raise _QueryError("UNPROCESSABLE", "Auto merge is not allowed for this repository")
    if variables["head"] != pull.head_sha:
        raise _QueryError("UNPROCESSABLE", "Head sha didn't match expected OID")
    if (state := mergeable_state(repo, pull)) in ("clean", "unstable"):
        raise _QueryError("UNPROCESSABLE", f"Pull request Pull request is in {state} status")
    if str(variables["method"]).lower() not in repo.merge_methods:
        raise _QueryError("UNPROCESSABLE", f"Merge method {variables['method']} is not allowed on this repository")
    pull.auto_merge, pull.auto_merge_method = context.user, str(variables["method"]).lower()
    return {"enablePullRequestAutoMerge": {"pullRequest": {"number": pull.number}}}


def _enqueue(context: Context, variables: dict[str, Any]) -> dict[str, Any]:
    repo, pull = _find_pull(context, str(variables["pull"]))
    _need(context, repo, "pull_requests", "write")
    _need(context, repo, "contents", "write")
    if variables["head"] != pull.head_sha:
        raise _QueryError("UNPROCESSABLE", "Head sha didn't match expected OID")
    try:
        merge_queue.enqueue(context.effects, repo, pull, context.user)
    except ApiError as problem:
        raise _QueryError("UNPROCESSABLE", problem.message) from None
    position = len(repo.queues[pull.base])
    return {"enqueuePullRequest": {"mergeQueueEntry": {"position": position}}}


def _disable(context: Context, variables: dict[str, Any]) -> dict[str, Any]:
    repo, pull = _find_pull(context, str(variables["pull"]))
    _need(context, repo, "pull_requests", "write")
    if pull.auto_merge is None:
        raise _QueryError("UNPROCESSABLE", "Can't disable auto-merge for this pull request")
    pull.auto_merge = None
    return {"disablePullRequestAutoMerge": {"pullRequest": {"number": pull.number}}}


_OPERATIONS: tuple[tuple[str, Callable[[Context, dict[str, Any]], dict[str, Any]]], ...] = (
    (r"^query\(.*\{ pullRequest\(number: \$number\) \{ reviewDecision \} \}", _review_decision),
    (r"^mutation\(.*\{ minimizeComment\(input: \{subjectId: \$id, classifier: OUTDATED\}\)", _minimize),
    (
        r"^mutation\(.*\{ enablePullRequestAutoMerge\(input: \{.*expectedHeadOid: \$head, mergeMethod: \$method\}\)",
        _enable,
    ),
    (r"^mutation\(.*\{ enqueuePullRequest\(input: \{pullRequestId: \$pull, expectedHeadOid: \$head\}\)", _enqueue),
    (r"^mutation\(.*\{ disablePullRequestAutoMerge\(input: \{pullRequestId: \$pull\}\)", _disable),
)
