"""Parse untrusted YAML into nodes with their lines, and write it again in the plainest form.

Compose gets what is written here and never the original bytes: so what was checked is what compose reads, and
no difference between two YAML parsers (tags, encodings, directives, duplicate keys) can hide a path. Scalars
keep their spelling, so compose still decides by itself what `0o17` or `yes` means.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from bot.engine.setting_names import rename_uses
from bot.planner.interpolation import UnknowableError, check_nesting
from bot.planner.yaml_dialect import YamlRefusedError, check_events
from bot.planner.yaml_tags import BINARY, TEXT, is_known, read_tag, write_tag

_LOADER = getattr(yaml, "CLoader", yaml.SafeLoader)  # libyaml is not built in everywhere
MAX_SIZE = 256 * 1024  # bytes of one file
_MAX_DEPTH = 60
_MAX_NODES = 40_000  # as written, and again after aliases are followed
# Only such plain scalars may mean something else than text to any parser; all others are written in quotes.
_TIME = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[Tt ][0-9:.]{5,20}(?:Z|[-+][0-9]{2}:[0-9]{2})?"
_UNQUOTED = re.compile(rf"[-+]?[0-9.][0-9A-Za-z_.+-]{{0,40}}|[A-Za-z]{{1,5}}|~|{_TIME}")


class YamlScalar(NamedTuple):
    """A scalar as written. `plain` says that it stood without quotes, so that it may be a number or null."""

    text: str
    line: int
    plain: bool = False
    tag: str = ""

    @property
    def is_null(self) -> bool:
        """Whether it is YAML's null."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


class YamlSequence(NamedTuple):
    """A list. `items` is filled once and then left alone."""

    items: list[YamlNode]
    line: int
    tag: str = ""


class YamlMapping(NamedTuple):
    """A mapping with merges (`<<`) already applied. `pairs` is filled once and then left alone."""

    pairs: dict[str, tuple[YamlScalar, YamlNode]]
    line: int
    tag: str = ""

    def get(self, key: str) -> YamlNode | None:
        """What stands at `key`, or None."""
        found = self.pairs.get(key)
        return found[1] if found else None


YamlNode = YamlScalar | YamlSequence | YamlMapping


def parse_yaml(content: bytes) -> tuple[YamlNode, ...]:
    """The documents of a file, or YamlRefusedError, within fixed limits of size and depth.

    Compose's own parser (go-yaml) is a port of libyaml, which reads here: it takes the same tabs and encodings. What
    only libyaml takes is refused, as compose refuses it.
    """
    if len(content) > MAX_SIZE:
        raise YamlRefusedError(1, f"the file is larger than {MAX_SIZE // 1024} KiB")
    try:
        return tuple(_documents(check_events(iter(yaml.parse(content, Loader=_LOADER)), content)))
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        message = (problem.problem or "something is wrong").split("\n")[0]
        # What the parser found may be quoted in its message; the place is enough.
        raise YamlRefusedError(mark.line + 1 if mark else 1, f"not valid YAML: {_unquoted(message)}") from None
    except (yaml.YAMLError, ValueError, RecursionError, AssertionError, IndexError) as problem:
        found = re.search(r"line (\d+)", str(problem))
        raise YamlRefusedError(int(found[1]) if found else 1, "not valid YAML") from None


def _unquoted(message: str) -> str:
    """`message` without what it quotes, except for single signs such as ','."""
    return re.sub(r"""('\W')|(["'`]).*\2""", lambda found: found[1] or "...", message)


