"""Tell of keys that no rule judges: those of a newer compose, and those that the table says nobody judges. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.domain.host_rules import UNJUDGED
from bot.plan.lists import find_differences
from bot.risks.pairs import Found, StackPair, as_map
from bot.risks.schema_table import LINES

_HOOK = "container.pre_start"  # each of these is a container again
_CONTAINER = re.compile(r"(?:services\.\*(?:\.pre_start(?=\.))?|jobs\.\*)\.")


def canonical_key(key: str) -> str:
    """`services.*.image`, `jobs.*.image` and `services.*.pre_start.image` are `container.image`."""
    found = _CONTAINER.match(key)
    return f"container.{key[found.end() :]}" if found else key


def _inner() -> frozenset[str]:
    """Keys whose values are keys and names again, not free text."""
    parts = (key.split(".") for key in LINES)
    around = {".".join(key[:length]) for key in parts for length in range(1, len(key))}
    return frozenset(around | {"services", "services.*", "jobs", "jobs.*"})


_INNER = _inner()
_NAMED = frozenset(key.removesuffix(".*") for key in _INNER if key.endswith(".*"))


def check_keys(pair: StackPair) -> Iterator[Found]:
    """Find keys that nobody judged, where the new version sets or changes them."""
    told: set[str] = set()
    for key, place in _changed(pair.old or {}, pair.new or {}, "", ""):
        line = LINES.get(key)
        if (line is None or not (line.harmless or line.rules)) and key not in told:
            told.add(key)
            yield Found(UNJUDGED, f"sets {place}, which no rule judges", place)


def _changed(old: Any, new: Any, key: str, place: str) -> Iterator[tuple[str, str]]:
    """Canonical key and place of everything that is new or different."""
    if isinstance(new, list):
        for index, item in find_differences(old if isinstance(old, list) else [], new)[1]:
            if isinstance(item, dict):
                yield from _changed({}, item, key, f"{place}.{index}")
        return
    if not isinstance(new, dict):
        return
    for name, value in new.items():
        before = as_map(old).get(name)
        if value is None or value == before or str(name).startswith("x-"):
            continue
        at = f"{place}.{name}" if place else str(name)
        full = canonical_key(f"{key}.{'*' if key in _NAMED else name}".lstrip("."))
        if not full.endswith("*"):
            yield full, at
        if full == _HOOK:
            yield from _changed(before, value, "container", at)
        elif full in _INNER:
            yield from _changed(before, value, full, at)
