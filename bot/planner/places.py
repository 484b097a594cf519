"""Where each part of compose's model stands in the stack's own files, and which variables they use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from bot.plan.model import SourceLine
from bot.plan.rendering import Variable
from bot.planner.interpolation import find_uses
from bot.planner.reads import File, Group
from bot.planner.yaml_nodes import Mapping, Node, Scalar, Sequence

_SECTIONS = ("services", "networks", "volumes", "configs", "secrets", "models")
# Lists that the model shows as mappings: of `NAME=value`, and of names.
_NAMED_LISTS = frozenset(("environment", "labels", "annotations", "args", "sysctls", "additional_contexts"))
_LISTS_OF_NAMES = frozenset(("networks", "depends_on"))
_FROM_NODE = frozenset(("HOME", "PWD"))  # every shell has them
_DEEPEST = 24


class Places:
    """What the files say, place by place. The last file that sets a place has it."""

    def __init__(self, main: Group) -> None:
        self.lines: dict[str, SourceLine] = {}
        self.written: set[str] = set()  # places with a value of their own; `FOO:` alone has none
        self._items: dict[str, list[tuple[Node, SourceLine]]] = {}
        self._group(main, 0)

    def sources(self, model: dict[str, Any]) -> dict[str, SourceLine]:
        """Every known place of `model`; list items by their index, "services.web.ports.0"."""
        found = dict(self.lines)
        for place, items in self._items.items():
            shown = _at(model, place)
            if isinstance(shown, list):
                matches = _matcher(place.rpartition(".")[2])
                for index, value in enumerate(shown):
                    line = next((at for node, at in reversed(items) if matches(node, value)), None)
                    if line:
                        found[f"{place}.{index}"] = line
        return dict(sorted(found.items()))

    def _group(self, group: Group, depth: int) -> None:
        if depth > _DEEPEST:
            return
        for file in group.files:
            for included in file.includes:
                self._group(included, depth + 1)
            for document in file.documents:
                if isinstance(document, Mapping):
                    self._document(file, document)

    def _document(self, file: File, document: Mapping) -> None:
        for section, (section_key, body) in document.pairs.items():
            if section in _SECTIONS and isinstance(body, Mapping):
                for name, (key, node) in body.pairs.items():
                    place = f"{section}.{name}"
                    if section == "services":
                        self._bases(file, name, place, 0)
                    self._lay(file, place, key, node)
            elif section == "name" or section.startswith("x-"):
                self._lay(file, section, section_key, body)

    def _bases(self, file: File, service: str, place: str, depth: int) -> None:
        """What a service gets by `extends`, the furthest first."""
        if depth > _DEEPEST or service not in file.bases:
            return
        base, name = file.bases[service]
        self._bases(base, name, place, depth + 1)
        for document in base.documents:
            services = document.get("services") if isinstance(document, Mapping) else None
            found = services.pairs.get(name) if isinstance(services, Mapping) else None
            if found:
                self._lay(base, place, *found)

    def _lay(self, file: File, place: str, key: Scalar, node: Node) -> None:
        self.lines[place] = SourceLine(path=file.real, line=key.line)
        if isinstance(node, Mapping):
            for name, (inner_key, inner) in node.pairs.items():
                self._lay(file, f"{place}.{name}", inner_key, inner)
        elif isinstance(node, Sequence):
            self._list(file, place, node)
        elif not node.is_null:
            self.written.add(place)

    def _list(self, file: File, place: str, node: Sequence) -> None:
        kind = place.rpartition(".")[2]
        for item in node.items:
            at = SourceLine(path=file.real, line=item.line)
            self._items.setdefault(place, []).append((item, at))
            if isinstance(item, Scalar) and kind in _NAMED_LISTS:
                name, equals, _ = item.text.partition("=")
                self.lines[f"{place}.{name}"] = at
                if equals:
                    self.written.add(f"{place}.{name}")
            elif isinstance(item, Scalar) and kind in _LISTS_OF_NAMES:
                self.lines[f"{place}.{item.text}"] = at


def _at(model: Any, place: str) -> Any:
    for name in place.split("."):
        if not isinstance(model, dict) or name not in model:
            return None
        model = model[name]
    return model


def _matcher(kind: str) -> Callable[[Node, Any], bool]:
    if kind in ("volumes", "ports", "configs", "secrets", "devices"):
        return _same_target
    return lambda node, value: isinstance(node, Scalar) and node.text == str(value)


def _same_target(node: Node, value: Any) -> bool:
    """Whether a short or long entry of the file became `value` of the model: they agree on the target."""
    if not isinstance(value, dict):
        return isinstance(node, Scalar) and node.text == str(value)
    target = str(value.get("target") or value.get("source") or "")
    if isinstance(node, Mapping):
        said = node.get("target") or node.get("source")
        return isinstance(said, Scalar) and said.text == target
    text = node.text.split("/udp")[0].split("/tcp")[0] if isinstance(node, Scalar) else ""
    if text == target or text == str(value.get("source")):
        return True
    published = str(value.get("published", ""))
    return text.endswith(f"{published}:{target}") or (not published and (f":{target}:" in f"{text}:"))


def find_variables(main: Group, defaults: dict[str, str], redact: Callable[[str, str], str]) -> tuple[Variable, ...]:
    """The variables that the files use, sorted by name.

    `defaults` are those that the stack's own env files set; `redact(name, value)` hides what is secret.
    """
    found: dict[str, tuple[str | None, bool]] = {}
    for text in _texts(main):
        for use in find_uses(text):
            if use.name in _FROM_NODE or use.name.startswith("COMPOSE_"):
                continue
            optional = use.nested or use.operator.endswith("+")
            default = use.word if use.operator.endswith("-") else "" if optional else None
            if use.name in defaults:
                default = defaults[use.name]
            seen, required = found.get(use.name, (default, False))
            # One use without a default is enough to miss the variable.
            default = None if default is None or seen is None else seen
            found[use.name] = (default, required or (use.operator.endswith("?") and use.name not in defaults))
    return tuple(
        Variable(name=name, default=None if default is None else redact(name, default), required=required)
        for name, (default, required) in sorted(found.items())
    )


def find_placeholders(main: Group, given: Collection[str]) -> dict[str, str]:
    """What stands for each variable that the files require (`${NAME:?}`) and nobody gives: secrets of the node.

    Without a value compose would refuse the whole stack; with this one, old and new still compare.
    """
    found: dict[str, str] = {}
    for text in _texts(main):
        for use in find_uses(text):
            if use.operator.endswith("?") and not use.nested and use.name not in given:
                begins_path = use.span[0] == 0 and ":/" in text[use.span[1] :]
                if begins_path or use.name not in found:
                    found[use.name] = f"{'/' * begins_path}<{use.name}>"
    return found


def _texts(main: Group) -> Iterator[str]:
    waiting: list[Node] = []
    seen: set[tuple[str, str]] = set()
    groups = [main]
    files: list[File] = []
    while groups:
        files += groups.pop().files
        while files:
            file = files.pop()
            if (file.path, file.folder) in seen:
                continue
            seen.add((file.path, file.folder))
            groups += file.includes
            files += [base for base, _ in file.bases.values()]
            waiting += file.documents
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            waiting += [value for _, value in node.pairs.values()]
        elif isinstance(node, Sequence):
            waiting += node.items
        elif "$" in node.text:
            yield node.text
