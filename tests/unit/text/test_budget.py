"""A report within its limit: which variant of each section is taken, and who gets the room that is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.text.budget import Section, Variant, fit, fixed, within_bytes


def notice(left_out: tuple[str, ...]) -> str:
    return f"without {' and '.join(left_out)}"


def never(left_out: tuple[str, ...]) -> str:
    raise AssertionError(f"nothing is left out, but {left_out}")


def section(*variants: tuple[str, str], asked: list[tuple[str, int]] | None = None) -> Section:
    """Variants of a fixed text, each with what it leaves out; the budget of each call goes to `asked`."""

    def variant(text: str, left_out: str) -> Callable[[int], Variant]:
        def make(budget: int) -> Variant:
            if asked is not None:
                asked.append((text, budget))
            return Variant(text, left_out)

        return make

    return Section([variant(*one) for one in variants])


def filler(letter: str, least: int, most: int = 10_000) -> Section:
    """A section whose last variant takes all that it is given: at least `least` characters, and at most `most`."""
    return Section(
        [
            lambda _budget: Variant(letter * 20_000),
            lambda budget: Variant(letter * max(least, min(budget, most)), f"some {letter}"),
        ]
    )


A = section(("aaaaaa", ""), ("aaa", "half of a"), ("a", "most of a"))
B = section(("bbbb", ""), ("b", "most of b"))
NOTHING = section(("", ""))


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (12, "aaaaaa\n\nbbbb"),
        (11, "aaa\n\nbbbb\n\nwithout half of a"),
    ],
)
def test_what_fits_to_the_last_character_is_taken_whole(limit: int, text: str) -> None:
    found = fit([A, B], limit, shorten=(0,), notice=never if limit == 12 else notice)
    assert found == text


def test_sections_get_shorter_in_the_order_that_is_given() -> None:
    full = "a" * 60, "b" * 40
    first, second = section((full[0], ""), ("a", "a")), section((full[1], ""), ("b", "b"))
    assert fit([first, second], 101, shorten=(0, 1), notice=notice) == f"a\n\n{full[1]}\n\nwithout a"
    assert fit([first, second], 101, shorten=(1, 0), notice=notice) == f"{full[0]}\n\nb\n\nwithout b"
    assert fit([first, second], 20, shorten=(1, 0), notice=notice) == "a\n\nb\n\nwithout a and b"


def test_a_section_that_is_named_twice_gets_shorter_twice() -> None:
    assert fit([A], 5, shorten=(0, 0), notice=lambda _left_out: "") == "aaa"
    assert fit([A], 2, shorten=(0, 0, 0), notice=lambda _left_out: "") == "a"


def test_the_last_variants_stand_also_where_they_do_not_fit() -> None:
    assert fit([A, B], 3, shorten=(0, 0, 1), notice=notice) == "a\n\nb\n\nwithout most of a and most of b"


def test_an_empty_section_leaves_no_gap() -> None:
    assert fit([NOTHING, A, NOTHING, B], 100, shorten=(), notice=never) == "aaaaaa\n\nbbbb"


def test_a_fixed_section_never_changes() -> None:
    assert fit([fixed("title"), A], 12, shorten=(0, 1), notice=lambda _left_out: "") == "title\n\naaa"


def test_the_last_variants_share_what_the_others_leave() -> None:
    """400 characters are kept for the notice, and two for each gap."""
    room = 1000 - 400 - len("title") - 2
    one = fit([fixed("title"), filler("x", 0)], 1000, shorten=(1,), notice=notice)
    assert one == f"title\n\n{'x' * room}\n\nwithout some x"
    # Each counts with the least that it may be; the first takes what it can, the next what that left.
    room -= 10 + 2 + 20 + 2
    both = fit([fixed("title"), filler("x", 10, 100), filler("y", 20)], 1000, shorten=(1, 2), notice=notice)
    assert both == f"title\n\n{'x' * 100}\n\n{'y' * (20 + room - 90)}\n\nwithout some x and some y"
    modest = fit([fixed("title"), filler("x", 10, 10), filler("y", 20)], 1000, shorten=(1, 2), notice=notice)
    assert modest == f"title\n\n{'x' * 10}\n\n{'y' * (20 + room)}\n\nwithout some x and some y"
    greedy = fit([fixed("title"), filler("x", 10), filler("y", 20)], 1000, shorten=(1, 2), notice=notice)
    assert greedy == f"title\n\n{'x' * (10 + room)}\n\n{'y' * 20}\n\nwithout some x and some y"


def test_where_no_room_is_left_the_last_variants_are_their_least() -> None:
    text = fit([fixed("t" * 700), filler("x", 3), filler("y", 0)], 1000, shorten=(1, 2), notice=notice)
    assert text == f"{'t' * 700}\n\nxxx\n\nwithout some x and some y"


def test_every_variant_but_the_last_is_made_once_and_for_the_whole_limit() -> None:
    asked: list[tuple[str, int]] = []
    sections = [section(("full", ""), ("short", "some"), ("least", "more"), asked=asked), fixed("x" * 1000)]
    fit(sections, 500, shorten=(0, 1, 1, 0, 1), notice=notice)
    assert [one for one in asked if one[0] != "least"] == [("full", 500), ("short", 500)]
    assert {budget for text, budget in asked if text == "least"} == {0, 5}


@pytest.mark.parametrize("letter", ["x", "é", "\u200b", "⚪", "🟠"])
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_a_report_fits_by_its_bytes_and_wastes_little(letter: str, share: float) -> None:
    """`share`: how much of its budget it uses; where it uses all, little is wasted."""
    asked: list[int] = []

    def render(limit: int) -> str:
        asked.append(limit)
        return letter * int(limit * share)

    text = within_bytes(render, 65_535)
    assert len(text.encode()) <= 65_535
    assert len(text.encode()) > (65_535 - 5_000) * share**2
    assert asked[0] == 65_535
    assert len(asked) <= 2


def test_a_report_that_cannot_get_shorter_is_not_made_for_ever() -> None:
    assert within_bytes(lambda _limit: "é" * 40_000, 65_535) == "é" * 40_000
