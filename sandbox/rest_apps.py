"""The App itself: its installations, tokens and webhook deliveries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import request

from sandbox import access
from sandbox.api import ApiResponse, Context, Route, paged
from sandbox.app_records import AppRecord, Delivery, Installation
from sandbox.records import Repo
from sandbox.state import ApiError


def _app(context: Context) -> AppRecord:
    if context.app is None:
        raise ApiError(401, "A JSON web token could not be decoded")
    return context.app


def _installation(context: Context, number: int) -> Installation:
    found = context.state.installations.get(number)
    if found is None or found.app is not _app(context):
        raise ApiError(404, "Not Found")
    return found


def get_app(context: Context) -> Any:
    app = _app(context)
    count = sum(one.app is app for one in context.state.installations.values())
    return context.shapes.app(app) | {"installations_count": count}


def list_installations(context: Context) -> Any:
    own = [one for one in context.state.installations.values() if one.app is _app(context)]
    return paged(own, context.shapes.installation)


def get_installation(context: Context, id: int) -> Any:
    return context.shapes.installation(_installation(context, id))


def get_repo_installation(context: Context, repo: Repo) -> Any:
    for one in context.state.installations.values():
        if one.app is context.app and repo.full_name in one.repositories:
            return context.shapes.installation(one)
    raise ApiError(404, "Not Found")


def create_token(context: Context, id: int) -> Any:
    installation, body = _installation(context, id), context.body
    if installation.suspended_at is not None:
        raise ApiError(403, "This installation has been suspended")
    names = body.get("repositories")
    if body.get("repository_ids"):
        by_id = {repo.id: repo.name for repo in context.state.repos.values()}
        names = [by_id.get(number, "") for number in body["repository_ids"]]
    text, token = access.new_installation_token(
        context.state, installation, permissions=body.get("permissions"), repositories=names
    )
    expires = datetime.fromtimestamp(token.expires or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer: dict[str, Any] = {"token": text, "expires_at": expires, "permissions": token.permissions}
    narrowed = names is not None
    answer["repository_selection"] = "selected"
    if narrowed:
        repos = [context.state.repo(name) for name in sorted(token.repositories or ())]
        answer["repositories"] = [context.shapes.repository(repo) for repo in repos]
    return ApiResponse(201, answer)


def list_repositories(context: Context) -> Any:
    token = context.token
    if token is None or token.installation is None:
        raise ApiError(403, "Resource not accessible by integration")
    repos = [context.state.repos[name] for name in sorted(token.repositories or ())]
    page = paged(repos, context.shapes.repository)
    return ApiResponse(
        200, {"total_count": len(repos), "repository_selection": "selected", "repositories": page.body}, page.headers
    )


def _summary(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": delivery.delivered_at,
        "redelivery": delivery.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation,
        "repository_id": delivery.repository,
        "throttled_at": None,
    }


def list_deliveries(context: Context) -> Any:
    _app(context)
    sent = [one for one in reversed(context.state.deliveries) if one.delivered_at]
    cursor = request.args.get("cursor", type=int)
    if cursor is not None:
        sent = [one for one in sent if one.id < cursor]
    size = min(100, request.args.get("per_page", 30, type=int))
    page, rest = sent[:size], sent[size:]
    headers = {"Link": f'<{request.base_url}?per_page={size}&cursor={page[-1].id}>; rel="next"'} if rest else {}
    return ApiResponse(200, [_summary(one) for one in page], headers)


def _delivery(context: Context, number: int) -> Delivery:
    for one in context.state.deliveries:
        if one.id == number:
            return one
    raise ApiError(404, "Not Found")


def get_delivery(context: Context, id: int) -> Any:
    one = _delivery(context, id)
    return _summary(one) | {
        "url": one.url,
        "request": {"headers": one.headers, "payload": one.payload},
        "response": {"headers": {}, "payload": one.response},
    }


def redeliver(context: Context, id: int) -> Any:
    context.api.webhooks.redeliver(_delivery(context, id))
    return ApiResponse(202, {})


ROUTES = [
    Route("GET", "/app", get_app, "app", "read"),
    Route("GET", "/app/installations", list_installations, "app", "read"),
    Route("GET", "/app/installations/{id}", get_installation, "app", "read"),
    Route("POST", "/app/installations/{id}/access_tokens", create_token, "app", "read"),
    Route("GET", "/repos/{owner}/{repo}/installation", get_repo_installation, "app", "read"),
    Route("GET", "/installation/repositories", list_repositories, None, "read"),
    Route("GET", "/app/hook/deliveries", list_deliveries, "app", "read"),
    Route("GET", "/app/hook/deliveries/{id}", get_delivery, "app", "read"),
    Route("POST", "/app/hook/deliveries/{id}/attempts", redeliver, "app", "read"),
]
