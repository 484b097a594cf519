"""Answer REST requests: authentication, permission, repository, handler, headers, faults and the log."""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Flask, Response, request

from sandbox import access
from sandbox.app_records import AppRecord, Token
from sandbox.effects import Effects
from sandbox.faults import Cut, Fault, Faults, break_response
from sandbox.records import Repo, User
from sandbox.requests_log import OBSERVERS, LoggedRequest
from sandbox.shapes import Shapes
from sandbox.state import ApiError, Moved, State
from sandbox.webhooks import Webhooks

PREFIX = "/api/v3"
HOURLY = 5000  # requests per installation (GitHub: rate limits for the REST API)
_NUMBER = re.compile(r"[1-9][0-9]*")


class Context(NamedTuple):
    """What a handler works with. `token` is None for anonymous requests; `app` is set for those with an App's JWT."""

    api: Api
    token: Token | None
    app: AppRecord | None

    @property
    def state(self) -> State:
        return self.api.state

    @property
    def shapes(self) -> Shapes:
        return self.api.shapes

    @property
    def effects(self) -> Effects:
        return self.api.effects

    @property
    def user(self) -> User:
        """The user who makes the request; 401 if it is anonymous."""
        if self.token is None:
            raise ApiError(401, "Requires authentication")
        return self.token.user

    @property
    def body(self) -> dict[str, Any]:
        """The request's JSON object."""
        found = request.get_json(silent=True, force=True)
        if request.content_length and found is None:
            raise ApiError(400, "Problems parsing JSON")
        return found if isinstance(found, dict) else {}

    def need(self, *names: str) -> list[Any]:
        """The values of the named fields of the body; 422 if one is missing."""
        body = self.body
        missing = [name for name in names if body.get(name) in (None, "")]
        if missing:
            raise invalid(*[{"code": "missing_field", "field": name} for name in missing])
        return [body[name] for name in names]


class ApiResponse(NamedTuple):
    """A handler's response that is not just 200 with a body."""

    status: int
    body: Any = None
    headers: dict[str, str] = {}


def invalid(*errors: Any) -> ApiError:
    """A validation error in GitHub's shape."""
    return ApiError(422, "Validation Failed", errors=list(errors))


Handler = Callable[..., Any]


class Route(NamedTuple):
    """One operation. `permission` None: any credential will do; "app": the App's JWT is needed.

    `by_readers`: who may read the repository may do it; an App needs its level all the same.
    """

    method: str
    path: str
    handler: Handler
    permission: str | None
    level: str
    by_readers: bool = False


