"""Contradictions between the fields of a fleet file. Pure.

They are looked for in the document as written, which may be wrong elsewhere: all problems are reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.domain.tool_settings import is_tool_setting
from bot.fleetfile.shapes import NODE_NAME

Finding = tuple[tuple[str | int, ...], str]
"""A place, as keys and list positions, and the message about it."""


def find_contradictions(document: dict[str, Any]) -> Iterator[Finding]:
    """Every contradiction of a fleet file."""
    nodes = _mapping(document.get("nodes"))
    yield from _twins(nodes)
    yield from _waves(_list(_mapping(document.get("deploy")).get("waves")), nodes)
    for name, node in nodes.items():
        yield from _files(f"nodes.{name}", ("nodes", name, "files"), _mapping(node))
        yield from _variables(f"nodes.{name}", ("nodes", name, "variables"), _mapping(node))


def _twins(nodes: dict[str, Any]) -> Iterator[Finding]:
    """GitHub's environments and concurrency groups are the same in upper and lower case."""
    seen: dict[str, str] = {}
    for name in nodes:
        twin = seen.setdefault(name.lower(), name)
        if twin != name:
            yield ("nodes", name), f"nodes: `{name}` and `{twin}` differ only in case; rename one"


def _waves(waves: list[Any], nodes: dict[str, Any]) -> Iterator[Finding]:
    """Each name is a node's, and in one wave. A file without nodes is not done yet: its waves are let be."""
    seen: set[str] = set()
    places = [(("deploy", "waves", i, j), name) for i, wave in enumerate(waves) for j, name in enumerate(_list(wave))]
    for place, name in places if nodes else ():
        if not isinstance(name, str) or not NODE_NAME.pattern.fullmatch(name):
            continue
        if name not in nodes:
            yield place, f"deploy.waves: `{name}` is not a node in this file; known: {', '.join(sorted(nodes))}"
        elif name in seen:
            yield place, f"deploy.waves: `{name}` is listed twice; a node is in one wave"
        seen.add(name)


def _files(where: str, place: tuple[str, ...], node: dict[str, Any]) -> Iterator[Finding]:
    stacks = _list(node.get("stacks"))
    for stack in _mapping(node.get("files")) if stacks else ():
        if stack not in stacks:
            cure = f"add `{stack}` to its stacks, or remove the line"
            yield (*place, stack), f"{where}.files: this node does not run `{stack}`; {cure}"


def _variables(where: str, place: tuple[str, ...], node: dict[str, Any]) -> Iterator[Finding]:
    for name in _mapping(node.get("variables")):
        if is_tool_setting(name):
            cure = "name compose files in `files`, profiles in `profiles`, and the engine on the node itself"
            yield (*place, name), f"{where}.variables.{name} would change what the tools do; {cure}"


def _mapping(value: Any) -> dict[str, Any]:
    """`value` with its text keys; empty when it is no mapping, which its own check reports."""
    return {key: item for key, item in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
