"""Pull requests and their labels."""

from __future__ import annotations

from typing import Any

from flask import request

from bot.domain.names import CommitSha
from sandbox import buttons
from sandbox.api import ApiResponse, Context, Route, invalid, paged
from sandbox.commits import commit_shape, resolve
from sandbox.forks import find_head_repo, take_commits
from sandbox.records import Label, Pull, Repo, iso_now
from sandbox.state import ApiError

MAX_BODY_LENGTH = 65_536  # characters (renovatebot/renovate#2032)
MAX_TITLE_LENGTH = 256
MAX_LABEL_LENGTH = 50


def find_pull(repo: Repo, number: int) -> Pull:
    """The pull request, or 404."""
    if number not in repo.pulls:
        raise ApiError(404, "Not Found")
    return repo.pulls[number]


def check_texts(title: str | None, body: str | None) -> None:
    """Raise ApiError if a text is too long, as GitHub does."""
    if title is not None and len(title) > MAX_TITLE_LENGTH:
        raise invalid({"resource": "Issue", "code": "custom", "field": "title", "message": "title is too long"})
    if body is not None and len(body) > MAX_BODY_LENGTH:
        words = f"body is too long (maximum is {MAX_BODY_LENGTH} characters)"
        raise invalid({"resource": "Issue", "code": "custom", "field": "body", "message": words})


