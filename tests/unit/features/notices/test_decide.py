"""What is sent now to one address: gathered, once, not in quiet hours, and given up after a day."""

from __future__ import annotations

import pytest

from bot.domain.names import RepoName
from bot.domain.notices import NoticeSeverity, Topic
from bot.features.notices.decide import Message, NoticesDecision, decide_messages, find_settled, find_unsure
from bot.features.outbox.facts import OpenNotice, Phase
from tests.unit.features.notices.samples import FLEET, NOW, sample

HERE, ELSEWHERE = "here", "elsewhere"
TOLD, OVER = (HERE, Phase.BEGUN), (HERE, Phase.OVER)
URGENT, WARNING, INFO = NoticeSeverity
DAY = 86_400


def decide(*notices: OpenNotice, now: int = NOW) -> NoticesDecision:
    return decide_messages(notices, HERE, now=now)


def sent(*notices: OpenNotice, now: int = NOW) -> list[tuple[str | None, NoticeSeverity, list[int], list[int]]]:
    """Of each message: fleet, severity, and the numbers of what began and of what is over."""
    return [
        (m.fleet, m.severity, [one.seq for one in m.begun], [one.seq for one in m.over])
        for m in decide(*notices, now=now).messages
    ]


def test_what_began_and_goes_on_is_sent_once() -> None:
    assert sent(sample(1, age=500, sent=(TOLD,))) == []
    assert find_settled([sample(1, age=500, sent=(TOLD,))], [HERE], now=NOW) == ()


def test_what_was_given_up_is_not_sent_again_nor_its_end() -> None:
    dropped = (HERE, Phase.DROPPED)
    assert decide(sample(1, age=500, sent=(dropped,))) == NoticesDecision()
    over = sample(1, age=500, ended=200, sent=(TOLD, dropped))
    assert decide(over) == NoticesDecision()
    assert find_settled([over], [HERE], now=NOW) == (1,)


def test_what_is_muted_is_sent_when_that_has_ended() -> None:
    muted = sample(1, age=500, muted=60)
    assert sent(muted) == sent(muted, now=NOW + 59) == []
    assert decide_messages([muted], HERE, now=NOW + 59, gather=0).messages == ()
    (message,) = decide_messages([muted], HERE, now=NOW + 60, gather=0).messages
    assert message.begun == (muted,)


def test_what_happens_within_two_minutes_is_one_message() -> None:
    first, second = sample(1, age=119), sample(2, age=3)
    assert sent(first, second) == []
    assert sent(first, second, now=NOW + 1) == [(FLEET, URGENT, [1, 2], [])]
    assert decide_messages([second], HERE, now=NOW, gather=3).messages != ()
    assert decide_messages([second], HERE, now=NOW, gather=4).messages == ()


def test_each_fleet_waits_for_its_own_and_each_severity_has_its_message() -> None:
    other = RepoName("acme/other")
    notices = (
        sample(1, Topic.DRIFT),
        sample(2, Topic.APPROVAL_WAITS, age=0),
        sample(3, Topic.DEPLOY_FAILED, age=0),
        sample(4, Topic.DRIFT, fleet=other, age=119),
        sample(5, Topic.BOT_UNABLE, fleet=None),
    )
    assert sent(*notices) == [
        (FLEET, URGENT, [3], []),
        (FLEET, WARNING, [1], []),
        (FLEET, INFO, [2], []),
        (None, URGENT, [5], []),
    ]


def test_a_thing_is_told_once_when_it_begins_and_once_when_it_is_over() -> None:
    assert sent(sample(1, sent=(TOLD,))) == []
    assert sent(sample(1, sent=((ELSEWHERE, Phase.BEGUN),))) == [(FLEET, URGENT, [1], [])]
    assert sent(sample(1, age=500, ended=119, sent=(TOLD,))) == []
    assert sent(sample(1, age=500, ended=120, sent=(TOLD,))) == [(FLEET, URGENT, [], [1])]
    assert sent(sample(1, age=500, ended=120, sent=(TOLD, OVER))) == []
    assert sent(sample(1, age=500, ended=120)) == [], "it began and ended, and nobody heard of it"


def test_what_is_not_due_yet_waits_and_is_gathered_from_then_on() -> None:
    waiting = sample(1, Topic.APPROVAL_WAITS, age=5000, due_at=NOW + 1)
    assert sent(waiting) == []
    assert sent(waiting, now=NOW + 120) == []
    assert sent(waiting, now=NOW + 121) == [(FLEET, INFO, [1], [])]


@pytest.mark.parametrize(
    ("topic", "ended", "sent_before", "waits"),
    [
        (Topic.DEPLOY_FAILED, None, (), False),
        (Topic.BOT_UNABLE, None, (), False),
        (Topic.DRIFT, None, (), True),
        (Topic.APPROVAL_WAITS, None, (), True),
        (Topic.DEPLOY_FAILED, 200, (TOLD,), True),
    ],
)
def test_in_quiet_hours_only_what_is_urgent_is_sent(
    topic: Topic, ended: int | None, sent_before: tuple[tuple[str, Phase], ...], waits: bool
) -> None:
    quiet = sample(1, topic, age=600, ended=ended, sent=sent_before, quiet="11:00-13:00")
    assert bool(decide(quiet).messages) is not waits
    assert len(decide(quiet, now=NOW + 3600).messages) == 1


