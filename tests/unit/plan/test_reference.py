"""docs/reference/plan.md and the code are held to each other."""

from __future__ import annotations

import re
from pathlib import Path

from bot.plan.causes import ReasonCode
from bot.plan.contents import RELOAD_LABEL
from bot.protocol.action import Action

TEXT = (Path(__file__).parents[3] / "docs/reference/plan.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[str]:
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_every_action_and_every_reason_has_its_row() -> None:
    assert rows("Actions") == list(Action)
    assert rows("Reasons") == list(ReasonCode)


def test_the_label_is_spelled_as_the_code_reads_it() -> None:
    assert f"{RELOAD_LABEL}: SIGHUP" in TEXT
