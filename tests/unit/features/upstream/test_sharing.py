"""How the fleets of one comment share its limit, to the character."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.names import RepoName
from bot.features.upstream import text as upstream
from bot.features.upstream.text import render_upstream_comment
from tests import plans
from tests.unit.features.upstream.test_decide import view

HEAD = (
    "**Nothing restarts**. {fleets} <code>main</code>; this is what merging would do there, "
    "compared with `aaaaaaa` where it starts."
)
MARKER = "<!-- aios-bot:upstream -->"
TITLE = "### <code>owner/fleet{}</code> on <code>main</code>"
TWO, THREE = HEAD.format(fleets="2 fleets follow"), HEAD.format(fleets="3 fleets follow")
SURROUNDED = len(TITLE) - 1 + 4  # the title with its number, and the gaps before and after the part


class Parts:
    """Stands in for the plans' reports: each takes what it wants of its budget, which is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, wanted: Sequence[int]) -> None:
        self.budgets: list[int] = []

        def render(_plan: object, links: object, *, limit: int, brought: bool) -> str:
            assert links is plans.LINKS
            assert not brought, "a pull request shows its commits and files itself"
            self.budgets.append(limit)
            return "x" * min(limit, wanted[len(self.budgets) - 1])

        monkeypatch.setattr(upstream, "render_plan", render)


def budget_of(limit: int, *around: str) -> int:
    """What the parts may take: 200 characters are kept for the sentence about what is left out."""
    return limit - sum(len(text) + 2 for text in around) - 200


def test_each_fleet_gets_its_share_of_what_the_earlier_ones_left(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts(monkeypatch, [100, 10_000, 10_000])
    comment = render_upstream_comment(view(*[plans.nothing()] * 3), limit=9_000)
    budget = budget_of(9_000, THREE, MARKER)
    first = budget // 3 - SURROUNDED
    budget -= len(TITLE) - 1 + 2 + 100 + 2
    second = budget // 2 - SURROUNDED
    budget -= len(TITLE) - 1 + 2 + second + 2
    third = budget - SURROUNDED
    assert parts.budgets == [first, second, third]
    bodies = ["x" * 100, "x" * second, "x" * third]
    shown = [f"{TITLE.format(number)}\n\n{body}" for number, body in enumerate(bodies)]
    assert comment == "\n\n".join([THREE, *shown, MARKER])
    assert len(comment) == 9_000 - 200 - 2


def test_a_fleet_without_a_report_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts(monkeypatch, [0, 10_000])
    comment = render_upstream_comment(view(plans.nothing(), plans.nothing()), limit=9_000)
    assert parts.budgets[1] == budget_of(9_000, TWO, MARKER) - SURROUNDED
    assert TITLE.format(0) not in comment
    assert TITLE.format(1) in comment


@pytest.mark.parametrize(
    ("spare", "shown", "left_out"),
    [
        (2 * 2_100 - 1, 1, "_2 more fleets, left out for length._"),
        (2 * 2_100, 2, "_1 more fleet, left out for length._"),
        (3 * 2_100 - 1, 2, "_1 more fleet, left out for length._"),
        (3 * 2_100, 3, ""),
        (0, 1, "_2 more fleets, left out for length._"),
    ],
)
def test_fleets_are_named_only_when_too_little_is_left_for_each(
    monkeypatch: pytest.MonkeyPatch, spare: int, shown: int, left_out: str
) -> None:
    parts = Parts(monkeypatch, [10] * 3)
    comment = render_upstream_comment(view(*[plans.nothing()] * 3), limit=spare + 200 + len(THREE) + len(MARKER) + 4)
    assert len(parts.budgets) == shown
    assert [line for line in comment.splitlines() if line.startswith("_")] == ([left_out] if left_out else [])


def test_ten_fleets_that_could_not_be_planned_for_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts(monkeypatch, [10_000, 10_000])
    broken = tuple(RepoName(f"o/b{number}") for number in range(11))
    comment = render_upstream_comment(view(plans.nothing(), plans.nothing(), broken=broken), limit=9_000)
    names = ", ".join(f"<code>o/b{number}</code>" for number in range(10))
    told = f"**Could not plan** for {names}: the fleet file there is wrong."
    assert comment.endswith(f"\n\n{told}\n\n{MARKER}")
    assert parts.budgets[0] == budget_of(9_000, TWO, told, MARKER) // 2 - SURROUNDED
