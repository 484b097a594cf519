"""Every finding of the risk rules' cases in full: rule, place, words. The cases are those of the unit tests."""

from __future__ import annotations

from typing import Any

from bot.domain.names import NodeName, StackName
from bot.risks.assess import find_risks
from bot.risks.pairs import NodePair, StackPair
from tests.unit.plan import risk_cases as cases


def _found(*stacks: tuple[Any, Any], platform: str = "linux") -> list[str]:
    pairs = tuple(StackPair(StackName(f"s{i}"), old, new) for i, (old, new) in enumerate(stacks))
    return [
        f"  {one.rule.id} | {one.stack or '-'} / {one.service or '-'} | {one.place or '-'} | {one.text}"
        for one in find_risks(NodePair(NodeName("N"), platform, pairs))
    ] or ["  nothing"]


def render_risks() -> str:
    """One paragraph for each case."""
    lines: list[str] = []
    for number, (rule, before, after, _) in enumerate(cases.ONE_SERVICE):
        lines += [f"{rule} ({number})", *_found((cases.web(**before), cases.web(**after)))]
    for number, (rule, stacks, _) in enumerate(cases.NODE_WIDE):
        lines += [f"{rule} (node {number})", *_found(*stacks)]
    for what, platform, stacks in cases.IN_FULL:
        lines += [what, *_found(*stacks, platform=platform)]
    return "\n".join(lines)
