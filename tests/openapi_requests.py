"""The judge of requests: what is sent to GitHub, held against GitHub's descriptions of every server of theirs.

Each request that an embedded GitHub of this process answers is looked at: the operation has to exist, its query and
body may have only the parameters and fields that GitHub describes, and the body has to be valid. Requests that differ
only in values are looked at once. tests/conftest.py fails the test that sent one which no server describes so.

The descriptions are those of api.github.com and of GitHub Enterprise Server 3.16 to 3.19, npm `@octokit/openapi` at
two versions. Only what is needed of them is decoded, once per process: some 40 ms for each server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import jsonschema_rs
import msgspec

from sandbox.requests_log import LoggedRequest
from tests.openapi import MODULES, PREFIX, convert, path_rule

PUBLIC = "api.github.com"
ENTERPRISE = ("ghes-3.16", "ghes-3.17", "ghes-3.18", "ghes-3.19")
SERVERS = (PUBLIC, *ENTERPRISE)

FALLS_BACK = {
    ("POST", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches", "return_run_details"): (
        "test_a_server_refuses_return_run_details"
    ),
}
"""What an Enterprise Server refuses and the bot then does without: the field, and the test that shows it."""


class _Operation(msgspec.Struct):
    parameters: list[dict[str, Any]] = []
    requestBody: dict[str, Any] | None = None  # noqa: N815 - GitHub's name


class _Components(msgspec.Struct):
    schemas: dict[str, msgspec.Raw]
    parameters: dict[str, dict[str, Any]]


class _Description(msgspec.Struct):
    paths: dict[str, dict[str, _Operation]]
    components: _Components


class Asked(NamedTuple):
    """One request, as `judge_request` takes it."""

    method: str
    path: str
    sent: Any = None


class _Known(NamedTuple):
    """What one operation of one server takes. `body` None: no body."""

    template: str
    parameters: frozenset[str]
    body: dict[str, Any] | None


@cache
def _description(server: str) -> _Description:
    package = "openapi-ghes-3.16" if server == "ghes-3.16" else "openapi"
    path = MODULES / "@octokit" / package / "generated" / f"{server}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing: `tools/setup test` installs GitHub's descriptions; or let OCTOKIT_MODULES name the "
            "node_modules folder that holds them"
        )
    return msgspec.json.decode(path.read_bytes(), type=_Description)


@cache
def _templates(server: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Every path, those with the most literal text first: /pulls/{n}/merge wins over /pulls/{n}/{x}."""
    found = list(_description(server).paths)
    found.sort(key=lambda one: (-len(re.sub(r"\{[^}]+\}", "", one)), one))
    return tuple((one, path_rule(one)) for one in found)


@cache
def _known(server: str, method: str, route: str) -> _Known | None:
    """What `server` takes for a request of `route`, which is a path without query; None: it has no such operation."""
    description = _description(server)
    for template, rule in _templates(server):
        operation = description.paths[template].get(method.lower())
        if operation is None or not rule.fullmatch(route):
            continue
        listed = [_resolved(server, one) for one in operation.parameters]
        body = None
        if operation.requestBody is not None:
            content = operation.requestBody.get("content", {})
            body = content.get("application/json", {}).get("schema")
        return _Known(template, frozenset(str(one["name"]) for one in listed if one["in"] == "query"), body)
    return None