def list_pulls(context: Context, repo: Repo) -> Any:
    state, head, base = (request.args.get(name, "") for name in ("state", "head", "base"))
    found = [
        pull
        for pull in repo.pulls.values()
        if (state or "open") in (pull.state, "all")
        and context.state.is_listed(pull.id)
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
    context.state.note_content(context.user)
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
    context.effects.update_pull_ref(repo, pull)
    context.effects.send_pull_event(repo, pull, context.user, "opened")
    context.state.changed.notify_all()
    return ApiResponse(201, _full(context, repo, pull))


def _full(context: Context, repo: Repo, pull: Pull) -> dict[str, Any]:
    return context.shapes.full_pull(repo, pull, context.effects.count_changes(repo, pull))


def get_pull(context: Context, repo: Repo, number: int) -> Any:
    pull = context.state.read_replica(find_pull(repo, number))
    found = _full(context, repo, pull)
    ends, behaviours = (pull.head_sha, repo.heads().get(pull.base, "")), context.state.behaviours
    is_asked = behaviours.finds_out_mergeability and pull.merges_known_of != ends
    if pull.state == "open" and (is_asked or behaviours.never_finds_out_mergeability):
        pull.merges_known_of = ends
        found |= {"mergeable": None, "mergeable_state": "unknown"}
    return found


def update_pull(context: Context, repo: Repo, number: int) -> Any:
    pull, body = find_pull(repo, number), context.body
    check_texts(body.get("title"), body.get("body"))
    edited = False
    for name in ("title", "body"):
        if name in body and getattr(pull, name) != body[name]:
            setattr(pull, name, body[name])
            edited = True
    if edited:
        pull.updated_at = iso_now()
        context.effects.send_pull_event(repo, pull, context.user, "edited", changes={})
    if body.get("base") not in (None, pull.base):
        if body["base"] not in repo.heads():
            raise invalid({"resource": "PullRequest", "field": "base", "code": "invalid"})
        buttons.retarget(context.api, repo, pull, body["base"], context.user)
    if body.get("state") == "closed" and pull.state == "open":
        context.effects.close(repo, pull, context.user)
    elif body.get("state") == "open" and pull.state == "closed":
        source = pull.head_repo or repo
        if pull.merged_at is not None or pull.head not in source.heads():
            raise invalid({"resource": "PullRequest", "field": "state", "code": "invalid"})
        pull.state, pull.closed_at, pull.head_sha = "open", None, take_commits(repo, source, pull.head)
        context.effects.send_pull_event(repo, pull, context.user, "reopened")
    return _full(context, repo, pull)


def update_branch(context: Context, repo: Repo, number: int) -> Any:
    pull = find_pull(repo, number)
    expected = context.body.get("expected_head_sha", pull.head_sha)
    if expected != pull.head_sha:
        raise ApiError(422, "expected head sha didn't match current head ref.")
    buttons.update_branch(context.api, repo, pull, context.user, files={})
    page = f"{context.shapes.url}/{repo.full_name}/pull/{number}"
    return ApiResponse(202, {"message": "Updating pull request branch.", "url": page})


def merge_pull(context: Context, repo: Repo, number: int) -> Any:
    body = context.body
    sha = context.effects.merge(
        repo, find_pull(repo, number), context.user, sha=body.get("sha"), method=body.get("merge_method", "merge")
    )
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


def list_files(context: Context, repo: Repo, number: int) -> Any:
    pull = find_pull(repo, number)
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
    pull = find_pull(repo, number)
    fork = repo.git.merge_base(pull.base_sha, pull.head_sha)
    found = list(reversed(repo.git.commits_between(fork, CommitSha(pull.head_sha), most=250)))
    return paged(found, lambda one: commit_shape(context, repo, one.sha))


def pulls_of_commit(context: Context, repo: Repo, sha: str) -> Any:
    commit = resolve(repo, sha)

    def holds(pull: Pull) -> bool:
        if commit in (pull.merge_commit_sha, pull.head_sha, *pull.rebased):
            return True
        fork = repo.git.merge_base(pull.base_sha, pull.head_sha)
        return commit in [one.sha for one in repo.git.commits_between(fork, CommitSha(pull.head_sha), most=250)]

    known = [p for p in repo.pulls.values() if context.state.is_listed(-p.id) and context.state.is_listed(p.id)]
    return paged([p for p in known if holds(p)], lambda pull: context.shapes.pull(repo, pull))


def add_labels(context: Context, repo: Repo, number: int) -> Any:
    pull = find_pull(repo, number)
    given = request.get_json(silent=True)
    names = given if isinstance(given, list) else (given or {}).get("labels", [])
    if not context.state.is_listed(pull.id):
        raise invalid({"resource": "Label", "code": "unprocessable", "field": "data", "message": "Issue not found"})
    if any(len(name) > MAX_LABEL_LENGTH for name in names):
        raise invalid(
            {"resource": "Label", "code": "custom", "message": "name is too long (maximum is 50 characters)"}
        )
    for name in names:
        label = repo.labels.setdefault(name, Label(context.state.new_id(), name))
        if label not in pull.labels:
            pull.labels.append(label)
            shape = context.shapes.label(repo, label)
            context.effects.send_pull_event(repo, pull, context.user, "labeled", label=shape)
    return [context.shapes.label(repo, label) for label in pull.labels]


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("GET", f"{_REPO}/pulls", list_pulls, "pull_requests", "read"),
    Route("POST", f"{_REPO}/pulls", create_pull, "pull_requests", "write"),
    Route("GET", f"{_REPO}/pulls/{{number}}", get_pull, "pull_requests", "read"),
    Route("PATCH", f"{_REPO}/pulls/{{number}}", update_pull, "pull_requests", "write"),
    Route("PUT", f"{_REPO}/pulls/{{number}}/merge", merge_pull, "contents", "write"),
    Route("PUT", f"{_REPO}/pulls/{{number}}/update-branch", update_branch, "pull_requests", "write"),
    Route("GET", f"{_REPO}/pulls/{{number}}/files", list_files, "pull_requests", "read"),
    Route("GET", f"{_REPO}/pulls/{{number}}/commits", list_commits, "pull_requests", "read"),
    Route("GET", f"{_REPO}/commits/{{sha}}/pulls", pulls_of_commit, "pull_requests", "read"),
    Route("POST", f"{_REPO}/issues/{{number}}/labels", add_labels, "pull_requests", "write"),
]
