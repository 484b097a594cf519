"""The OpenAPI 3.1 document of the API, made from the list of operations and the values that they answer. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from bot.web.api.operations import OPERATIONS, PREFIX, ApiOperation
from bot.web.api.parameters import PATH, Parameter
from bot.web.api.values import ApiProblem

Json = dict[str, Any]
_NOT_CHANGED = {"description": "nothing changed since the answer whose ETag was sent as If-None-Match"}


def describe() -> Json:
    """The document."""
    kinds = [*(operation.answers for operation in OPERATIONS), ApiProblem]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    *answers, problem = schemas
    return {
        "openapi": "3.1.0",
        "info": {"title": "aios-bot", "version": "1", "description": "What the pages show, as JSON. It only reads."},
        "security": [{"token": []}],
        "paths": {
            f"{PREFIX}{operation.path}": {"get": _describe(operation, answer, problem)}
            for operation, answer in zip(OPERATIONS, answers, strict=True)
        },
        "components": {
            "schemas": {name: _close(schema) for name, schema in components.items()},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "a token of `aios-bot token add`, or an OIDC token of a GitHub Actions job",
                }
            },
        },
    }


def path_names(path: str) -> list[str]:
    """The parts of a path that vary, in order."""
    return re.findall(r"\{(\w+)\}", path)


def _describe(operation: ApiOperation, answer: Json, problem: Json) -> Json:
    refused = {"content": {"application/problem+json": {"schema": problem}}}
    names = path_names(operation.path)
    responses: Json = {
        "200": {
            "description": operation.about,
            "content": {"application/json": {"schema": answer}},
            "headers": {"ETag": {"schema": {"type": "string"}, "required": True, "description": "of this answer"}},
        },
        "304": _NOT_CHANGED,
        "400": {**refused, "description": "a parameter that there is not, or not as its schema says"},
        "401": {**refused, "description": "no token, or none that counts (any more)"},
    }
    if names:
        responses["404"] = {**refused, "description": "it does not exist, or may not be seen"}
    responses["503"] = {**refused, "description": "GitHub has not said yet whether it may be seen: try again"}
    parameters = [_parameter(PATH[name], "path") for name in names]
    parameters += [_parameter(one, "query") for one in operation.query]
    return {
        "operationId": operation.name,
        "summary": operation.about,
        "parameters": parameters,
        "responses": responses,
    }


def _parameter(one: Parameter, where: str) -> Json:
    found: Json = {"name": one.name, "in": where, "description": one.about, "schema": one.schema}
    return {**found, "required": True} if where == "path" else found


def _close(schema: Json) -> Json:
    """The schema of a value; what it does not name is not sent."""
    return {**schema, "additionalProperties": False} if schema.get("type") == "object" else schema
