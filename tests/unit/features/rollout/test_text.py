"""The rollout's comment: what the golden texts do not show, word by word."""

from __future__ import annotations

import time

import pytest

from bot.domain.names import CommitSha, NodeName, PullNumber, RepoName, ServiceName, StackName, SubmodulePath
from bot.features.commands.text.reply import render_lock
from bot.features.holds.facts import Lock
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.facts import Stage
from bot.features.rollout.text import (
    MOST_ROWS,
    NodeView,
    RolloutView,
    render_differences,
    render_rollout,
    say_not_started,
    say_rolled_back,
    say_run_ended,
)
from bot.protocol.action import Action
from bot.protocol.outcome import Difference, DifferenceKind, ServiceOutcome
from bot.text.times import iso_time
from tests.unit.features.rollout.test_orders import past

A, B = NodeName("A"), NodeName("B")
POLICY = "a policy forbids it; allow the App in Settings, Actions, Policies"
CURE = "the run says why; a policy is in Settings, Actions, Policies"
AT = 1_790_000_000  # 2026-09-21 14:13:20 UTC


def service(name: str, predicted: Action, actual: Action) -> ServiceOutcome:
    return ServiceOutcome(stack=StackName("s"), service=ServiceName(name), predicted=predicted, actual=actual)


def rendered(
    reason: RolloutReason, *nodes: NodeView, waves: int = 1, wave: int = 2, again_at: int | None = None
) -> list[str]:
    """The comment's paragraphs."""
    view = RolloutView(
        pull=PullNumber(7),
        commit=CommitSha("c" * 40),
        submodule=SubmodulePath("server"),
        pin=CommitSha("d" * 40),
        plan=None,
        reason=reason,
        wave=wave,
        waves=waves,
        nodes=nodes,
        again_at=again_at,
    )
    return render_rollout(view).split("\n\n")


GOOD = NodeView(node=A, wave=1, standing=Standing.GOOD)
BACK = NodeView(node=A, wave=1, standing=Standing.FAILED, rolled_back=True, text="rolled back to eeeeeee")
LATER = NodeView(node=B, wave=2, standing=Standing.WAVE_NOT_YET)


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


def test_what_cannot_be_seen_to_happen_went_as_planned_too() -> None:
    done = (service("a", Action.RELOAD, Action.NONE), service("b", Action.REBUILD, Action.RECREATE))
    node = NodeView(node=A, wave=1, standing=Standing.GOOD, services=done)
    assert "All 2 services went as planned." in rendered(RolloutReason.DONE, node)


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


@pytest.mark.parametrize(
    ("status", "message", "cure"),
    [
        (422, "Cannot trigger it on a disabled workflow", "it is disabled; enable it on the page Actions"),
        (422, "Workflow does not have 'workflow_dispatch' trigger", "on main it lacks the trigger workflow_dispatch"),
        (403, "The actor is not allowed to trigger this workflow", POLICY),
        (403, "Resource not accessible by integration", "the App may not start workflows; accept its permissions"),
        (404, "Not Found", "main has no such workflow, or Actions is off in Settings, Actions"),
    ],
)
def test_an_order_that_was_not_started_says_why_and_what_to_do(status: int, message: str, cure: str) -> None:
    words = say_not_started("d.yml", "main", status=status, message=message)
    assert words == f"d.yml was not started: {cure}; then deploy again"
    assert len(words) <= 140, "a deployment status holds no more"


@pytest.mark.parametrize("status", [40_404, 500])
def test_an_order_that_was_not_started_for_another_reason_says_githubs_words(status: int) -> None:
    said = say_not_started("d.yml", "main", status=status, message="Server Error")
    assert said == "d.yml could not be started: Server Error"


@pytest.mark.parametrize(
    ("conclusion", "began", "words"),
    [
        ("failure", True, "its workflow run ended (failure) and the node never reported"),
        ("cancelled", False, "its workflow run ended (cancelled) before the node accepted it"),
        ("failure", False, f"its workflow run ended (failure) before the node accepted it: {CURE}"),
        ("startup_failure", False, f"its workflow run ended (startup_failure) before the node accepted it: {CURE}"),
    ],
)
def test_a_run_that_ended_without_the_nodes_last_word(conclusion: str, began: bool, words: str) -> None:
    assert say_run_ended(conclusion, began=began) == words


def test_a_rollback_is_told_from_a_failure() -> None:
    head, table, *_ = rendered(RolloutReason.HALTED, BACK, LATER, waves=2, wave=0)
    assert head == "**0 of 2 nodes run server `ddddddd`** · rolled back; no other node gets it"
    assert "| ↩️ | <code>A</code> | 1 | rolled back to eeeeeee |" in table
    head, table, *_ = rendered(RolloutReason.HALTED, BACK, wave=0)
    assert head == "**<code>A</code> does not run server `ddddddd`** · rolled back"
    assert "wave" not in table


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage.QUEUED, "being rolled back to 3333333"),
        (Stage.RUNNING, "being rolled back to 3333333"),
        (Stage.SUCCEEDED, "rolled back to 3333333"),
        (Stage.FAILED, "not rolled back to 3333333: exit 1"),
        (Stage.ABANDONED, "not rolled back to 3333333: exit 1"),
    ],
)
def test_how_far_a_rollback_is(stage: Stage, words: str) -> None:
    assert say_rolled_back(past(5, stage, pin=CommitSha("3" * 40), description="exit 1")) == words


def test_a_rollback_of_which_nothing_was_reported() -> None:
    order = past(5, Stage.ABANDONED, pin=CommitSha("3" * 40), description="")
    assert say_rolled_back(order) == "not rolled back to 3333333: no report came"
