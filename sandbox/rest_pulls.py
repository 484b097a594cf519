"""Pull requests, their labels, comments and reactions."""

from __future__ import annotations

from typing import Any

from flask import request

from bot.domain.names import CommitSha
from sandbox.api import Answer, Context, Route, invalid, paged
from sandbox.forks import find_head_repo, take_commits
from sandbox.rest_git import commit_shape, resolve
from sandbox.state import Comment, Label, Pull, Refused, Repo, iso_now

LONGEST_BODY = 65_536  # characters (renovatebot/renovate#2032)
LONGEST_TITLE = 256
_REACTIONS = {"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}


def _pull(repo: Repo, number: int) -> Pull:
    if number not in repo.pulls:
        raise Refused(404, "Not Found")
    return repo.pulls[number]


def check_texts(title: str | None, body: str | None) -> None:
    """Refuse what is too long, as GitHub does."""
    if title is not None and len(title) > LONGEST_TITLE:
        raise invalid({"resource": "Issue", "code": "custom", "field": "title", "message": "title is too long"})
    if body is not None and len(body) > LONGEST_BODY:
        words = f"body is too long (maximum is {LONGEST_BODY} characters)"
        raise invalid({"resource": "Issue", "code": "custom", "field": "body", "message": words})


def list_pulls(context: Context, repo: Repo) -> Any:
    state, head, base = (request.args.get(name, "") for name in ("state", "head", "base"))
    found = [
        pull
        for pull in repo.pulls.values()
        if (state or "open") in (pull.state, "all")
        and head in ("", f"{(pull.head_repo or repo).owner.login}:{pull.head}")
        and base in ("", pull.base)
    ]
    found.sort(key=lambda pull: pull.number, reverse=request.args.get("direction", "desc") == "desc")
    return paged(found, lambda pull: context.shapes.pull(repo, pull))


def create_pull(context: Context, repo: Repo) -> Any:
    title, head, base = context.need("title", "head", "base")
    body = context.body.get("body")
    check_texts(title, body)
    owner, _, head = str(head).rpartition(":")
    source, heads = find_head_repo(context.state, repo, owner), repo.heads()
    for field, branch, there in (("head", head, source.heads()), ("base", base, heads)):
        if branch not in there:
            raise invalid({"resource": "PullRequest", "field": field, "code": "invalid"})
    fork = None if source is repo else source
    others = (p for p in repo.pulls.values() if p.state == "open" and p.head_repo is fork)
    if any((p.head, p.base) == (head, base) for p in others):
        words = f"A pull request already exists for {source.owner.login}:{head}."
        raise invalid({"resource": "PullRequest", "code": "custom", "message": words})
    head_sha = take_commits(repo, source, head)
    if repo.git.is_ancestor(head_sha, CommitSha(heads[base])):
        words = f"No commits between {base} and {head}"
        raise invalid({"resource": "PullRequest", "code": "custom", "message": words})
    pull = Pull(
        id=context.state.new_id(),
        number=context.state.new_number(repo),
        title=title,
        body=body,
        user=context.user,
        head=head,
        base=base,
        head_sha=head_sha,
        base_sha=heads[base],
        head_repo=fork,
    )
    repo.pulls[pull.number] = pull
    context.happenings.keep_head(repo, pull)
    context.happenings.tell_pull(repo, pull, context.user, "opened")
    context.state.changed.notify_all()
    return Answer(201, _full(context, repo, pull))


def _full(context: Context, repo: Repo, pull: Pull) -> dict[str, Any]:
    return context.shapes.full_pull(repo, pull, context.happenings.counts(repo, pull))


def get_pull(context: Context, repo: Repo, number: int) -> Any:
    return _full(context, repo, _pull(repo, number))


def update_pull(context: Context, repo: Repo, number: int) -> Any:
    pull, body = _pull(repo, number), context.body
    check_texts(body.get("title"), body.get("body"))
    edited = False
    for name in ("title", "body"):
        if name in body and getattr(pull, name) != body[name]:
            setattr(pull, name, body[name])
            edited = True
    if edited:
        pull.updated_at = iso_now()
        context.happenings.tell_pull(repo, pull, context.user, "edited", changes={})
    if body.get("state") == "closed" and pull.state == "open":
        context.happenings.close(repo, pull, context.user)
    elif body.get("state") == "open" and pull.state == "closed":
        source = pull.head_repo or repo
        if pull.merged_at is not None or pull.head not in source.heads():
            raise invalid({"resource": "PullRequest", "field": "state", "code": "invalid"})
        pull.state, pull.closed_at, pull.head_sha = "open", None, take_commits(repo, source, pull.head)
        context.happenings.tell_pull(repo, pull, context.user, "reopened")
    return _full(context, repo, pull)


def merge_pull(context: Context, repo: Repo, number: int) -> Any:
    body = context.body
    sha = context.happenings.merge(
        repo, _pull(repo, number), context.user, sha=body.get("sha"), method=body.get("merge_method", "merge")
    )
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


def list_files(context: Context, repo: Repo, number: int) -> Any:
    pull = _pull(repo, number)
    fork = repo.git.merge_base(pull.base_sha, pull.head_sha)
    base = f"{context.shapes.api}/repos/{repo.full_name}/contents"

    def shape(path: str) -> dict[str, Any]:
        entry = repo.git.entry(pull.head_sha, path)
        page = f"{context.shapes.url}/{repo.full_name}/blob/{pull.head_sha}/{path}"
        return {
            "sha": entry.oid if entry else None,
            "filename": path,
            "status": "modified" if entry else "removed",
            "additions": 1,
            "deletions": 1,
            "changes": 2,
            "blob_url": page,
            "raw_url": page,
            "contents_url": f"{base}/{path}?ref={pull.head_sha}",
        }

    return paged(list(repo.git.changed_files(fork, CommitSha(pull.head_sha))), shape)


def list_commits(context: Context, repo: Repo, number: int) -> Any:
    pull = _pull(repo, number)
    fork = repo.git.merge_base(pull.base_sha, pull.head_sha)
    found = list(reversed(repo.git.commits_between(fork, CommitSha(pull.head_sha), most=250)))
    return paged(found, lambda one: commit_shape(context, repo, one.sha))


def pulls_of_commit(context: Context, repo: Repo, sha: str) -> Any:
    commit = resolve(repo, sha)

    def holds(pull: Pull) -> bool:
        if commit in (pull.merge_commit_sha, pull.head_sha):
            return True
        fork = repo.git.merge_base(pull.base_sha, pull.head_sha)
        return commit in [one.sha for one in repo.git.commits_between(fork, CommitSha(pull.head_sha), most=250)]

    return paged([p for p in repo.pulls.values() if holds(p)], lambda pull: context.shapes.pull(repo, pull))


def add_labels(context: Context, repo: Repo, number: int) -> Any:
    pull = _pull(repo, number)
    given = request.get_json(silent=True)
    names = given if isinstance(given, list) else (given or {}).get("labels", [])
    for name in names:
        label = repo.labels.setdefault(name, Label(context.state.new_id(), name))
        if label not in pull.labels:
            pull.labels.append(label)
            shape = context.shapes.label(repo, label)
            context.happenings.tell_pull(repo, pull, context.user, "labeled", label=shape)
    return [context.shapes.label(repo, label) for label in pull.labels]


def list_comments(context: Context, repo: Repo, number: int) -> Any:
    _pull(repo, number)
    found = [comment for comment in repo.comments.values() if comment.number == number]
    return paged(found, lambda comment: context.shapes.comment(repo, comment))


def issue_shape(context: Context, repo: Repo, pull: Pull) -> dict[str, Any]:
    """An issue as webhooks carry it, for a pull request."""
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
    """A new comment, told to everybody."""
    check_texts(None, body)
    comment = Comment(context.state.new_id(), pull.number, body, context.user)
    repo.comments[comment.id] = comment
    _tell_comment(context, repo, pull, comment, "created")
    return comment


def _tell_comment(context: Context, repo: Repo, pull: Pull, comment: Comment, action: str, **more: Any) -> None:
    reactions = _no_reactions(f"{context.shapes.api}/repos/{repo.full_name}/issues/comments/{comment.id}/reactions")
    context.happenings.tell(
        "issue_comment",
        repo,
        context.user,
        action=action,
        issue=issue_shape(context, repo, pull),
        comment=context.shapes.comment(repo, comment) | {"reactions": reactions},
        **more,
    )


def create_comment(context: Context, repo: Repo, number: int) -> Any:
    (body,) = context.need("body")
    return Answer(201, context.shapes.comment(repo, comment_on(context, repo, _pull(repo, number), body)))


def _comment(repo: Repo, number: int) -> Comment:
    if number not in repo.comments:
        raise Refused(404, "Not Found")
    return repo.comments[number]


def update_comment(context: Context, repo: Repo, id: int) -> Any:
    comment = _comment(repo, id)
    (body,) = context.need("body")
    check_texts(None, body)
    before, comment.body, comment.updated_at = comment.body, body, iso_now()
    changes = {"body": {"from": before}}
    _tell_comment(context, repo, _pull(repo, comment.number), comment, "edited", changes=changes)
    return context.shapes.comment(repo, comment)


def delete_comment(context: Context, repo: Repo, id: int) -> Any:
    _comment(repo, id)
    del repo.comments[id]
    return Answer(204)


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
    return Answer(200 if known else 201, shape)


def list_reactions(context: Context, repo: Repo, id: int) -> Any:
    def shape(one: tuple[str, str]) -> dict[str, Any]:
        user = context.shapes.user(context.state.users[one[0]])
        return {"id": id, "node_id": "RE", "user": user, "content": one[1], "created_at": iso_now()}

    return paged(_comment(repo, id).reactions, shape)


def get_permission(context: Context, repo: Repo, username: str) -> Any:
    if username not in context.state.users:
        raise Refused(404, "Not Found")
    role = repo.permissions.get(username, "none" if repo.private else "read")
    level = {"maintain": "write", "triage": "read"}.get(role, role)
    ranks = ("pull", "triage", "push", "maintain", "admin")
    held = {"read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}.get(role, 0)
    may = {name: index < held for index, name in enumerate(ranks)}
    user = context.shapes.user(context.state.users[username]) | {"role_name": role, "permissions": may}
    return {"permission": level, "role_name": role, "user": user}


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("GET", f"{_REPO}/pulls", list_pulls, "pull_requests", "read"),
    Route("POST", f"{_REPO}/pulls", create_pull, "pull_requests", "write"),
    Route("GET", f"{_REPO}/pulls/{{number}}", get_pull, "pull_requests", "read"),
    Route("PATCH", f"{_REPO}/pulls/{{number}}", update_pull, "pull_requests", "write"),
    Route("PUT", f"{_REPO}/pulls/{{number}}/merge", merge_pull, "contents", "write"),
    Route("GET", f"{_REPO}/pulls/{{number}}/files", list_files, "pull_requests", "read"),
    Route("GET", f"{_REPO}/pulls/{{number}}/commits", list_commits, "pull_requests", "read"),
    Route("GET", f"{_REPO}/commits/{{sha}}/pulls", pulls_of_commit, "pull_requests", "read"),
    Route("POST", f"{_REPO}/issues/{{number}}/labels", add_labels, "pull_requests", "write"),
    Route("GET", f"{_REPO}/issues/{{number}}/comments", list_comments, "pull_requests", "read"),
    Route("POST", f"{_REPO}/issues/{{number}}/comments", create_comment, "pull_requests", "write"),
    Route("PATCH", f"{_REPO}/issues/comments/{{id}}", update_comment, "pull_requests", "write"),
    Route("DELETE", f"{_REPO}/issues/comments/{{id}}", delete_comment, "pull_requests", "write"),
    Route("GET", f"{_REPO}/issues/comments/{{id}}/reactions", list_reactions, "pull_requests", "read"),
    Route("POST", f"{_REPO}/issues/comments/{{id}}/reactions", react, "pull_requests", "write"),
    Route("GET", f"{_REPO}/collaborators/{{username}}/permission", get_permission, "metadata", "read"),
]
