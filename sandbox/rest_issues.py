"""Issues that are not pull requests."""

from __future__ import annotations

from typing import Any

from flask import request

from sandbox.api import ApiResponse, Context, Route, invalid, paged
from sandbox.records import Issue, Pull, QueueEvent, Repo, iso_now
from sandbox.rest_pulls import check_texts
from sandbox.state import ApiError

_REASONS = ("completed", "not_planned", "duplicate", "reopened", None)


def issue_shape(context: Context, repo: Repo, issue: Issue | Pull) -> dict[str, Any]:
    """issue; a pull request is one, too."""
    base = f"{context.shapes.api}/repos/{repo.full_name}"
    url = f"{base}/issues/{issue.number}"
    is_pull, reason = isinstance(issue, Pull), None if isinstance(issue, Pull) else issue.state_reason
    page = f"{context.shapes.url}/{repo.full_name}/{'pull' if is_pull else 'issues'}/{issue.number}"
    pull = {"url": f"{base}/pulls/{issue.number}", "html_url": page, "diff_url": page, "patch_url": page}
    return {
        "id": issue.id,
        "node_id": f"I_{issue.id}",
        "url": url,
        "repository_url": base,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": page,
        "number": issue.number,
        "state": issue.state,
        "state_reason": reason,
        "title": issue.title,
        "body": issue.body,
        "user": context.shapes.user(issue.user),
        "labels": [],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "comments": sum(comment.number == issue.number for comment in repo.comments.values()),
        "closed_at": issue.closed_at,
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "author_association": "NONE",
        **({"pull_request": pull} if is_pull else {}),
    }


def _issue(repo: Repo, number: int) -> Issue:
    if number not in repo.issues:
        raise ApiError(404, "Not Found")
    return repo.issues[number]


def create_issue(context: Context, repo: Repo) -> Any:
    if not repo.has_issues:
        raise ApiError(410, "Issues are disabled for this repo")
    (title,) = context.need("title")
    body = context.body.get("body")
    check_texts(title, body)
    issue = Issue(context.state.new_id(), context.state.new_number(repo), title, body, context.user)
    repo.issues[issue.number] = issue
    context.state.changed.notify_all()
    return ApiResponse(201, issue_shape(context, repo, issue))


def update_issue(context: Context, repo: Repo, number: int) -> Any:
    if not repo.has_issues:
        raise ApiError(410, "Issues are disabled for this repo")
    issue, body = _issue(repo, number), context.body
    check_texts(body.get("title"), body.get("body"))
    if body.get("state", issue.state) not in ("open", "closed"):
        raise invalid({"resource": "Issue", "field": "state", "code": "invalid"})
    if body.get("state_reason") not in _REASONS:
        raise invalid({"resource": "Issue", "field": "state_reason", "code": "invalid"})
    issue.title, issue.body = body.get("title", issue.title), body.get("body", issue.body)
    if "state" in body and body["state"] != issue.state:
        issue.state = body["state"]
        issue.closed_at = iso_now() if issue.state == "closed" else None
        issue.state_reason = body.get("state_reason") or ("completed" if issue.state == "closed" else "reopened")
    issue.updated_at = iso_now()
    context.state.changed.notify_all()
    return issue_shape(context, repo, issue)


def get_issue(context: Context, repo: Repo, number: int) -> Any:
    found = repo.pulls.get(number) or _issue(repo, number)
    return issue_shape(context, repo, found)


def list_issues(context: Context, repo: Repo) -> Any:
    state, creator = request.args.get("state", "open"), request.args.get("creator", "")
    both: list[Issue | Pull] = [*repo.issues.values(), *repo.pulls.values()]
    found = [one for one in both if state in (one.state, "all") and creator in ("", one.user.login)]
    found.sort(key=lambda one: one.number, reverse=request.args.get("direction", "desc") == "desc")
    return paged(found, lambda one: issue_shape(context, repo, one))


def list_events(context: Context, repo: Repo, number: int) -> Any:
    """Those of the merge queue; GitHub lists others, too."""
    pull = repo.pulls.get(number)
    return paged(list(pull.queue_events) if pull else [], lambda one: event_shape(context, repo, one))


def event_shape(context: Context, repo: Repo, one: QueueEvent) -> dict[str, Any]:
    """issue-event."""
    return {
        "id": one.id,
        "node_id": f"E_{one.id}",
        "url": f"{context.shapes.api}/repos/{repo.full_name}/issues/events/{one.id}",
        "actor": context.shapes.user(one.actor),
        "event": one.event,
        "commit_id": None,
        "commit_url": None,
        "created_at": one.created_at,
        "performed_via_github_app": None,
    }


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("GET", f"{_REPO}/issues", list_issues, "issues", "read"),
    Route("POST", f"{_REPO}/issues", create_issue, "issues", "write"),
    Route("GET", f"{_REPO}/issues/{{number}}", get_issue, "issues", "read"),
    Route("GET", f"{_REPO}/issues/{{number}}/events", list_events, "issues", "read"),
    Route("PATCH", f"{_REPO}/issues/{{number}}", update_issue, "issues", "write"),
]
