"""Read fields of YAML nodes that may be missing, or something else than they should be. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.planner.yaml_nodes import YamlMapping, YamlNode, YamlSequence


def field(node: YamlNode | None, name: str) -> YamlNode | None:
    """What `node` has under `name`; None where it is no mapping."""
    return node.get(name) if isinstance(node, YamlMapping) else None


def mappings(node: YamlNode | None) -> Iterator[tuple[str, YamlMapping]]:
    """Name and value of each mapping in the mapping `node`."""
    for name, (_, value) in node.pairs.items() if isinstance(node, YamlMapping) else ():
        if isinstance(value, YamlMapping):
            yield name, value


def items(node: YamlNode | None) -> list[YamlNode]:
    """The items of a list; anything else is a list of itself."""
    if node is None:
        return []
    return list(node.items) if isinstance(node, YamlSequence) else [node]


def choices(options: list[tuple[str, ...]]) -> list[list[str]]:
    """Ways to choose one of each; with several possible names for one file, each in turn."""
    first = [choice[0] for choice in options if choice]
    found = [first] if first else []
    for at, choice in enumerate(options):
        found += [[*first[:at], other, *first[at + 1 :]] for other in choice[1:]]
    return found
