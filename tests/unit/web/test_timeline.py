"""Where the orders of a fleet stand in the picture of its last days."""

from __future__ import annotations

from bot.domain.names import DeploymentId, NodeName
from bot.features.rollout.facts import Stage
from bot.features.rollout.history import OrderMark
from bot.web.timeline import DAYS, MOST_ROWS, ROW, draw_timeline

NOW = 1_790_000_000 // 86_400 * 86_400
BEGIN = NOW - DAYS * 86_400


def mark(number: int, at: int, stage: Stage = Stage.SUCCEEDED, node: str = "AIOS") -> OrderMark:
    return OrderMark(number=DeploymentId(number), node=NodeName(node), stage=stage, at=at)


def test_orders_stand_at_their_time_and_older_ones_are_left_out() -> None:
    marks = [mark(3, NOW), mark(2, BEGIN, Stage.FAILED), mark(1, BEGIN - 1), mark(4, NOW + 1)]
    picture = draw_timeline(marks, now=NOW, link="/fleets/a/b/nodes/")
    assert [(dot.x, dot.kind, dot.href) for dot in picture.dots] == [
        (picture.left, "risky", "/fleets/a/b/nodes/AIOS#order-2")
    ]
    assert picture.good == f"M{picture.right} {picture.rows[0].at}h0"
    assert picture.dots[0].title == "AIOS, order 2: failed, 2026-09-07 00:00 UTC"
    assert picture.summary == "2 orders in the last 14 days, 1 of them failed"
    assert len(picture.days) == DAYS
    assert picture.days[1].label.split()[1] == "Sep"


def test_each_node_has_a_row_and_too_many_are_counted() -> None:
    marks = [mark(n, NOW - n, node=f"node-{n:02}") for n in range(MOST_ROWS + 2)]
    picture = draw_timeline(marks, now=NOW, link="")
    assert (len(picture.rows), picture.hidden, picture.good.count("M")) == (MOST_ROWS, 2, MOST_ROWS)
    assert picture.dots == ()
    assert [row.label for row in picture.rows[:2]] == ["node-00", "node-01"]
    assert picture.rows[1].at - picture.rows[0].at == ROW


def test_a_long_name_is_cut_and_every_stage_has_its_colour() -> None:
    marks = [mark(n, NOW - n, stage, node="x" * 19) for n, stage in enumerate(Stage)]
    picture = draw_timeline(marks, now=NOW, link="")
    assert picture.rows[0].label == "x" * 17 + "…"
    kinds = {dot.title.split(": ")[1].split(",")[0]: dot.kind for dot in picture.dots}
    assert kinds == {
        "failed": "risky",
        "ended without a report": "risky",
        "withdrawn": "dim",
        "under way": "notice",
    }
