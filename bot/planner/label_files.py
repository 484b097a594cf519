"""Find the label files that services name. Compose hashes their paths, and versions before 5 do not show them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from bot.plan.rendering import CHECKOUT
from bot.planner.compose_files import ComposeFile, ComposeGroup
from bot.planner.yaml_fields import items
from bot.planner.yaml_nodes import YamlMapping, YamlNode, YamlScalar

_MAX_DEPTH = 24
_REPLACING = ("!reset", "!override")


def add_label_files(model: dict[str, Any], main: ComposeGroup, paths: Mapping[int, str]) -> None:
    """Name in `model` the label files of each service, in the order in which compose merges them.

    `paths` are those in the checkout, by the `id` of the node that names them; others stay as they are written.
    """
    services = model.get("services") or {}
    found: dict[str, list[str]] = {}
    for name, node in _named(main, 0):
        kept = [] if node.tag in _REPLACING else found.get(name, [])
        own = [_place(item, paths) for item in items(node) if isinstance(item, YamlScalar) and not item.is_null]
        found[name] = kept if node.tag == "!reset" else [*kept, *own]
    for name, service in services.items():
        service.pop("label_file", None)
        if found.get(name):
            service["label_file"] = found[name]


def _place(item: YamlScalar, paths: Mapping[int, str]) -> str:
    return posixpath.join(CHECKOUT, paths[id(item)]) if id(item) in paths else item.text


def _named(group: ComposeGroup, depth: int) -> Iterator[tuple[str, YamlNode]]:
    """Each service with what it, or one that it extends, says of label files."""
    if depth > _MAX_DEPTH:
        return
    for file in group.files:
        for included in file.includes:
            yield from _named(included, depth + 1)
        for name in _services(file):
            yield from ((name, node) for node in _of_service(file, name, 0))


def _services(file: ComposeFile) -> list[str]:
    bodies = [document.get("services") for document in file.documents if isinstance(document, YamlMapping)]
    return list(dict.fromkeys(name for body in bodies if isinstance(body, YamlMapping) for name in body.pairs))


def _of_service(file: ComposeFile, name: str, depth: int) -> Iterator[YamlNode]:
    """What the files say, the most distant base first."""
    if depth <= _MAX_DEPTH and name in file.bases:
        base, other = file.bases[name]
        yield from _of_service(base, other, depth + 1)
    for document in file.documents:
        services = document.get("services") if isinstance(document, YamlMapping) else None
        service = services.get(name) if isinstance(services, YamlMapping) else None
        node = service.get("label_file") if isinstance(service, YamlMapping) else None
        if node is not None:
            yield node