def test_what_waits_in_quiet_hours_makes_nothing_else_early() -> None:
    assert sent(sample(1, Topic.DRIFT, quiet="11:00-13:00"), sample(2, age=0)) == []


def test_after_a_day_it_is_dropped() -> None:
    assert decide(sample(1, age=DAY)) == NoticesDecision(dropped=((1, Phase.DROPPED),))
    assert sent(sample(1, age=DAY - 1)) == [(FLEET, URGENT, [1], [])]
    over = sample(2, age=2 * DAY, ended=DAY, sent=(TOLD,))
    assert decide(over) == NoticesDecision(dropped=((2, Phase.OVER),))
    assert sent(sample(3, age=2 * DAY, sent=((HERE, Phase.DROPPED),))) == []
    dropped, alive = sample(4, age=DAY), sample(5)
    assert decide(dropped, alive) == NoticesDecision(
        messages=(Message(fleet=FLEET, severity=URGENT, begun=(alive,)),), dropped=((4, Phase.DROPPED),)
    )


def test_the_phases_of_a_message_are_those_of_all_that_it_tells() -> None:
    message = Message(fleet=FLEET, severity=URGENT, begun=(sample(1), sample(2)), over=(sample(3, ended=1),))
    assert message.phases == ((1, Phase.BEGUN), (2, Phase.BEGUN), (3, Phase.OVER))


def test_what_ended_is_kept_until_every_address_has_heard_of_the_end() -> None:
    both = (TOLD, (ELSEWHERE, Phase.BEGUN))
    waiting = sample(1, ended=1, sent=(*both, OVER))
    done = sample(2, ended=1, sent=(*both, OVER, (ELSEWHERE, Phase.OVER)))
    notices = (waiting, done, sample(3, sent=both), sample(4, ended=1, sent=(TOLD, OVER)))
    assert find_settled(notices, (HERE, ELSEWHERE), now=NOW) == (2, 4)
    assert find_settled(notices, (HERE,), now=NOW) == (1, 2, 4)


def test_what_is_muted_is_sent_when_the_mute_is_over_and_not_dropped_for_its_age() -> None:
    muted = sample(1, age=3 * DAY, muted=60)
    assert decide(muted, now=NOW + 59) == NoticesDecision()
    assert decide(muted, now=NOW + 179) == NoticesDecision(), "gathered as if it had just begun"
    assert sent(muted, now=NOW + 180) == [(FLEET, URGENT, [1], [])]
    assert decide(muted, now=NOW + 60 + DAY).dropped == ((1, Phase.DROPPED),)


def test_the_end_of_what_was_sent_is_sent_although_it_is_muted() -> None:
    assert sent(sample(1, age=500, ended=120, muted=60, sent=(TOLD,))) == [(FLEET, URGENT, [], [1])]


def test_what_may_have_arrived_is_sent_again_by_itself_and_at_once() -> None:
    unsure, fresh = sample(1, age=130, unsure=(TOLD,)), sample(2, age=10)
    (message,) = decide(unsure, fresh).messages
    assert (message.begun, message.again) == ((unsure,), True)
    again, first = decide(unsure, sample(2, age=120)).messages
    assert (again.begun, again.again, first.again) == ((unsure,), True, False)
    assert decide_messages([unsure], ELSEWHERE, now=NOW).messages[0].again is False


def test_what_may_have_arrived_waits_in_quiet_hours() -> None:
    quiet = sample(1, Topic.DRIFT, age=600, unsure=(TOLD,), quiet="11:00-13:00")
    assert decide(quiet).messages == ()
    assert decide(quiet, now=NOW + 3600).messages[0].again


def test_the_end_of_what_may_have_arrived_is_sent() -> None:
    assert sent(sample(1, age=500, ended=120, unsure=(TOLD,))) == [(FLEET, URGENT, [], [1])]
    over = sample(1, age=500, ended=120, sent=(TOLD,), unsure=(OVER,))
    assert sent(over) == [(FLEET, URGENT, [], [1])]
    assert decide(over).messages[0].again
    assert find_settled([over], [HERE], now=NOW) == ()


def test_what_is_looked_for_is_the_message_as_it_was_sent() -> None:
    begun, ended = sample(1, unsure=(TOLD,)), sample(2, age=90, ended=10, unsure=(TOLD,))
    over = sample(3, ended=60, unsure=(TOLD, OVER))
    other = sample(4, fleet=RepoName("acme/other"), unsure=(TOLD, (ELSEWHERE, Phase.BEGUN)))
    here, there = find_unsure((begun, ended, over, other, sample(5)), HERE)
    assert (here.begun, here.over, here.since) == ((begun, ended), (over,), NOW - 60)
    assert (there.begun, there.since) == ((other,), NOW - 120)
    assert find_unsure((begun, over), "nowhere") == ()
