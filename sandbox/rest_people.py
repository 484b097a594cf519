"""Reviews, check-run buttons, branch rules and permissions of collaborators."""

from __future__ import annotations

from typing import Any

from sandbox import merge_queue
from sandbox.api import Context, Route, invalid, paged
from sandbox.merging import mergeable_state
from sandbox.records import CheckRun, Pull, Repo, Review, User, iso_now
from sandbox.rest_pulls import find_pull
from sandbox.state import ApiError

_EVENTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def review_shape(context: Context, repo: Repo, pull: Pull, review: Review) -> dict[str, Any]:
    """pull-request-review."""
    page = f"{context.shapes.url}/{repo.full_name}/pull/{pull.number}"
    api = f"{context.shapes.api}/repos/{repo.full_name}/pulls/{pull.number}"
    html = f"{page}#pullrequestreview-{review.id}"
    return {
        "id": review.id,
        "node_id": f"PRR_{review.id}",
        "user": context.shapes.user(review.user),
        "body": review.body,
        "state": review.state,
        "html_url": html,
        "pull_request_url": api,
        "_links": {"html": {"href": html}, "pull_request": {"href": api}},
        "submitted_at": review.submitted_at,
        "commit_id": review.commit,
        "author_association": "COLLABORATOR",
    }


def list_reviews(context: Context, repo: Repo, number: int) -> Any:
    pull = find_pull(repo, number)
    return paged(pull.reviews, lambda review: review_shape(context, repo, pull, review))


def create_review(context: Context, repo: Repo, number: int) -> Any:
    pull, body = find_pull(repo, number), context.body
    made = post_review(context, repo, pull, body.get("event", "PENDING"), body.get("body") or "")
    return review_shape(context, repo, pull, made)


def post_review(context: Context, repo: Repo, pull: Pull, event: str, body: str) -> Review:
    """Review the pull request's head and send the webhook. Raises ApiError."""
    if event not in _EVENTS:
        raise invalid("Variable $event of type PullRequestReviewEvent was provided invalid value")
    if context.user is pull.user and event != "COMMENT":
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise ApiError(422, "Unprocessable Entity", errors=[f"Can not {verb} your own pull request"])
    made = Review(context.state.new_id(), context.user, _EVENTS[event], body, pull.head_sha, iso_now())
    pull.reviews.append(made)
    _send_review(context, repo, pull, made, "submitted")
    return made


def dismiss_review(context: Context, repo: Repo, number: int, id: int) -> Any:
    pull = find_pull(repo, number)
    context.need("message")
    review = next((one for one in pull.reviews if one.id == id), None)
    if review is None:
        raise ApiError(404, "Not Found")
    review.state = "DISMISSED"
    _send_review(context, repo, pull, review, "dismissed")
    return review_shape(context, repo, pull, review)


def _send_review(context: Context, repo: Repo, pull: Pull, review: Review, action: str) -> None:
    shape = review_shape(context, repo, pull, review)
    review_fields = shape | {"state": shape["state"].lower()}  # lower case in webhooks
    context.effects.send(
        "pull_request_review",
        repo,
        context.user,
        action=action,
        review=review_fields,
        pull_request=context.shapes.pull(repo, pull),
    )
    auto_merge_if_ready(context, repo, pull)
    context.state.changed.notify_all()


def auto_merge_if_ready(context: Context, repo: Repo, pull: Pull) -> None:
    """Merge a pull request with auto-merge enabled if nothing blocks it any more."""
    if pull.state == "open" and pull.auto_merge is not None and mergeable_state(repo, pull) in ("clean", "unstable"):
        if pull.base in repo.queues:
            if all(group.pull is not pull for group in repo.queues[pull.base]):
                merge_queue.enqueue(context.effects, repo, pull, pull.auto_merge)
            return
        context.effects.merge(repo, pull, pull.auto_merge, method=pull.auto_merge_method)


def branch_rules(context: Context, repo: Repo, branch: str) -> Any:
    if repo.private and context.state.behaviours.free_plan:
        raise ApiError(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.")
    rules = repo.rules.get(branch)
    source = {"ruleset_source_type": "Repository", "ruleset_source": repo.full_name, "ruleset_id": repo.id}
    found: list[dict[str, Any]] = []
    if rules is not None and rules.approvals:
        parameters: dict[str, Any] = {
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_approving_review_count": rules.approvals,
            "required_review_thread_resolution": False,
        }
        found.append({"type": "pull_request", "parameters": parameters} | source)
    if rules is not None and rules.contexts:
        checks = [
            {"context": name} | ({"integration_id": rules.sources[name]} if name in rules.sources else {})
            for name in rules.contexts
        ]
        required: dict[str, Any] = {"strict_required_status_checks_policy": False, "required_status_checks": checks}
        found.append({"type": "required_status_checks", "parameters": required} | source)
    if rules is not None:
        simple = {
            "required_signatures": rules.signed,
            "required_linear_history": rules.linear,
            "update": rules.is_frozen,
        }
        found += [{"type": kind} | source for kind, is_on in simple.items() if is_on]
    if branch in repo.queues:
        found.append({"type": "merge_queue", "parameters": _QUEUE_PARAMETERS} | source)
    return paged(found, lambda rule: rule)


_QUEUE_PARAMETERS = {
    "check_response_timeout_minutes": 60,
    "grouping_strategy": "ALLGREEN",
    "max_entries_to_build": 5,
    "max_entries_to_merge": 5,
    "merge_method": "MERGE",
    "min_entries_to_merge": 1,
    "min_entries_to_merge_wait_minutes": 5,
}


def press_button(context: Context, repo: Repo, run: CheckRun, identifier: str, user: User) -> None:
    """Press a button of a check run as `user`. Only a completed run has buttons."""
    if run.status != "completed" or all(action["identifier"] != identifier for action in run.actions):
        raise ApiError(404, "Not Found")
    suite = context.shapes.check_suite(repo, run)
    context.effects.send(
        "check_run",
        repo,
        user,
        action="requested_action",
        only_to=run.app,
        check_run=context.shapes.check_run(repo, run) | {"check_suite": suite},
        requested_action={"identifier": identifier},
    )


def get_permission(context: Context, repo: Repo, username: str) -> Any:
    if username not in context.state.users:
        raise ApiError(404, "Not Found")
    role = repo.permissions.get(username, "none" if repo.private else "read")
    level = {"maintain": "write", "triage": "read"}.get(role, role)
    ranks = ("pull", "triage", "push", "maintain", "admin")
    held = {"read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}.get(role, 0)
    may = {name: index < held for index, name in enumerate(ranks)}
    user = context.shapes.user(context.state.users[username]) | {"role_name": role, "permissions": may}
    return {"permission": level, "role_name": role, "user": user}


_REPO = "/repos/{owner}/{repo}"
_REVIEWS = f"{_REPO}/pulls/{{number}}/reviews"
ROUTES = [
    Route("GET", f"{_REPO}/collaborators/{{username}}/permission", get_permission, "metadata", "read"),
    Route("GET", _REVIEWS, list_reviews, "pull_requests", "read"),
    Route("POST", _REVIEWS, create_review, "pull_requests", "write", by_readers=True),
    Route("PUT", f"{_REVIEWS}/{{id}}/dismissals", dismiss_review, "pull_requests", "write"),
    Route("GET", f"{_REPO}/rules/branches/{{+branch}}", branch_rules, "metadata", "read"),
]