def _resolved(server: str, parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    name = parameter.get("$ref")
    return _description(server).components.parameters[name.rsplit("/", 1)[1]] if name else parameter


@cache
def _schema(server: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(_description(server).components.schemas[name])
    return found


def _parts(server: str, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema itself, and those that it refers to or combines."""
    if "$ref" in schema:
        yield from _parts(server, _schema(server, str(schema["$ref"]).rsplit("/", 1)[1]))
        return
    yield schema
    for kind in ("allOf", "anyOf", "oneOf"):
        for one in schema.get(kind, ()):
            yield from _parts(server, one)


def find_unknown(server: str, schema: Mapping[str, Any], value: Any, where: str = "") -> Iterator[str]:
    """The fields of `value`, as dotted paths, that `schema` does not describe."""
    parts = list(_parts(server, schema))
    if isinstance(value, list):
        for item in value:
            for one in parts:
                if "items" in one:
                    yield from find_unknown(server, one["items"], item, where)
    if not isinstance(value, dict):
        return
    described = [one for one in parts if one.get("properties")]
    if not described or any(one.get("additionalProperties") for one in parts):
        return  # GitHub leaves it open
    for name, held in value.items():
        ways = [one["properties"][name] for one in described if name in one["properties"]]
        if not ways:
            yield f"{where}{name}"
        elif len(ways) == 1:
            yield from find_unknown(server, ways[0], held, f"{where}{name}.")


@cache
def _validator(server: str, method: str, route: str) -> jsonschema_rs.Validator:
    known = _known(server, method, route)
    assert known is not None
    waiting: set[str] = set()
    root = convert(known.body, waiting)
    held: dict[str, Any] = {}
    while waiting:
        name = waiting.pop()
        if name not in held:
            held[name] = convert(_schema(server, name), waiting)
    return jsonschema_rs.Draft202012Validator({**root, "components": {"schemas": held}})


def judge_request(
    server: str,
    method: str,
    path: str,
    sent: Any = None,
    *,
    falls_back: Mapping[tuple[str, str, str], str] = FALLS_BACK,
) -> tuple[str, ...]:
    """What `server` does not know about a request; nothing when it describes all of it.

    `path` may carry prefix and query; `sent` is the JSON of the body, None without one.
    """
    route, _, query = path.partition("?")
    route = route.removeprefix(PREFIX)
    if re.fullmatch(r"/repos/[^/]+/[^/]+/contents/?", route):
        route = f"{route.rstrip('/')}/x"  # a repository's root has no path of its own in the description
    known = _known(server, method, route)
    if known is None:
        return ("no such operation",)
    faults = [
        f"parameter {name}" for name, _ in parse_qsl(query, keep_blank_values=True) if name not in known.parameters
    ]
    if sent is None:
        return tuple(faults)
    if known.body is None:
        return (*faults, *([f"a body with {sorted(sent)}"] if sent else []))
    unknown = find_unknown(server, known.body, sent)
    faults += [
        f"field {name}" for name in unknown if server == PUBLIC or (method, known.template, name) not in falls_back
    ]
    faults += [
        f"{'/'.join(str(part) for part in error.instance_path) or '(root)'}: {str(error.message)[:200]}"
        for error in _validator(server, method, route).iter_errors(sent)
    ]
    return tuple(faults)


class RequestJudge:
    """Looks at each kind of request once, when the test that sent it is over."""

    def __init__(self) -> None:
        self._seen: set[Any] = set()
        self._waiting: list[Asked] = []

    def observe(self, one: LoggedRequest) -> None:
        """Keep a request that GitHub carried out: what a test sends to be refused is its own affair."""
        if one.kind != "rest" or not 200 <= one.done < 300:
            return
        names = frozenset(name for name, _ in parse_qsl(one.path.partition("?")[2], keep_blank_values=True))
        kind = (one.method, one.route, names, _shape(one.sent))
        if kind not in self._seen:
            self._seen.add(kind)
            self._waiting.append(Asked(one.method, one.path, one.sent))

    def take(self) -> str:
        """What was wrong since the last time, a line for each; empty when nothing was."""
        waiting, self._waiting = self._waiting, []
        return "\n".join(
            f"{server}: {one.method} {one.path}: {fault}"
            for one in waiting
            for server in SERVERS
            for fault in judge_request(server, *one)
        )


def _shape(value: Any) -> Any:
    """The names in a JSON value and where they stand, without the values."""
    if isinstance(value, dict):
        return frozenset((name, _shape(held)) for name, held in value.items())
    if isinstance(value, list):
        return ("list", frozenset(_shape(one) for one in value))
    return type(value).__name__


JUDGE = RequestJudge()
