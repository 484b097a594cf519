"""The reply to a command: what the golden texts do not show, and that no words of others are more than words."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.names import NodeName
from bot.features.commands.text.reply import MOST_DETAILED, OrderView, render_reply
from tests.unit.features.commands.test_decide import IN_A_FIRE, at_ops, plan
from tests.unit.features.commands.test_hostile_text import asked

HOSTILE = "<b> | @all"
TAME = "&#60;b> &#124; &#64;&#8203;all"


def test_the_names_that_might_have_been_meant_are_the_nodes_and_then_the_stacks_by_name() -> None:
    stacks = frozenset(f"s{number}" for number in range(9))
    assert asked("/deploy", plan=plan(stacks=stacks)).known == ("LAB", *sorted(stacks))


def test_why_the_rules_were_overridden_is_shown_as_words() -> None:
    given = at_ops(f"/deploy LAB because {HOSTILE}", IN_A_FIRE)
    changes = {name: getattr(given, name) for name in ("fleet", "actor", "nodes")}
    reply = render_reply(asked(f"/deploy LAB because {HOSTILE}", **changes))
    assert f"\u26a0\ufe0f **x overrode the rules**, because {TAME}\n" in reply
    assert "overrode" not in render_reply(asked("/deploy"))


def test_why_no_pull_request_moves_the_pin_back_is_shown_as_words_on_one_line() -> None:
    record = replace(asked("/deploy"), unlinked=f"{HOSTILE}\n{'x' * 400}")
    (said,) = [part for part in render_reply(record).split("\n\n") if part.startswith("No pull request")]
    begin = f"No pull request moves the pin back: {TAME} x"
    end = "x\u2026. Move it back by hand, or the next rollout brings it again."
    assert said.startswith(begin)
    assert said.endswith(end)
    assert said.count("x") == 300 - len(f"{HOSTILE} \u2026") + end[1:].count("x")


def test_the_details_of_the_first_five_orders_are_shown() -> None:
    orders = tuple(
        OrderView(node=NodeName(f"N{number}"), state="success", details=f"details of {number}") for number in range(6)
    )
    shown = [part for part in render_reply(asked("/deploy"), orders).split("\n\n") if part.startswith("details")]
    assert shown == [f"details of {number}" for number in range(5)]
    assert MOST_DETAILED == 5


def test_a_log_that_cannot_be_linked_is_not_mentioned() -> None:
    def row(log_url: str) -> str:
        orders = (OrderView(node=NodeName("LAB"), state="success", log_url=log_url),)
        return next(line for line in render_reply(asked("/deploy"), orders).splitlines() if "LAB</code> |" in line)

    assert row("https://github.example/log").endswith("| [log](https://github.example/log) |")
    assert row("javascript:x").endswith("| success |  |  |")
