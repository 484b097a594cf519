"""The API's answers: JSON with an ETag, and every refusal as problem+json (RFC 9457)."""

from __future__ import annotations

import hashlib

import msgspec
from flask import Response, request
from werkzeug.exceptions import HTTPException

from bot.web.api.values import ApiProblem


def answer(value: object) -> Response:
    """`value` as JSON; 304 when the program has it."""
    body = msgspec.json.encode(value)
    made = Response(body, mimetype="application/json")
    made.set_etag(hashlib.sha256(body).hexdigest()[:32])
    made.headers["Cache-Control"] = "private, no-cache"
    made.headers["Vary"] = "Cookie, Authorization"
    return made.make_conditional(request)  # type: ignore[return-value]  # werkzeug's type of the same object


def refuse(problem: HTTPException) -> Response:
    """An error as problem+json, with the headers that belong to it (Allow with 405)."""
    status = problem.code or 500
    kept = {
        name: value for name, value in problem.get_headers() if name.lower() not in ("content-type", "content-length")
    }
    if status == 401:
        kept["WWW-Authenticate"] = 'Bearer realm="aios-bot"'
    return render_problem(problem.name, status, problem.description or problem.name, kept)


def render_problem(title: str, status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal, which no cache keeps."""
    body = msgspec.json.encode(ApiProblem(title=title, status=status, detail=detail, type="about:blank"))
    kept = {**(headers or {}), "Cache-Control": "no-store"}
    return Response(body, status=status, headers=kept, mimetype="application/problem+json")
