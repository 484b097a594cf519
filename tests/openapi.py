"""The judge: GitHub's own OpenAPI descriptions, held against everything the embedded GitHub answers and sends.

The descriptions are the npm packages `@octokit/openapi` and `@octokit/openapi-webhooks`, found below the folder that
OCTOKIT_MODULES names, or `.tools/node_modules` of this repository. Only the schemas that an answer reaches are
converted and compiled, once per process, so that judging one answer costs well under a millisecond.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

REPOSITORY = Path(__file__).resolve().parents[1]
MODULES = Path(os.environ.get("OCTOKIT_MODULES") or REPOSITORY / ".tools/node_modules")
PREFIX = "/api/v3"
MOST_SHOWN = 6  # errors of one answer that a message quotes
_SCHEMA = re.compile(r"#/components/schemas/(.+)")
# Error answers that every operation can give; GitHub lists them with some operations only.
_BASIC = {400, 401, 403, 404, 405, 409, 410, 429, 500, 502, 503}


class Exchange(NamedTuple):
    """One REST request and its answer. `path` may carry prefix and query; `body` is None for an empty answer."""

    method: str
    path: str
    status: int
    body: Any


class Judged(NamedTuple):
    """What a verdict was given on, and what is wrong with it (nothing, when it is empty)."""

    subject: str
    faults: tuple[str, ...]


@cache
def _document(package: str) -> dict[str, Any]:
    path = MODULES / "@octokit" / package / "generated/api.github.com.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing: install the npm packages @octokit/openapi and @octokit/openapi-webhooks below "
            ".tools, or let OCTOKIT_MODULES name the node_modules folder that holds them"
        )
    found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return found


def convert(node: Any, reached: set[str]) -> Any:
    """`node` as JSON Schema, `nullable` turned into a type; the schemas it refers to are added to `reached`."""
    if isinstance(node, list):
        return [convert(item, reached) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        found = _SCHEMA.fullmatch(node["$ref"])
        if found:
            reached.add(found.group(1))
    kept = {key: convert(value, reached) for key, value in node.items() if key not in ("example", "examples")}
    if kept.get("format") == "email":
        del kept["format"]  # a bot's own address, NUMBER+NAME[bot]@users.noreply.github.com, is none by the letter
    if kept.get("default") == "":
        kept.pop("format", None)  # an address that may be left out is empty then
    return _nullable(kept) if node.get("nullable") is True else kept


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    node = {key: value for key, value in node.items() if key != "nullable"}
    kind = node.get("type")
    if isinstance(kind, str) and not {"$ref", "allOf", "anyOf", "oneOf"} & set(node):
        node["type"] = [kind, "null"]
        if "enum" in node and None not in node["enum"]:
            node["enum"] = [*node["enum"], None]
        return node
    return {"anyOf": [node, {"type": "null"}]}


def _compiled(package: str, schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """A validator of `schema` with just the component schemas that it reaches."""
    components = _document(package)["components"]["schemas"]
    waiting: set[str] = set()
    root = convert(schema, waiting)
    held: dict[str, Any] = {}
    while waiting:
        name = waiting.pop()
        if name not in held:
            held[name] = convert(components[name], waiting)
    whole = {**root, "components": {"schemas": held}}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _faults(validator: jsonschema_rs.Validator, value: Any) -> tuple[str, ...]:
    found = []
    for error in validator.iter_errors(value):
        where = "/".join(str(part) for part in error.instance_path)
        found.append(f"{where or '(root)'}: {str(error.message)[:300]}")
        if len(found) == MOST_SHOWN:
            break
    return tuple(found)


class _Operation(NamedTuple):
    template: str
    pattern: re.Pattern[str]
    methods: dict[str, dict[str, Any]]


def path_rule(template: str) -> re.Pattern[str]:
    """Matches the paths of `template`, whole."""
    # References and file paths span slashes; whatever else stands in braces is one segment.
    rule = re.sub(r"\{(path|ref|branch)\}$", r"(?:.+)", template)
    rule = re.sub(r"\{(ref|branch|basehead)\}", r"(?:.+)", rule)
    return re.compile(re.sub(r"\{[^}]+\}", r"(?:[^/]+)", rule))


@cache
def _operations() -> tuple[_Operation, ...]:
    """Every path, those with the most literal segments first, so that /pulls/{n}/merge wins over /pulls/{n}/{x}."""
    found = []
    for template, methods in _document("openapi")["paths"].items():
        found.append(_Operation(template, path_rule(template), methods))
    found.sort(key=lambda one: (-len(re.sub(r"\{[^}]+\}", "", one.template)), one.template))
    return tuple(found)


@cache
def find_operation(method: str, path: str) -> str | None:
    """GitHub's template of the operation that a request asks for, or None when GitHub has none."""
    bare = path.partition("?")[0].removeprefix(PREFIX)
    # The directory of a repository's root has no path of its own in the description.
    if re.fullmatch(r"/repos/[^/]+/[^/]+/contents/?", bare):
        return "/repos/{owner}/{repo}/contents/{path}"
    for one in _operations():
        if method.lower() in one.methods and one.pattern.fullmatch(bare):
            return one.template
    return None


