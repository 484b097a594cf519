"""Map each part of compose's model to its line in the stack's files, and find the variables that they use."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from bot.plan.model import SourceLine
from bot.plan.rendering import Variable
from bot.planner.compose_files import ComposeFile, ComposeGroup
from bot.planner.interpolation import UnknowableError, VariableUse, find_uses, read_settings
from bot.planner.yaml_nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence
from bot.redaction.redact import is_free

_SECTIONS = ("services", "networks", "volumes", "configs", "secrets", "models")
# Lists that the model shows as mappings: of `NAME=value`, and of names.
_NAMED_LISTS = frozenset(("environment", "labels", "annotations", "args", "sysctls", "additional_contexts"))
_LISTS_OF_NAMES = frozenset(("networks", "depends_on"))
FROM_NODE = frozenset(("HOME", "PWD", "COMPOSE_PROJECT_NAME"))
"""Variables that nobody sets: every shell has them, and compose itself."""
_PLACE = re.compile(r"\b(?:services|networks|volumes|configs|secrets)\.[\w.-]+")
_MAX_DEPTH = 24
_KEYS = 3  # above a text
_MAX_COMPARED = 250_000  # items of a file times items of the model; where a list is larger, its own line is enough


class SourceMap:
    """The line of each place ("services.web.image"). The last file that sets a place is its source."""

    def __init__(self, main: ComposeGroup) -> None:
        self.lines: dict[str, SourceLine] = {}
        self.written: set[str] = set()  # places with a value of their own; `FOO:` alone has none
        self.models: dict[str, list[YamlNode]] = {}  # what the files say of each AI model
        self._items: dict[str, list[tuple[YamlNode, SourceLine]]] = {}
        self._group(main, 0)

    def sources(self, model: dict[str, Any]) -> dict[str, SourceLine]:
        """Every known place of `model`; list items by their index, "services.web.ports.0"."""
        found = dict(self.lines)
        for place, items in self._items.items():
            shown = _at(model, place)
            if isinstance(shown, list) and len(shown) * len(items) <= _MAX_COMPARED:
                matches = _matcher(place.rpartition(".")[2])
                for index, value in enumerate(shown):
                    line = next((at for node, at in reversed(items) if matches(node, value)), None)
                    if line:
                        found[f"{place}.{index}"] = line
        return dict(sorted(found.items()))

    def find_line(self, message: str) -> SourceLine | None:
        """The line of the place that a message of compose names, such as "services.web.ports must be a list"."""
        for place in sorted(_PLACE.findall(message), key=len)[::-1]:
            parts = place.rstrip(".").split(".")
            for length in range(len(parts), 1, -1):
                line = self.lines.get(".".join(parts[:length]))
                if line:
                    return line
        named = re.search(r'service "([^"]+)"', message)
        return self.lines.get(f"services.{named[1]}") if named else None

    def _group(self, group: ComposeGroup, depth: int) -> None:
        if depth > _MAX_DEPTH:
            return
        for file in group.files:
            for included in file.includes:
                self._group(included, depth + 1)
            for document in file.documents:
                if isinstance(document, YamlMapping):
                    self._document(file, document)

    def _document(self, file: ComposeFile, document: YamlMapping) -> None:
        for section, (section_key, body) in document.pairs.items():
            if section in _SECTIONS and isinstance(body, YamlMapping):
                for name, (key, node) in body.pairs.items():
                    place = f"{section}.{name}"
                    if section == "models":
                        self.models.setdefault(name, []).append(node)
                    if section == "services":
                        self._record_bases(file, name, place, 0)
                    self._record(file, place, key, node)
            elif section == "name" or section.startswith("x-"):
                self._record(file, section, section_key, body)

    def _record_bases(self, file: ComposeFile, service: str, place: str, depth: int) -> None:
        """What a service inherits by `extends`, the most distant base first."""
        if depth > _MAX_DEPTH or service not in file.bases:
            return
        base, name = file.bases[service]
        self._record_bases(base, name, place, depth + 1)
        for document in base.documents:
            services = document.get("services") if isinstance(document, YamlMapping) else None
            found = services.pairs.get(name) if isinstance(services, YamlMapping) else None
            if found:
                self._record(base, place, *found)

    def _record(self, file: ComposeFile, place: str, key: YamlScalar, node: YamlNode) -> None:
        self.lines[place] = SourceLine(path=file.real, line=key.line)
        if isinstance(node, YamlMapping):
            for name, (inner_key, inner) in node.pairs.items():
                self._record(file, f"{place}.{name}", inner_key, inner)
        elif isinstance(node, YamlSequence):
            self._list(file, place, node)
        elif not node.is_null:
            self.written.add(place)

    def _list(self, file: ComposeFile, place: str, node: YamlSequence) -> None:
        kind = place.rpartition(".")[2]
        for item in node.items:
            at = SourceLine(path=file.real, line=item.line)
            self._items.setdefault(place, []).append((item, at))
            if isinstance(item, YamlScalar) and kind in _NAMED_LISTS:
                name, equals, _ = item.text.partition("=")
                self.lines[f"{place}.{name}"] = at
                if equals:
                    self.written.add(f"{place}.{name}")
            elif isinstance(item, YamlScalar) and kind in _LISTS_OF_NAMES:
                self.lines[f"{place}.{item.text}"] = at


def _at(model: Any, place: str) -> Any:
    for name in place.split("."):
        if not isinstance(model, dict) or name not in model:
            return None
        model = model[name]
    return model


def _matcher(kind: str) -> Callable[[YamlNode, Any], bool]:
    if kind in ("volumes", "ports", "configs", "secrets", "devices"):
        return _same_target
    return lambda node, value: isinstance(node, YamlScalar) and node.text == str(value)


def _same_target(node: YamlNode, value: Any) -> bool:
    """Whether a short or long entry of the file became `value` of the model: they agree on the target."""
    if not isinstance(value, dict):
        return isinstance(node, YamlScalar) and node.text == str(value)
    target = str(value.get("target") or value.get("source") or "")
    if isinstance(node, YamlMapping):
        named = node.get("target") or node.get("source")
        return isinstance(named, YamlScalar) and named.text == target
    text = node.text.split("/udp")[0].split("/tcp")[0] if isinstance(node, YamlScalar) else ""
    if text == target or text == str(value.get("source")):
        return True
    published = str(value.get("published", ""))
    return text.endswith(f"{published}:{target}") or (not published and (f":{target}:" in f"{text}:"))


def find_variables(
    main: ComposeGroup, defaults: dict[str, str], redact: Callable[[str, str], str]
) -> tuple[Variable, ...]:
    """The variables that the files use, sorted by name.

    `defaults` are those that the stack's own env files set; `redact(name, value)` hides what is secret.
    """
    found: dict[str, tuple[str | None, bool]] = {}
    for text in _texts(main):
        for use in find_uses(text):
            if use.name in FROM_NODE:
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


def find_put_into_names(main: ComposeGroup, env_texts: Iterable[str]) -> frozenset[str]:
    """The variables of names: that files use where no free text stands, and of which those are made."""
    found = {use.name for keys, text in scalars(main) if not any(map(is_free, keys)) for use in find_uses(text)}
    made_of: dict[str, set[str]] = {}
    for name, value in (pair for text in env_texts for pair in read_settings(text) if "$" in pair[1]):
        made_of.setdefault(name, set()).update(use.name for use in _uses_of_env_file(value))
    waiting = list(found)
    while waiting:
        new = made_of.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return frozenset(found)


def _uses_of_env_file(value: str) -> tuple[VariableUse, ...]:
    try:
        return tuple(find_uses(value))
    except UnknowableError:  # nested too deep, as compose has it refused
        return ()


def find_conditional(main: ComposeGroup, known: Collection[str], files: Mapping[str, bytes]) -> dict[str, str]:
    """The variables of `${NAME:+text}` that are not `known`, each with a digest of `files`, by path.

    A node may have them in its environment, and then compose reads another stack there than here.
    """
    uses = (use for text in _texts(main) for use in find_uses(text))
    names = {use.name for use in uses if use.operator.endswith("+")} - set(known)
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest() if names else ""
    return dict.fromkeys(sorted(names), digest)


def _texts(main: ComposeGroup) -> Iterator[str]:
    return (text for _, text in scalars(main))


def scalars(main: ComposeGroup) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text of the files that holds a `$`, with the nearest keys above it; a mount's `type` counts as one."""
    waiting: list[tuple[tuple[str, ...], YamlNode]] = []
    seen: set[tuple[str, str]] = set()
    groups = [main]
    files: list[ComposeFile] = []
    while groups:
        files += groups.pop().files
        while files:
            file = files.pop()
            if (file.path, file.folder) in seen:
                continue
            seen.add((file.path, file.folder))
            groups += file.includes
            files += [base for base, _ in file.bases.values()]
            waiting += [((), document) for document in file.documents]
    while waiting:
        keys, node = waiting.pop()
        if isinstance(node, YamlMapping):
            kind = node.get("type")
            above = (
                (*keys[-_KEYS:], kind.text) if keys[-1:] == ("volumes",) and isinstance(kind, YamlScalar) else keys
            )
            waiting += [((*above[-_KEYS:], key), value) for key, (_, value) in node.pairs.items()]
        elif isinstance(node, YamlSequence):
            waiting += [(keys, item) for item in node.items]
        elif "$" in node.text:
            yield keys, node.text