class _Open:
    """A collection whose end has not come yet."""

    def __init__(self, node: YamlSequence | YamlMapping, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: YamlScalar | None = None
        self.merges: list[tuple[YamlNode, int]] = []


def _documents(events: Iterator[Any]) -> Iterator[YamlNode]:
    count = found = empty = 0
    for event in events:
        if isinstance(event, DocumentStartEvent):
            builder = _Builder()
            for inner in events:
                count += 1
                if count > _MAX_NODES:
                    raise YamlRefusedError(_line(inner), f"more than {_MAX_NODES} values in one file")
                if builder.take(inner):
                    break
            is_empty = builder.root is None or (isinstance(builder.root, YamlScalar) and builder.root.is_null)
            empty = empty or (_line(event) if is_empty else 0)
            found += 1
            if empty and found > 1:
                raise YamlRefusedError(empty, "a document without content stands beside another one")
            if builder.root is not None and not is_empty:
                _check_size(builder.root)
                yield builder.root


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Builder:
    """Makes nodes from one document's events, without recursion."""

    def __init__(self) -> None:
        self.root: YamlNode | None = None
        self._open: list[_Open] = []
        self._anchors: dict[str, YamlNode] = {}

    def take(self, event: Any) -> bool:
        """Add `event`; True when the document is complete."""
        line = _line(event)
        match event:
            case ScalarEvent():
                scalar = _scalar_of(event, line)
                try:
                    check_nesting(scalar.text)
                except UnknowableError as problem:
                    raise YamlRefusedError(line, str(problem)) from None
                self._add(scalar, event.anchor)
            case SequenceStartEvent():
                self._start(YamlSequence([], line, read_tag(event, line)), event.anchor)
            case MappingStartEvent():
                self._start(YamlMapping({}, line, read_tag(event, line)), event.anchor)
            case AliasEvent():
                if event.anchor not in self._anchors:
                    raise YamlRefusedError(line, f"the alias *{event.anchor[:40]} has no anchor before it")
                self._add(self._anchors[event.anchor], None, line)
            case CollectionEndEvent():
                self._end()
        return not self._open

    def _start(self, node: YamlSequence | YamlMapping, anchor: str | None) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise YamlRefusedError(node.line, f"nested deeper than {_MAX_DEPTH} levels")
        self._open.append(_Open(node, anchor))

    def _end(self) -> None:
        done = self._open.pop()
        if isinstance(done.node, YamlMapping):
            _merge_in(done.node, done.merges)
        self._add(done.node, done.anchor)

    def _add(self, node: YamlNode, anchor: str | None, line: int | None = None) -> None:
        at = line or node.line
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent.node, YamlSequence):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = _key(node, at)
        else:
            key, parent.key = parent.key, None
            if key.text == "<<":
                if parent.merges or not key.plain or key.tag:
                    raise YamlRefusedError(key.line, "`<<` must stand once, without quotes or a tag")
                parent.merges.append((node, key.line))
            elif key.text in parent.node.pairs:
                raise YamlRefusedError(key.line, f"the key `{key.text[:60]}` stands there twice")
            else:
                parent.node.pairs[key.text] = (key, node)


def _key(node: YamlNode, line: int) -> YamlScalar:
    if not isinstance(node, YamlScalar) or node.tag not in ("", TEXT):
        raise YamlRefusedError(line, "a key must be text")
    return node._replace(line=line)


def _scalar_of(event: Any, line: int) -> YamlScalar:
    plain, tag = event.style is None or event.style == "", read_tag(event, line)
    if tag == BINARY:
        try:
            return YamlScalar(base64.b64decode(re.sub("[\r\n]", "", event.value), validate=True).decode(), line)
        except ValueError:
            raise YamlRefusedError(line, "what stands behind !!binary is not text in base64") from None
    # A tag that YAML does not define makes text of what it stands before.
    return YamlScalar(event.value, line, plain and is_known(tag), tag)


def _merge_in(mapping: YamlMapping, merges: list[tuple[YamlNode, int]]) -> None:
    for node, line in merges:
        sources = node.items if isinstance(node, YamlSequence) else [node]
        for source in sources:
            if not isinstance(source, YamlMapping):
                raise YamlRefusedError(line, "`<<` must name a mapping")
            for name, (key, value) in source.pairs.items():
                own = mapping.pairs.get(name)
                if own is None:
                    mapping.pairs[name] = (key, value)
                elif own[1].tag == "!reset":
                    # Compose takes it away before it merges: it resets what earlier files say, not what comes here.
                    mapping.pairs[name] = (own[0], _replacing(value))


def _replacing(node: YamlNode) -> YamlNode:
    return node if isinstance(node, YamlScalar) else node._replace(tag="!override")


def _check_size(root: YamlNode) -> None:
    waiting, count = [root], 0
    while waiting:
        node = waiting.pop()
        count += 1
        if count > _MAX_NODES:
            raise YamlRefusedError(root.line, f"more than {_MAX_NODES} values once aliases are followed")
        if isinstance(node, YamlMapping):
            waiting += [value for _, value in node.pairs.values()]
        elif isinstance(node, YamlSequence):
            waiting += node.items


def write_yaml(documents: tuple[YamlNode, ...], without: Collection[int] = ()) -> str:
    """The documents in flow style; every parser reads this the same way.

    Nodes whose `id` is in `without` are left out of their lists, and are an empty list elsewhere.
    """
    return "".join(f"---\n{_written(node, without)}\n" for node in documents)


def _written(node: YamlNode, without: Collection[int]) -> str:
    if id(node) in without:
        return "[]"
    tag = write_tag(node.tag)
    if isinstance(node, YamlMapping):
        pairs = (f"{_scalar(key)}: {_written(value, without)}" for key, value in node.pairs.values())
        return f"{tag}{{{', '.join(pairs)}}}"
    if isinstance(node, YamlSequence):
        return f"{tag}[{', '.join(_written(item, without) for item in node.items if id(item) not in without)}]"
    return tag + _scalar(node)


def _scalar(node: YamlScalar) -> str:
    if node.plain and not node.text:
        return "null"
    if node.plain and _UNQUOTED.fullmatch(node.text):
        return node.text
    quoted = json.dumps(rename_uses(node.text), ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)