# Where the description writes out of line what it has as a component, and gets it wrong: an account that is a user
# and an enterprise at once.
_MENDED: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/app/installations"): {"type": "array", "items": {"$ref": "#/components/schemas/installation"}},
}


@cache
def _answer_validator(method: str, template: str, status: int) -> jsonschema_rs.Validator | bool | None:
    """The validator of an answer; None: it must be empty; False: GitHub does not answer so."""
    operation = next(one for one in _operations() if one.template == template).methods[method.lower()]
    answer = operation["responses"].get(str(status))
    if answer is None:
        return _error_validator() if status in _BASIC or status == 422 else False
    if "$ref" in answer:
        answer = _document("openapi")["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    content = answer.get("content") or {}
    for kind in ("application/json", "application/scim+json"):
        if kind in content:
            return _compiled("openapi", _MENDED.get((method, template), content[kind]["schema"]))
    return None


@cache
def _error_validator() -> jsonschema_rs.Validator:
    either = ["basic-error", "validation-error", "validation-error-simple"]
    schema = {
        "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in either],
        "required": ["message", "documentation_url"],
    }
    return _compiled("openapi", schema)


def judge_exchange(exchange: Exchange) -> Judged:
    """Whether GitHub could have answered so."""
    subject = f"{exchange.method} {exchange.path} -> {exchange.status}"
    template = find_operation(exchange.method, exchange.path)
    if template is None:
        if exchange.status not in (404, 405):
            return Judged(subject, ("GitHub has no such operation",))
        return Judged(subject, _faults(_error_validator(), exchange.body))
    if exchange.status == 304:
        return Judged(subject, () if exchange.body is None else ("304 has a body",))
    validator = _answer_validator(exchange.method, template, exchange.status)
    if validator is False:
        return Judged(subject, (f"GitHub never answers {template} with {exchange.status}",))
    if validator is None:
        return Judged(subject, () if exchange.body is None else ("the answer should be empty",))
    assert not isinstance(validator, bool)
    return Judged(subject, _faults(validator, exchange.body))


@cache
def _webhook_validator(name: str) -> jsonschema_rs.Validator | None:
    webhook = _document("openapi-webhooks")["webhooks"].get(name)
    if webhook is None:
        return None
    return _compiled("openapi-webhooks", webhook["post"]["requestBody"]["content"]["application/json"]["schema"])


def judge_webhook(event: str, payload: Any) -> Judged:
    """Whether GitHub could have sent `payload` as `event`."""
    action = payload.get("action")
    name = "-".join(part.replace("_", "-") for part in (event, action) if part)
    validator = _webhook_validator(name)
    if validator is None:
        return Judged(f"webhook {name}", ("GitHub has no such webhook",))
    return Judged(f"webhook {name}", _faults(validator, payload))


def complaints(judged: Iterable[Judged]) -> str:
    """Everything that is wrong, for an assertion's message; empty when all is right. The same fault is told once."""
    told = dict.fromkeys(f"{one.subject}\n    " + "\n    ".join(one.faults) for one in judged if one.faults)
    return "\n".join(told)
