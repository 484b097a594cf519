"""Comments on pull requests, and reactions to them."""

from __future__ import annotations

from typing import Any

from sandbox.api import ApiResponse, Context, Route, invalid, paged
from sandbox.records import Comment, Pull, Repo, iso_now
from sandbox.rest_pulls import check_texts, find_pull
from sandbox.state import ApiError

_REACTIONS = {"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}


def list_comments(context: Context, repo: Repo, number: int) -> Any:
    find_pull(repo, number)
    listed = (comment for comment in repo.comments.values() if context.state.is_listed(comment.id))
    found = [comment for comment in listed if comment.number == number]
    return paged(found, lambda comment: context.shapes.comment(repo, comment))


def pull_issue_shape(context: Context, repo: Repo, pull: Pull) -> dict[str, Any]:
    """The issue of a pull request, as in webhooks."""
    base = f"{context.shapes.api}/repos/{repo.full_name}/issues/{pull.number}"
    own = context.shapes.pull(repo, pull)
    kept = (
        "id",
        "node_id",
        "number",
        "title",
        "user",
        "labels",
        "state",
        "locked",
        "assignee",
        "assignees",
        "milestone",
    )
    links = {name: own[name] for name in ("url", "html_url", "diff_url", "patch_url")}
    return {name: own[name] for name in kept} | {
        "url": base,
        "repository_url": f"{context.shapes.api}/repos/{repo.full_name}",
        "labels_url": f"{base}/labels{{/name}}",
        "comments_url": f"{base}/comments",
        "events_url": f"{base}/events",
        "html_url": own["html_url"],
        "comments": 0,
        "created_at": own["created_at"],
        "updated_at": own["updated_at"],
        "closed_at": own["closed_at"],
        "author_association": "OWNER",
        "active_lock_reason": None,
        "body": own["body"],
        "draft": False,
        "pull_request": links | {"merged_at": pull.merged_at},
        "reactions": _no_reactions(f"{base}/reactions"),
        "timeline_url": f"{base}/timeline",
        "performed_via_github_app": None,
        "state_reason": None,
    }


def _no_reactions(url: str) -> dict[str, Any]:
    return {"url": url, "total_count": 0} | dict.fromkeys(sorted(_REACTIONS), 0)


def comment_on(context: Context, repo: Repo, pull: Pull, body: str) -> Comment:
    """Create a comment and send its webhook."""
    check_texts(None, body)
    if pull.locked and (context.token is None or context.token.installation is not None):
        raise ApiError(403, "Unable to create comment because issue is locked.")
    context.state.note_content(context.user)
    comment = Comment(context.state.new_id(), pull.number, body, context.user)
    repo.comments[comment.id] = comment
    _send_comment(context, repo, pull, comment, "created")
    return comment


def _send_comment(context: Context, repo: Repo, pull: Pull, comment: Comment, action: str, **more: Any) -> None:
    reactions = _no_reactions(f"{context.shapes.api}/repos/{repo.full_name}/issues/comments/{comment.id}/reactions")
    context.effects.send(
        "issue_comment",
        repo,
        context.user,
        action=action,
        issue=pull_issue_shape(context, repo, pull),
        comment=context.shapes.comment(repo, comment) | {"reactions": reactions},
        **more,
    )


def create_comment(context: Context, repo: Repo, number: int) -> Any:
    (body,) = context.need("body")
    return ApiResponse(201, context.shapes.comment(repo, comment_on(context, repo, find_pull(repo, number), body)))


def _comment(repo: Repo, number: int) -> Comment:
    if number not in repo.comments:
        raise ApiError(404, "Not Found")
    return repo.comments[number]


def update_comment(context: Context, repo: Repo, id: int) -> Any:
    comment = _comment(repo, id)
    (body,) = context.need("body")
    check_texts(None, body)
    before, comment.body, comment.updated_at = comment.body, body, iso_now()
    changes = {"body": {"from": before}}
    _send_comment(context, repo, find_pull(repo, comment.number), comment, "edited", changes=changes)
    return context.shapes.comment(repo, comment)


def delete_comment(context: Context, repo: Repo, id: int) -> Any:
    _comment(repo, id)
    del repo.comments[id]
    return ApiResponse(204)


def react(context: Context, repo: Repo, id: int) -> Any:
    (content,) = context.need("content")
    if content not in _REACTIONS:
        raise invalid({"resource": "Reaction", "field": "content", "code": "invalid"})
    reactions, mine = _comment(repo, id).reactions, (context.user.login, content)
    known = mine in reactions
    if not known:
        reactions.append(mine)
    shape = {
        "id": context.state.new_id(),
        "node_id": "RE",
        "user": context.shapes.user(context.user),
        "content": content,
        "created_at": iso_now(),
    }
    return ApiResponse(200 if known else 201, shape)


def list_reactions(context: Context, repo: Repo, id: int) -> Any:
    def shape(one: tuple[str, str]) -> dict[str, Any]:
        user = context.shapes.user(context.state.users[one[0]])
        return {"id": id, "node_id": "RE", "user": user, "content": one[1], "created_at": iso_now()}

    return paged(_comment(repo, id).reactions, shape)


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("GET", f"{_REPO}/issues/{{number}}/comments", list_comments, "pull_requests", "read"),
    Route("POST", f"{_REPO}/issues/{{number}}/comments", create_comment, "pull_requests", "write", by_readers=True),
    Route("PATCH", f"{_REPO}/issues/comments/{{id}}", update_comment, "pull_requests", "write"),
    Route("DELETE", f"{_REPO}/issues/comments/{{id}}", delete_comment, "pull_requests", "write"),
    Route("GET", f"{_REPO}/issues/comments/{{id}}/reactions", list_reactions, "pull_requests", "read"),
    Route("POST", f"{_REPO}/issues/comments/{{id}}/reactions", react, "pull_requests", "write", by_readers=True),
]
