"""Write what differs between two parts of a model, line by line. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator

import msgspec

_MAX_LINES = 600  # on either side; comparing more line by line could take minutes
_CONTEXT = 3  # lines


def render_diff(before: object, after: object) -> str:
    """A unified diff of two values as JSON; None is nothing. Between large ones it is a single hunk."""
    if msgspec.json.encode(before) == msgspec.json.encode(after):
        return ""  # most services of a plan: many times quicker than comparing lines
    old, new = _lines(before), _lines(after)
    if max(len(old), len(new)) <= _MAX_LINES:
        return "\n".join(difflib.unified_diff(old, new, "old", "new", n=_CONTEXT, lineterm=""))
    return "\n".join(_one_hunk(old, new))


def _lines(model: object) -> list[str]:
    return json.dumps(model, indent=2, ensure_ascii=False).splitlines() if model is not None else []


def _one_hunk(old: list[str], new: list[str]) -> Iterator[str]:
    """Everything from the first line that differs to the last one."""
    shorter = min(len(old), len(new))
    head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    tail = next((at for at in range(shorter - head) if old[-1 - at] != new[-1 - at]), shorter - head)
    start, after = max(0, head - _CONTEXT), min(tail, _CONTEXT)
    sizes = [len(lines) - tail + after - start for lines in (old, new)]
    begins = [start + 1 if size else start for size in sizes]
    yield from ("--- old", "+++ new", f"@@ -{begins[0]},{sizes[0]} +{begins[1]},{sizes[1]} @@")
    yield from (f" {line}" for line in old[start:head])
    yield from (f"-{line}" for line in old[head : len(old) - tail])
    yield from (f"+{line}" for line in new[head : len(new) - tail])
    yield from (f" {line}" for line in old[len(old) - tail : len(old) - tail + after])
