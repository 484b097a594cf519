"""The routes of /api/v1, one for each operation, and the document that describes them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest, NotFound

from bot.features.bump.store import PlanStore
from bot.web.api.answers import answer
from bot.web.api.description import describe, path_names
from bot.web.api.operations import OPERATIONS, PREFIX, ApiOperation
from bot.web.api.parameters import PATH
from bot.web.api.reads import ApiRequest, ApiTools
from bot.web.guard import Guard
from bot.web.reading import FleetStores


def make_blueprint(stores: FleetStores, found_plans: PlanStore, guard: Guard) -> Blueprint:
    """Every route of the API."""
    blueprint, tools = Blueprint("api", __name__, url_prefix=PREFIX), ApiTools(stores, found_plans, guard)

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return answer(describe())

    for operation in OPERATIONS:
        blueprint.get(flask_path(operation.path), endpoint=operation.name)(_view(tools, operation))
    return blueprint


def flask_path(path: str) -> str:
    """The path as Flask writes it."""
    return path.replace("{", "<").replace("}", ">")


def _view(tools: ApiTools, operation: ApiOperation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        # Who may see nothing learns nothing, not even that a parameter is wrong.
        visitor = tools.guard.require_visitor()
        address = PREFIX + operation.path.format(**path)
        asked = ApiRequest(visitor, address, _read_path(operation, path), _read_query(operation))
        return answer(operation.read(tools, asked))

    return view


def _read_path(operation: ApiOperation, given: dict[str, str]) -> dict[str, str]:
    try:
        return {name: PATH[name].parse(given[name]) for name in path_names(operation.path)}
    except ValueError:
        raise NotFound("there is nothing here, or you may not see it") from None


def _read_query(operation: ApiOperation) -> dict[str, str | int]:
    """The query by name. A parameter that there is not is refused: a typing error would change what is answered."""
    known = [one.name for one in operation.query]
    for name, texts in request.args.lists():
        if name not in known or len(texts) > 1:
            raise BadRequest(f"{name[:40]!r} is sent twice" if name in known else _no_parameter(name, known))
    try:
        return {one.name: one.parse(request.args.get(one.name)) for one in operation.query}
    except ValueError as problem:
        raise BadRequest(str(problem)) from None


def _no_parameter(name: str, known: list[str]) -> str:
    there = f"there are {', '.join(known)}" if known else "there are none here"
    return f"there is no parameter {name[:40]!r}: {there}"
