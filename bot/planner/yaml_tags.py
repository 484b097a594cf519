"""The tags of YAML: what compose makes of them, and how they are written again."""

from __future__ import annotations

import re
from typing import Any

from yaml.events import ScalarEvent

from bot.planner.yaml_dialect import YamlRefusedError

_OWN = frozenset(["!", "!reset", "!override"])
_CORE = "tag:yaml.org,2002:"
_CORE_TAGS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null", "seq", "map"))
_MERGE = _CORE + "merge"
_OTHER = re.compile(r"[A-Za-z0-9!:/.,_-]{1,100}")
TEXT, BINARY = _CORE + "str", _CORE + "binary"


def is_known(tag: str) -> bool:
    """Whether `tag` means something to compose. Any other makes text of a scalar, and nothing of all else."""
    return not tag or tag in _OWN or tag in _CORE_TAGS


def read_tag(event: Any, line: int) -> str:
    """The tag of a value, "" for none. Raises YamlRefusedError for one that versions of compose read in two ways."""
    tag = str(event.tag or "")
    if tag == _MERGE and isinstance(event, ScalarEvent) and event.value == "<<":
        return ""  # as some programs that edit YAML write it
    if tag == _MERGE or not (is_known(tag) or _OTHER.fullmatch(tag)):
        raise YamlRefusedError(line, f"the tag {tag[:60]} is not used by compose")
    return tag


def write_tag(tag: str) -> str:
    """The tag as it stands before a value, with a space behind it."""
    if not tag or tag in _OWN:
        return tag and f"{tag} "
    return f"!!{tag.removeprefix(_CORE)} " if tag in _CORE_TAGS else f"!<{tag}> "