class Api:
    """The state and services that all routes share."""

    def __init__(self, state: State, shapes: Shapes, webhooks: Webhooks) -> None:
        self.state = state
        self.shapes = shapes
        self.webhooks = webhooks
        self.effects = Effects(state, shapes, webhooks)
        self.requests: list[LoggedRequest] = []
        self.faults = Faults()
        self.latency = 0.0
        self.hourly = HOURLY
        self._used: dict[str, tuple[float, int]] = {}

    def check_access(self, token: Token | None, repo: Repo, permission: str, level: str) -> None:
        """Raise ApiError unless `token` may do this in `repo`; record which permissions installations use."""
        access.check_access(token, repo, permission, level)
        if token is not None and token.installation is not None:
            access.record_use(self.state, permission, level)

    def log(
        self, kind: str, *, route: str, status: int, start: float, body: Any = None, done: int | None = None
    ) -> None:
        """Log an answered request; `done` is `status` unless given."""
        now, path = time.monotonic(), request.full_path.rstrip("?")
        done = status if done is None else done
        by = access.kind_of(self.state, request.headers.get("Authorization", ""))
        sent = request.get_json(silent=True, force=True) if kind == "rest" and request.content_length else None
        one = LoggedRequest(kind, request.method, path, route, status, now - start, now, body, done, by, sent)
        self.requests.append(one)
        for observe in OBSERVERS:
            observe(one)

    def register(self, flask: Flask, routes: list[Route]) -> None:
        """Serve `routes` below the API's prefix."""
        for route in routes:
            rule = PREFIX + re.sub(r"\{\+(\w+)\}", r"<path:\1>", route.path)
            rule = re.sub(r"\{(\w+)\}", r"<\1>", rule)
            flask.add_url_rule(
                rule,
                f"{route.method} {route.path}",
                self._view(route),
                methods=[route.method],
                provide_automatic_options=False,
            )

    def _view(self, route: Route) -> Callable[..., Response]:
        def view(**arguments: str) -> Response:
            start = time.monotonic()
            if self.latency:
                time.sleep(self.latency)
            answer, done = self._answer(route, arguments)
            self._log_rest(route, answer, start, done)
            return answer

        return view

    def _log_rest(self, route: Route, answer: Response, start: float, done: int) -> None:
        try:
            body = json.loads(answer.get_data()) if answer.is_json and answer.get_data() else None
        except ValueError:
            body = None  # a fault cut it off
        self.log("rest", route=route.path, status=answer.status_code, start=start, body=body, done=done)

    def _answer(self, route: Route, arguments: dict[str, str]) -> tuple[Response, int]:
        """The response for the client, and the status of what was carried out."""
        fault = self.faults.take(request.method, request.path)
        if fault is not None and not fault.after_effect and (fault.status or fault.cut is Cut.CONNECTION):
            return break_response(fault, self._with_fault(fault, Response())), 0
        try:
            with self.state.lock:
                answer = self._handle(route, arguments)
        except Moved as moved:
            target = request.full_path.rstrip("?").replace(f"/repos/{moved.before}", f"/repos/{moved.now}", 1)
            answer = as_json(301, {"message": "Moved Permanently", "url": f"{self.shapes.url}{target}"})
            answer.headers["Location"] = f"{self.shapes.url}{target}"
        except ApiError as problem:
            errors = {"errors": problem.errors} if problem.errors is not None else {}
            body = {"message": problem.message, "documentation_url": f"{self.shapes.url}/docs", **errors}
            answer = as_json(problem.status, body | {"status": str(problem.status)})
        done = answer.status_code
        if fault is not None and fault.status:
            return break_response(fault, self._with_fault(fault, answer)), done
        answer = self._with_headers(answer)
        return (answer if fault is None else break_response(fault, answer)), done

    def _with_fault(self, fault: Fault, answer: Response) -> Response:
        if fault.page:
            answer = Response(fault.page, fault.status or 200, content_type="text/html")
        elif fault.status:
            answer = as_json(fault.status, {"message": fault.message})
        answer.headers.update(fault.headers)
        return answer

    def _handle(self, route: Route, arguments: dict[str, str]) -> Response:
        context = self._context(route)
        values: dict[str, Any] = dict(arguments)
        if "owner" in values:
            repo = self.state.repo(f"{values.pop('owner')}/{values.pop('repo')}")
            if repo.archived and route.method != "GET":
                raise ApiError(403, "Repository was archived so is read-only.")
            if route.permission != "app":
                by_person = context.token is not None and context.token.permissions is None
                level = "read" if route.by_readers and by_person else route.level
                self.check_access(context.token, repo, route.permission or "metadata", level)
            values["repo"] = repo
        for name in ("number", "id"):
            if name in values:
                if not _NUMBER.fullmatch(values[name]):
                    raise ApiError(404, "Not Found")
                values[name] = int(values[name])
        found = route.handler(context, **values)
        if isinstance(found, ApiResponse):
            answer = as_json(found.status, found.body) if found.body is not None else Response(status=found.status)
            answer.headers.update(found.headers)
            return answer
        return as_json(200, found)

    def _context(self, route: Route) -> Context:
        pinned = (request.headers.get("X-GitHub-Api-Version"), request.headers.get("Accept"))
        if self.state.behaviours.strict_headers and pinned != ("2022-11-28", "application/vnd.github+json"):
            raise ApiError(400, f"Requests need an API version and a media type, not {pinned}")
        credential = access.read_credential(request.headers.get("Authorization", ""))
        if route.permission == "app":
            return Context(self, None, access.find_app(self.state, credential))
        if route.permission == access.BASIC:
            return Context(self, None, None)  # the handler reads them itself
        token = access.find_token(self.state, credential) if credential else None
        if token is not None:
            self._count_request(self._limit_key(credential))
        return Context(self, token, None)

    def _limit_key(self, credential: str) -> str:
        """The key of the rate limit that a request counts against: an installation has one for all its tokens."""
        token = self.state.tokens.get(credential)
        return f"installation {token.installation.id}" if token and token.installation else credential

    def _count_request(self, credential: str) -> None:
        since, used = self._used.get(credential, (time.time(), 0))
        if time.time() - since > 3600:
            since, used = time.time(), 0
        if used >= self.hourly:
            raise ApiError(403, "API rate limit exceeded for installation")
        self._used[credential] = (since, used + 1)

    def _with_headers(self, answer: Response) -> Response:
        credential = self._limit_key(access.read_credential(request.headers.get("Authorization", "")))
        since, used = self._used.get(credential, (time.time(), 0))
        answer.headers["X-GitHub-Request-Id"] = str(uuid.uuid4())
        answer.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        answer.headers["x-ratelimit-limit"] = str(self.hourly)
        answer.headers["x-ratelimit-remaining"] = str(max(0, self.hourly - used))
        answer.headers["x-ratelimit-reset"] = str(int(since) + 3600)
        answer.headers["x-ratelimit-resource"] = "core"
        if request.method == "GET" and answer.status_code == 200:
            etag = f'W/"{hashlib.sha256(answer.get_data()).hexdigest()}"'
            answer.headers["ETag"] = etag
            if request.headers.get("If-None-Match") == etag:
                self._used[credential] = (since, max(0, used - 1))
                answer.status_code = 304
                answer.set_data(b"")
        return answer


def as_json(status: int, body: Any) -> Response:
    """A response of the API."""
    return Response(json.dumps(body), status=status, content_type="application/json; charset=utf-8")


def paged(items: list[Any], shape: Callable[[Any], Any]) -> ApiResponse:
    """One page of `items`, with GitHub's Link header."""
    size = min(100, max(1, request.args.get("per_page", 30, type=int)))
    page = max(1, request.args.get("page", 1, type=int))
    part = items[(page - 1) * size : page * size]
    headers = {}
    if page * size < len(items):
        query = dict(request.args) | {"page": str(page + 1)}
        following = "&".join(f"{name}={value}" for name, value in query.items())
        headers["Link"] = f'<{request.base_url}?{following}>; rel="next"'
    return ApiResponse(200, [shape(item) for item in part], headers)
