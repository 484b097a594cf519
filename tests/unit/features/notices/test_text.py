"""What a message says, and that a stranger's words stay words in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import RepoName
from bot.domain.notices import NoticeSeverity, Topic
from bot.features.notices.decide import Message
from bot.features.notices.text import LONGEST, MOST_LINES, MessageText, identify_message, plain, render_message
from bot.features.outbox.facts import OpenNotice
from tests.unit.features.notices.samples import FLEET, sample

URGENT, WARNING, INFO = NoticeSeverity
LOG = "https://github.com/acme/aios-win/actions/runs/1"


def test_one_thing_is_named_in_the_title() -> None:
    failed = sample(1, text="deploy of server abc1234: health: put back", url=LOG)
    assert render_message(Message(fleet=FLEET, severity=URGENT, begun=(failed,))) == MessageText(
        "[urgent] acme/aios-win: a deploy failed (AIOS)",
        f"AIOS: a deploy failed: deploy of server abc1234: health: put back {LOG}",
    )


def test_invisible_signs_take_no_room_from_the_words() -> None:
    assert plain("\u200b" * LONGEST + "words") == "words"


def test_a_fleet_that_is_called_as_a_page_is_links_to_none() -> None:
    fleet = RepoName("acme/www.example")
    title = render_message(Message(fleet=fleet, severity=URGENT, begun=(sample(1, fleet=fleet),))).title
    assert title.startswith("[urgent] acme/www\u200b.example: ")


def test_several_things_are_counted_and_each_has_a_line() -> None:
    begun = (sample(1, Topic.DRIFT, text="server: x"), sample(2, Topic.NODE_OFFLINE, subject="HP_LAB"))
    over = (sample(3, Topic.PLAN_DIFFERS, ended=1),)
    assert render_message(Message(fleet=FLEET, severity=WARNING, begun=begun, over=over)) == MessageText(
        "[warning] acme/aios-win: 2 things need attention",
        "AIOS: a node has drifted: server: x\nHP_LAB: a node is offline\n"
        "resolved: AIOS: not deployed: the plan differs from the approved one",
    )


def test_what_is_over_says_so_in_the_title() -> None:
    one, two = sample(1, ended=1), sample(2, ended=1, subject="HP_LAB")
    assert render_message(Message(fleet=FLEET, severity=URGENT, over=(one,))) == MessageText(
        "[resolved] acme/aios-win: a deploy failed (AIOS)", "resolved: AIOS: a deploy failed"
    )
    assert render_message(Message(fleet=FLEET, severity=URGENT, over=(one, two))).title == (
        "[resolved] acme/aios-win: 2 things resolved"
    )


def test_what_concerns_the_service_names_the_bot() -> None:
    unable = sample(1, Topic.BOT_UNABLE, fleet=None, subject="", text="key refused")
    assert render_message(Message(fleet=None, severity=URGENT, begun=(unable,))) == MessageText(
        "[urgent] aios-bot: the bot is not working", "the bot is not working: key refused"
    )


@pytest.mark.parametrize(("count", "more"), [(MOST_LINES, False), (MOST_LINES + 1, True)])
def test_a_long_message_is_cut_with_a_count(count: int, more: bool) -> None:
    message = Message(fleet=FLEET, severity=URGENT, begun=tuple(sample(n) for n in range(count)))
    lines = render_message(message).body.split("\n")
    assert len(lines) == MOST_LINES + more
    assert (lines[-1] == "and 1 more") is more


def test_an_address_that_is_none_is_left_out() -> None:
    failed = sample(1, url="javascript:alert(1)")
    assert render_message(Message(fleet=FLEET, severity=URGENT, begun=(failed,))).body == "AIOS: a deploy failed"


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("plain words, a_name/b-c: 5 (of 7)!", "plain words, a_name/b-c: 5 (of 7)!"),
        ("@everyone", "@\u200beveryone"),
        ("<!channel>", "<\u200b!channel>"),
        ("[x](http://evil)", "[\u200bx]\u200b(http:\u200b//evil)"),
        ("www.evil.example", "www\u200b.evil.example"),
        ("*b* `c` ~d~", "*\u200bb*\u200b `\u200bc`\u200b ~\u200bd~\u200b"),
        ("|e| a&amp; \\", "|\u200be|\u200b a&\u200bamp; \\\u200b"),
        ("a\r\nBcc: x\x1b[2J\u202e", "a Bcc: x[\u200b2J"),
        ("x" * (LONGEST + 1), "x" * (LONGEST - 1) + "…"),
    ],
)
def test_hostile_words_do_nothing(hostile: str, harmless: str) -> None:
    assert plain(hostile) == harmless


@given(st.text())
def test_no_words_make_a_second_line(hostile: str) -> None:
    failed = sample(1, text=hostile, subject=hostile)
    text = render_message(Message(fleet=FLEET, severity=URGENT, begun=(failed,)))
    assert len(text.title.splitlines()) == len(text.body.splitlines()) == 1


def test_an_id_is_of_the_message_and_not_of_the_try() -> None:
    def identify(target: str, one: OpenNotice, *, again: bool = False) -> str:
        message = Message(fleet=FLEET, severity=URGENT, begun=(one,), again=again)
        return identify_message(target, message, render_message(message))

    first = identify("here", sample(1))
    assert first == identify("here", sample(1), again=True)
    others = (
        identify("elsewhere", sample(1)),
        identify("here", sample(2)),
        identify("here", sample(1, age=121)),
        identify("here", sample(1, text="another word")),
    )
    assert len({first, *others}) == 5
