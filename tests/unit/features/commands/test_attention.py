"""One person's commands cost a fleet only so much."""

from __future__ import annotations

import pytest

from bot.domain.names import RepoName
from bot.features.commands.decide.attention import MOST_COMMANDS, WINDOW, Attention, RecentCommands, decide_attention
from bot.features.commands.store import RecentCommandStore

FLEET, OTHER = RepoName("o/Fleet"), RepoName("o/other")


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        (RecentCommands(), Attention.HEARD),
        (RecentCommands(earlier=29), Attention.HEARD),
        (RecentCommands(earlier=30), Attention.ANSWERED),
        (RecentCommands(earlier=31), Attention.IGNORED),
        (RecentCommands(earlier=500), Attention.IGNORED),
        (RecentCommands(refused=True), Attention.IGNORED),
        (RecentCommands(earlier=30, refused=True), Attention.IGNORED),
    ],
)
def test_what_a_command_gets(recent: RecentCommands, expected: Attention) -> None:
    assert decide_attention(recent) is expected
    assert (MOST_COMMANDS, WINDOW) == (30, 600.0)


def test_commands_are_counted_by_person_and_fleet() -> None:
    store = RecentCommandStore()
    assert store.note(FLEET, "Ada", "comment:1", now=0) == RecentCommands()
    assert store.note(RepoName("O/FLEET"), "ada", "comment:2", now=1) == RecentCommands(earlier=1)
    assert store.note(FLEET, "ada", "comment:1", now=2) == RecentCommands(), "the same again"
    assert store.note(FLEET, "ada", "comment:2", now=2) == RecentCommands(earlier=1)
    assert store.note(OTHER, "ada", "comment:3", now=2) == RecentCommands()
    assert store.note(FLEET, "bob", "comment:4", now=2) == RecentCommands()
    assert store.peek(FLEET, "ADA", now=2) == RecentCommands(earlier=2)
    assert store.peek(FLEET, "ADA", now=2) == RecentCommands(earlier=2), "a look changes nothing"


def test_commands_count_within_the_window() -> None:
    store = RecentCommandStore()
    store.note(FLEET, "ada", "comment:1", now=0)
    store.note(FLEET, "ada", "comment:2", now=300)
    assert store.peek(FLEET, "ada", now=599.9) == RecentCommands(earlier=2)
    assert store.peek(FLEET, "ada", now=600) == RecentCommands(earlier=1)
    assert store.note(FLEET, "ada", "comment:3", now=600) == RecentCommands(earlier=1)
    assert store.peek(FLEET, "ada", now=1200) == RecentCommands()


def test_who_may_not_is_refused_once() -> None:
    store = RecentCommandStore()
    store.note(FLEET, "eve", "comment:1", now=0)
    store.refuse(FLEET, "Eve", "comment:1", now=0)
    assert store.note(FLEET, "eve", "comment:1", now=1) == RecentCommands(), "the refused one itself runs again"
    assert store.note(FLEET, "eve", "comment:2", now=1) == RecentCommands(earlier=1, refused=True)
    assert store.peek(FLEET, "eve", now=1) == RecentCommands(earlier=2, refused=True)
    store.refuse(FLEET, "eve", "comment:2", now=300)
    assert store.note(FLEET, "eve", "comment:1", now=400) == RecentCommands(), "the window begins with the first"
    assert store.peek(FLEET, "eve", now=599.9).refused
    assert not store.peek(FLEET, "eve", now=600).refused
    assert not store.peek(OTHER, "eve", now=1).refused
    assert not store.peek(FLEET, "bob", now=1).refused
    store.refuse(FLEET, "eve", "comment:9", now=600)
    assert store.peek(FLEET, "eve", now=1199.9).refused


def test_the_one_heard_longest_ago_is_forgotten() -> None:
    store = RecentCommandStore(most=2)
    for name in ("a", "b", "a", "c"):
        store.note(FLEET, name, f"{name}1", now=0)
    assert [store.peek(FLEET, name, now=0).earlier for name in "abc"] == [1, 0, 1]
