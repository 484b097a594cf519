"""Every attack that the docs name is there, and each kind has more than one."""

from __future__ import annotations

import re
from pathlib import Path

from tests.adversary.test_weakened import ATTACKS

ROOT = Path(__file__).parents[2]
KINDS = [*(f"C{n}" for n in range(1, 4)), *(f"H{n}" for n in range(1, 6)), *(f"M{n}" for n in range(1, 12))]
KINDS += [f"L{n}" for n in range(1, 8)]
_ROW = re.compile(r"^\| (\w+) \| [^|]+ \| (`[^|]+`) \| [^|]+ \|$", re.MULTILINE)


def read_table() -> dict[str, list[str]]:
    text = (ROOT / "docs/security.md").read_text().partition("### The attacks by kind")[2].partition("`tests/adv")[2]
    return {kind: re.findall(r"`([^`]+)`", names) for kind, names in _ROW.findall(text)}


def test_every_attack_of_the_table_is_there() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    there = {*re.findall(r"def (test_\w+)", code), *ATTACKS}
    assert sorted({name for names in read_table().values() for name in names} - there) == []


def test_every_kind_is_attacked() -> None:
    table = read_table()
    assert list(table) == [*KINDS, "others"]
    assert {kind for kind, names in table.items() if len(set(names)) < 2} == set()
    assert len(table["others"]) >= 10
    assert len({*ATTACKS, *(name for names in table.values() for name in names)}) >= 130
