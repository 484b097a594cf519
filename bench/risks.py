"""What is known of every key of the Compose specification: `python -m bench risks [--keys]`.

Reads the specification's own schema and the table of `bot.risks.schema_table`. With `--keys` each key is printed
with the reason why it is harmless, or the rules that judge it.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.risks.schema import canonical_key
from bot.risks.schema_table import LINES, KeyLine

SCHEMA = Path(__file__).parents[1] / "tools/compose/compose-spec.json"
_ANY_OF = ("oneOf", "anyOf", "allOf")


def read_schema_keys() -> tuple[str, ...]:
    """Every key of the schema, dotted from the top of a file; `*` is a name that the writer chooses."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return tuple(dict.fromkeys(_keys(schema, "", (), schema["$defs"])))


def _keys(schema: Any, place: str, within: tuple[str, ...], definitions: dict[str, Any]) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in within:
        yield from _keys(definitions[name], place, (*within, name), definitions)
    for kind in _ANY_OF:
        for option in schema.get(kind, ()):
            yield from _keys(option, place, within, definitions)
    for key, inner in schema.get("properties", {}).items():
        at = f"{place}.{key}" if place else key
        yield at
        yield from _keys(inner, at, within, definitions)
    for pattern, inner in schema.get("patternProperties", {}).items():
        if pattern != "^x-":
            yield from _keys(inner, f"{place}.*", within, definitions)
    for field in ("additionalProperties", "items"):
        yield from _keys(schema.get(field), f"{place}.*" if field != "items" else place, within, definitions)


def judge(line: KeyLine | None) -> str:
    """One word for what is known of a key."""
    if line is None:
        return "without a line"
    return "harmless" if line.harmless else "ruled" if line.rules else "unjudged"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench risks")
    parser.add_argument("--keys", action="store_true", help="print every key")
    arguments = parser.parse_args()
    keys = read_schema_keys()
    judged = {key: LINES.get(canonical_key(key)) for key in keys}
    if arguments.keys:
        for key, line in judged.items():
            known = (line.harmless or " ".join(line.rules)) if line else ""
            print(f"{judge(line):15} {key:70} {known}")
    counted = Counter(judge(line) for line in judged.values())
    different = {canonical_key(key) for key in keys}
    print(f"keys total {len(keys)} ({len(different)} different, because services, jobs and hooks share most)")
    for word in ("harmless", "ruled", "unjudged", "without a line"):
        print(f"{word:15} {counted[word]}")
    gone = sorted(set(LINES) - different)
    print(f"lines for keys that the schema does not have: {', '.join(gone) or 'none'}")


if __name__ == "__main__":
    main()
