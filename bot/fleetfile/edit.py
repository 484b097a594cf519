"""Changes one entry of a YAML text and leaves every other byte as it was: comments, order, quotes, line ends. Pure.

ruamel.yaml's composed tree gives the position of each value; the text is spliced there, not dumped, because no
dumper keeps the spaces that the writer chose. The result is parsed again and compared with what it should mean:
a form that cannot be edited safely is an EditError, never a damaged file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.domain.errors import BotError
from bot.fleetfile import FLEET_FILE
from bot.fleetfile.yaml_lines import load_mapping

Plain: TypeAlias = "str | int | float | bool | Sequence[Plain] | Mapping[str, Plain] | None"
"""What may be written: as JSON knows it."""

_STEP = 2  # columns that a new level is indented by
_BOM = "\ufeff"


class EditError(BotError):
    """The text has a form in which no program can change this entry safely."""


def set_entry(text: str, path: Sequence[str], value: Plain, *, file: str = FLEET_FILE) -> str:
    """`text` with `value` at `path`, such as ("nodes", "HP_LAB"): behind its siblings, or in place of what is there.

    Mappings on the way that are missing are made. A value that is there already leaves the text as it is. Raises
    YamlFileError when `text` is not usable, EditError when the entry has to be written by hand.
    """
    before = _plain(load_mapping(text, path=file))
    wanted = _with(before, path, value)
    if wanted == before:
        return text
    lines = _render_block(_nested(path[1:], value, key=path[0]))
    return _edited(text, wanted, lambda draft: _set(draft, path, value), file=file, by_hand=f"write\n{lines}")


def remove_entry(text: str, path: Sequence[str], *, file: str = FLEET_FILE) -> str:
    """`text` without the entry at `path`, its own comments gone with it; unchanged when there is none.

    A mapping that loses its last entry becomes `{}`. Comments above the entry stay.
    """
    before = _plain(load_mapping(text, path=file))
    wanted = _without(before, path)
    if wanted == before:
        return text
    return _edited(text, wanted, lambda draft: _remove(draft, path), file=file, by_hand=f"remove {'.'.join(path)}")


def _plain(value: object) -> Plain:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value  # type: ignore[return-value]  # what is left is a scalar


def _nested(path: Sequence[str], value: Plain, *, key: str) -> dict[str, Plain]:
    return {key: _nested(path[1:], value, key=path[0]) if path else value}


def _with(tree: Plain, path: Sequence[str], value: Plain) -> Plain:
    if not path:
        return _plain(value)
    if tree is not None and not isinstance(tree, Mapping):
        raise EditError(f"{path[0]} cannot be written into something else than a mapping; change the file by hand")
    own = dict(tree or {})
    return own | {path[0]: _with(own.get(path[0]), path[1:], value)}


def _without(tree: Plain, path: Sequence[str]) -> Plain:
    if not isinstance(tree, Mapping) or path[0] not in tree:
        return tree
    if len(path) > 1:
        return dict(tree) | {path[0]: _without(tree[path[0]], path[1:])}
    return {key: value for key, value in tree.items() if key != path[0]}


def _edited(text: str, wanted: Plain, edit: Callable[[_Draft], str], *, file: str, by_hand: str) -> str:
    bare = text.removeprefix(_BOM)
    try:
        made = edit(_Draft(bare))
        holds = _plain(load_mapping(made, path=file))
    except (_Unclear, BotError):
        holds = None
    # Compared with their order: an entry that slipped into another mapping is no success.
    if repr(holds) != repr(wanted):
        raise EditError(f"{file} is laid out in a way that cannot be edited automatically; by hand: {by_hand}")
    return text[: len(text) - len(bare)] + made


class _Unclear(Exception):  # noqa: N818 - caught where it is raised for
    """The text is not laid out as expected."""


class _Entry(NamedTuple):
    key: Node
    value: Node


class _Draft:
    """A text with the places in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.root: Node | None = YAML(typ="rt").compose(io.StringIO(text))

    def entry(self, mapping: Node | None, key: str) -> _Entry | None:
        pairs = mapping.value if isinstance(mapping, MappingNode) else []
        return next((_Entry(k, v) for k, v in pairs if isinstance(k, ScalarNode) and k.value == key), None)

    def line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        """Behind the line that `index` stands in, its line end included; `index` itself at the start of a line."""
        if index > 0 and self.text[index - 1] == "\n":
            return index
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found + 1

    def content_end(self, entry: _Entry) -> int:
        """Where the entry's last value ends. (A block's own end mark stands behind the comments that follow.)"""
        node = entry.value
        if isinstance(node, MappingNode) and node.value and not node.flow_style:
            return self.content_end(_Entry(*node.value[-1]))
        while isinstance(node, SequenceNode) and node.value and not node.flow_style:
            node = node.value[-1]
            if isinstance(node, MappingNode) and node.value and not node.flow_style:
                return self.content_end(_Entry(*node.value[-1]))
        end = int(node.end_mark.index)
        if int(node.start_mark.index) == end:  # nothing is written there, and its marks are those of what follows
            return self.after_colon(entry)
        while self.text[end - 1] == "\n" and self.is_blank(self.line_start(end - 1)):
            end = self.line_start(end - 1)
        # An alias stands where its anchor does.
        return max(end, int(entry.key.end_mark.index))

    def entry_end(self, entry: _Entry) -> int:
        """Behind the entry's last line and the comments that are indented as parts of it."""
        end = self.line_end(self.content_end(entry))
        column = int(entry.key.start_mark.column)
        while end < len(self.text):
            line = self.text[end : self.line_end(end + 1)]
            if not line.lstrip().startswith("#") or len(line) - len(line.lstrip()) <= column:
                break
            end += len(line)
        return end

    def after_colon(self, entry: _Entry) -> int:
        start = int(entry.key.end_mark.index)
        index = self.text.find(":", start)
        if index < 0 or self.text[start:index].strip():
            raise _Unclear
        return index + 1

    def is_in_flow(self, entry: _Entry) -> bool:
        """Whether it stands inside of braces."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, MappingNode):
                if any(key is entry.key for key, _ in node.value):
                    return bool(node.flow_style)
                waiting.extend(value for _, value in node.value)
        raise _Unclear

    def is_blank(self, start: int) -> bool:
        return start < len(self.text) and not self.text[start : self.line_end(start + 1)].strip()

    def splice(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]


def _set(draft: _Draft, path: Sequence[str], value: Plain) -> str:
    mapping, done = draft.root, 0
    held: _Entry | None = None
    while done < len(path):
        if not isinstance(mapping, MappingNode) or not mapping.value:
            break
        found = draft.entry(mapping, path[done])
        if found is None:
            return _append(draft, mapping, _nested(path[done + 1 :], value, key=path[done]))
        held, mapping, done = found, found.value, done + 1
    rest = _nested(path[done + 1 :], value, key=path[done]) if done < len(path) else value
    if held is None:  # an empty document
        return draft.splice(len(draft.text), len(draft.text), _on_own_line(draft, _lines(draft, rest, 0)))
    return _replace(draft, held, rest)


def _append(draft: _Draft, mapping: MappingNode, entry: dict[str, Plain]) -> str:
    last = _Entry(*mapping.value[-1])
    if mapping.flow_style:
        end = int(last.value.end_mark.index)
        return draft.splice(end, end, ", " + _render_flow(entry)[1:-1])
    end = draft.entry_end(last)
    apart = ""
    if len(mapping.value) > 1 and draft.is_blank(draft.line_start(draft.line_start(last.key.start_mark.index) - 1)):
        apart = draft.newline
    new = apart + _lines(draft, entry, int(last.key.start_mark.column))
    return draft.splice(end, end, new if draft.text[:end].endswith("\n") else draft.newline + new)


def _replace(draft: _Draft, held: _Entry, value: Plain) -> str:
    colon, end = draft.after_colon(held), draft.content_end(held)
    is_block = draft.text[end - 1] == "\n" or (
        isinstance(held.value, MappingNode | SequenceNode) and not held.value.flow_style
    )
    if is_block:
        comment, after = "", draft.line_end(end)
    else:
        after = draft.line_end(end)
        comment = draft.text[end:after].rstrip()
    if isinstance(value, Mapping) and value and not draft.is_in_flow(held):
        block = _lines(draft, value, int(held.key.start_mark.column) + _STEP)
        return draft.text[:colon] + comment + draft.newline + block + draft.text[after:]
    rest = draft.newline + draft.text[after:] if is_block else draft.text[end:]
    return f"{draft.text[:colon]} {_render_flow(value)}{rest}"


def _remove(draft: _Draft, path: Sequence[str]) -> str:
    mapping, above = draft.root, None
    for key in path[:-1]:
        above = draft.entry(mapping, key)
        mapping = above.value if above else None
    if not isinstance(mapping, MappingNode):
        raise _Unclear
    entries = [_Entry(*pair) for pair in mapping.value]
    at = next(i for i, entry in enumerate(entries) if entry.key.value == path[-1])
    if mapping.flow_style:
        return _remove_from_flow(draft, entries, at)
    start, end = draft.line_start(entries[at].key.start_mark.index), draft.entry_end(entries[at])
    if draft.text[start : entries[at].key.start_mark.index].strip():
        raise _Unclear
    if len(entries) == 1 and above is not None:
        colon = draft.after_colon(above)
        return draft.text[:colon] + " {}" + draft.text[colon:start] + draft.text[end:]
    previous = draft.line_start(start - 1) if start else 0
    if start and draft.is_blank(previous) and (at == len(entries) - 1 or draft.is_blank(end)):
        start = previous
    return draft.splice(start, end, "")


def _remove_from_flow(draft: _Draft, entries: list[_Entry], at: int) -> str:
    if at + 1 < len(entries):
        return draft.splice(entries[at].key.start_mark.index, entries[at + 1].key.start_mark.index, "")
    start = entries[at - 1].value.end_mark.index if at else entries[at].key.start_mark.index
    return draft.splice(start, entries[at].value.end_mark.index, "")


def _on_own_line(draft: _Draft, block: str) -> str:
    return block if not draft.text or draft.text.endswith("\n") else draft.newline + block


def _lines(draft: _Draft, value: Plain, column: int) -> str:
    """`value` as block lines indented to `column`, with the text's own line ends."""
    return "".join(f"{' ' * column}{line}{draft.newline}" for line in _render_block(value).splitlines())


def _render_block(value: Plain) -> str:
    """A mapping in block style, its lists in one line each."""
    yaml = YAML(typ="rt")
    yaml.width = 4096
    yaml.indent(mapping=_STEP, sequence=_STEP + 2, offset=_STEP)
    out = io.StringIO()
    yaml.dump(_styled(value, flow=False), out)
    return out.getvalue()


def _render_flow(value: Plain) -> str:
    """One line, as it may stand behind a colon."""
    yaml = YAML(typ="rt")
    yaml.width = 4096
    out = io.StringIO()
    yaml.dump(_styled({"x": value}, flow=True), out)
    return out.getvalue().strip().removeprefix("{x: ").removesuffix("}")


def _styled(value: Plain, *, flow: bool) -> object:
    """Flow style where people write it: lists, and everything inside of a flow mapping."""
    if isinstance(value, Mapping):
        made = CommentedMap({key: _styled(item, flow=flow) for key, item in value.items()})
        made.fa.set_flow_style() if flow or not value else made.fa.set_block_style()
        return made
    if isinstance(value, Sequence) and not isinstance(value, str):
        listed = CommentedSeq([_styled(item, flow=True) for item in value])
        listed.fa.set_flow_style()
        return listed
    return value
