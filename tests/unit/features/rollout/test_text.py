"""The rollout's comment: what the golden texts do not show, word by word."""

from __future__ import annotations

import time

import pytest

from bot.domain.names import CommitSha, NodeName, PullNumber, RepoName, ServiceName, StackName, SubmodulePath
from bot.features.commands.text.reply import render_lock
from bot.features.holds.facts import Lock
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.text import MOST_ROWS, NodeView, RolloutView, render_differences, render_rollout
from bot.protocol.action import Action
from bot.protocol.outcome import Difference, DifferenceKind, ServiceOutcome
from bot.text.times import iso_time

A, B = NodeName("A"), NodeName("B")
AT = 1_790_000_000  # 2026-09-21 14:13:20 UTC


def service(name: str, predicted: Action, actual: Action) -> ServiceOutcome:
    return ServiceOutcome(stack=StackName("s"), service=ServiceName(name), predicted=predicted, actual=actual)


def rendered(reason: RolloutReason, *nodes: NodeView, waves: int = 1, again_at: int | None = None) -> list[str]:
    """The comment's paragraphs."""
    view = RolloutView(
        pull=PullNumber(7),
        commit=CommitSha("c" * 40),
        submodule=SubmodulePath("server"),
        pin=CommitSha("d" * 40),
        plan=None,
        reason=reason,
        wave=2,
        waves=waves,
        nodes=nodes,
        again_at=again_at,
    )
    return render_rollout(view).split("\n\n")


GOOD = NodeView(node=A, wave=1, standing=Standing.GOOD)


@pytest.mark.parametrize(
    ("reason", "waves", "words"),
    [
        (RolloutReason.DONE, 2, ""),
        (RolloutReason.DONE, 1, ""),
        (RolloutReason.UNDER_WAY, 2, " · wave 2 of 2"),
        (RolloutReason.UNDER_WAY, 1, ""),
        (RolloutReason.TO_DEPLOY, 3, " · wave 2 of 3"),
        (RolloutReason.HALTED, 2, " · halted: wave 2 of 2 failed"),
        (RolloutReason.HALTED, 1, " · halted: a node failed"),
        (RolloutReason.SOAKING, 2, " · wave 2 of 2 runs; the next begins later"),
        (RolloutReason.NODES_AWAY, 2, " · waiting for nodes that are away"),
    ],
)
def test_the_first_line_says_how_far_the_rollout_is(reason: RolloutReason, waves: int, words: str) -> None:
    first, *_rest, marker = rendered(reason, GOOD, waves=waves)
    assert first == f"**<code>A</code> runs server `ddddddd`**{words}"
    assert marker == f"<!-- aios-bot:rollout {'c' * 40} -->"


def test_times_are_utc_wherever_the_service_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        soaking = rendered(RolloutReason.SOAKING, GOOD, waves=2, again_at=AT)[0]
        assert soaking.endswith("the next begins at 14:13 UTC on 21 September")
        assert iso_time(AT) == "2026-09-21T14:13:20Z"
        lock = Lock(
            fleet=RepoName("o/f"), node=A, pull=PullNumber(7), owner="ada", reason="", taken_at=0, expires_at=AT
        )
        assert render_lock(lock) == "#7, ada (until 2026-09-21 14:13 UTC)"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("services", "untouched", "words"),
    [
        (0, 0, None),
        (1, 0, "The service went as planned."),
        (0, 1, "The service went as planned."),
        (1, 1, "All 2 services went as planned."),
        (3, 4, "All 7 services went as planned."),
    ],
)
def test_how_much_went_as_planned(services: int, untouched: int, words: str | None) -> None:
    done = tuple(service(f"s{n}", Action.RESTART, Action.RESTART) for n in range(services))
    node = NodeView(node=A, wave=1, standing=Standing.GOOD, services=done, untouched=untouched)
    told = [part for part in rendered(RolloutReason.DONE, node) if part.endswith("went as planned.")]
    assert told == ([words] if words else [])


@pytest.mark.parametrize(("count", "more"), [(MOST_ROWS, []), (MOST_ROWS + 1, ["and 1 more"]), (60, ["and 10 more"])])
def test_fifty_rows_of_each_table_are_shown(count: int, more: list[str]) -> None:
    wrong = tuple(service(f"s{n}", Action.NONE, Action.RECREATE) for n in range(count))
    differences = tuple(Difference(kind=DifferenceKind.EXTRA, text=f"thing {n}") for n in range(count))
    one = NodeView(node=A, wave=1, standing=Standing.GOOD, services=wrong, untouched=2)
    other = NodeView(node=B, wave=1, standing=Standing.GOOD, differences=differences)
    parts = rendered(RolloutReason.DONE, one, other)
    assert [part for part in parts if part.endswith(" more")] == more * 2
    assert f"**{count} of {count + 2} services did not go as planned:**" in parts
    assert sum(part.count("| nothing | recreate |") for part in parts) == MOST_ROWS
    assert sum(part.count("| thing ") for part in parts) == MOST_ROWS


def test_differences_say_node_place_kind_and_words() -> None:
    found = [
        (A, Difference(kind=kind, text="x | y", stack="s", service="v" if n else ""))
        for n, kind in enumerate(DifferenceKind)
    ]
    kinds = [line.split(" | ")[2] for line in render_differences(found).splitlines()[2:]]
    assert kinds == [kind.value.replace("_", " ") for kind in DifferenceKind]
    assert "_" not in "".join(kinds)
    assert render_differences(found[1:2]).splitlines()[2].endswith(" | x &#124; y |")
