"""/api/v1: what the pages show, as JSON, for programs. It only reads.

A program sends a token of one fleet (`aios-bot token add`); a person's session does as well. Errors are
problem+json (RFC 9457). /api/v1/openapi.json describes all of it, made from the values below.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest, HTTPException

from bot.domain.values import Value
from bot.features.holds.facts import Hold, Lock
from bot.features.rollout.store import RolloutStatus
from bot.web.fleets import list_fleets
from bot.web.guard import Guard
from bot.web.reading import FleetStores

PAGE = 50  # fleets in one answer, unless the program asks for fewer


class ApiFleet(Value, frozen=True):
    """One fleet. `url` has its state."""

    name: str
    url: str


class ApiFleets(Value, frozen=True):
    """The fleets that may be seen. `next` is the address of the next page, null for the last one.

    GitHub was not yet asked about `unasked` more: ask again.
    """

    fleets: tuple[ApiFleet, ...]
    unasked: int
    next: str | None = None


class ApiFleetState(Value, frozen=True):
    """What a fleet's page shows. Times are seconds since 1970, UTC."""

    name: str
    rollouts: tuple[RolloutStatus, ...]
    locks: tuple[Lock, ...]
    holds: tuple[Hold, ...]


class ApiProblem(Value, frozen=True):
    """Why a request was refused (RFC 9457)."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"


def make_blueprint(stores: FleetStores, guard: Guard) -> Blueprint:
    """The routes of the API."""
    blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return answer(describe())

    @blueprint.get("/fleets")
    def fleets() -> Response:
        visitor = guard.require_visitor()
        most, after = _read_number("most", PAGE, least=1, greatest=PAGE), request.args.get("after", "")
        seen, unasked = list_fleets(guard, visitor)
        rest = [fleet for fleet in seen if fleet.name.lower() > after.lower()]
        shown = tuple(ApiFleet(name=one.name, url=f"/api/v1/fleets/{one.name}") for one in rest[:most])
        more = f"/api/v1/fleets?most={most}&after={shown[-1].name}" if len(rest) > most else None
        return answer(ApiFleets(fleets=shown, unasked=unasked, next=more))

    @blueprint.get("/fleets/<owner>/<name>")
    def fleet(owner: str, name: str) -> Response:
        found = guard.require_fleet(f"{owner}/{name}")
        return answer(
            ApiFleetState(
                name=found.name,
                rollouts=stores.statuses.find(stores.statuses.page_of(found.name)),
                locks=stores.holds.find_locks(found.name, now=time.time()),
                holds=stores.holds.find_all_holds(found.name),
            )
        )

    return blueprint


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
    about = ApiProblem(title=problem.name, status=status, detail=problem.description or problem.name)
    kept = {
        name: value for name, value in problem.get_headers() if name.lower() not in ("content-type", "content-length")
    }
    if status == 401:
        kept["WWW-Authenticate"] = 'Bearer realm="aios-bot"'
    return Response(msgspec.json.encode(about), status=status, headers=kept, mimetype="application/problem+json")


def _read_number(name: str, default: int, *, least: int, greatest: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= greatest):
        raise BadRequest(f"{name} must be a whole number from {least} to {greatest}")
    return int(text)


def describe() -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes, its schemas made from the values that are sent."""
    sent = (ApiFleets, ApiFleetState, ApiProblem)
    (fleets, state, problem), schemas = msgspec.json.schema_components(
        sent, ref_template="#/components/schemas/{name}"
    )
    refused = {"content": {"application/problem+json": {"schema": problem}}, "description": "refused"}
    common = {"401": refused, "304": {"description": "not changed since the ETag that was sent"}}

    def operation(name: str, about: str, schema: object, *parameters: object, **more: object) -> dict[str, object]:
        good = {"description": about, "content": {"application/json": {"schema": schema}}}
        return {
            "operationId": name,
            "summary": about,
            "parameters": parameters,
            "responses": {"200": good, **common, **more},
        }

    segment = {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_.-]+$"}
    parts = [{"name": name, "in": "path", "required": True, "schema": segment} for name in ("owner", "name")]
    pages = (
        {
            "name": "most",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": PAGE, "default": PAGE},
        },
        {
            "name": "after",
            "in": "query",
            "schema": {"type": "string"},
            "description": "`next` of the answer before has it",
        },
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "aios-bot", "version": "1", "description": "What the pages show, as JSON. It only reads."},
        "security": [{"token": []}],
        "paths": {
            "/api/v1/fleets": {
                "get": operation("list_fleets", "the fleets that may be seen", fleets, *pages, **{"400": refused})
            },
            "/api/v1/fleets/{owner}/{name}": {
                "get": operation("read_fleet", "the state of one fleet", state, *parts, **{"404": refused})
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
