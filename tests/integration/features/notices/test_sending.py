"""Real receivers get each kind of notice exactly once, and once more when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, cast

import pytest
import sqlalchemy as sa

from bot.domain.names import InstallationId, PullNumber, RepoName
from bot.domain.notices import NoticeSeverity, Topic
from bot.features.fleets.store import PinStore
from bot.features.notices.apply import address
from bot.features.notices.apply.address import NoticeAddress, Posted, check_installed, make_targets
from bot.features.notices.apply.conditions import end_waiting, note_access
from bot.features.notices.jobs import EndWaiting, NoteAccess
from bot.features.notices.run import NoticeTools, send_notices
from bot.features.notices.text import AGAIN, MessageText
from bot.features.outbox.facts import Condition, Notice, Phase
from bot.features.outbox.pulls import WaitingPulls
from bot.features.outbox.store import NOTICES_SENT, Outbox
from bot.service.database import open_store
from bot.service.notifier import BACKOFF, Notifier
from bot.storage.store import Store
from tests.integration.features.notices.receivers import Receivers, receiving
from tests.unit.service.test_router import WIN, pin

NOON = 86_400 * 20_000 + 12 * 3600
SCOPE = "rollout main server"


class Place:
    """The outbox of a service that starts as often as one likes, its clock, and its receivers."""

    def __init__(self, folder: Path, receivers: Receivers) -> None:
        self.url = f"sqlite:///{folder / 'db.sqlite3'}"
        self.receivers = receivers
        self.now = NOON
        self.monotonic = 0.0
        self.kinds: tuple[str, ...] = ("json", "ntfy", "mailto")
        self.store: Store | None = None
        self.restart()
        PinStore(self.opened).replace_pins(WIN, (pin(),))

    def restart(self) -> None:
        if self.store is not None:
            self.store.close()
        self.store = open_store(self.url)
        targets = make_targets(self.receivers.addresses[kind] for kind in self.kinds)
        self.outbox = Outbox(self.store)
        self.tools = NoticeTools(self.outbox, PinStore(self.store), targets, lambda: self.now)
        self.notifier = Notifier(self.tools, self.store, clock=lambda: self.monotonic)

    @property
    def opened(self) -> Store:
        assert self.store is not None
        return self.store

    def set(self, *conditions: Condition, fleet: RepoName | None = WIN, scope: str = SCOPE) -> None:
        self.outbox.replace(fleet, scope, conditions, now=self.now)

    def send(self, *, after: int = 0) -> None:
        self.now += after
        self.monotonic += after
        self.notifier.send()

    def titles(self, kind: str = "json") -> list[str]:
        return [message.title for message in self.receivers.messages[kind]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with receiving() as receivers:
        place = Place(tmp_path, receivers)
        yield place
        place.opened.close()


def condition(
    topic: Topic = Topic.DEPLOY_FAILED, state: str = "", fleet: RepoName | None = WIN, **words: str
) -> Condition:
    return Condition(notice=Notice(topic=topic, fleet=fleet, **{"subject": "AIOS", **words}), state=state)


def test_every_receiver_gets_each_kind_once_over_restarts(place: Place) -> None:
    for topic in Topic:
        place.set(condition(topic, text="a <b>word</b>"), scope=f"{topic} main server")
        place.restart()
        place.send(after=119)
        place.restart()
        place.send(after=1)
        place.restart()
        place.send(after=300)
    expected = [f"[{t.severity}] {WIN}: {t.words} (AIOS)" for t in Topic]
    for kind in place.kinds:
        assert [title.replace("\u200b", "") for title in place.titles(kind)] == expected, kind
        assert all("AIOS: " in one.body and "<" in one.body for one in place.receivers.messages[kind]), kind
    for topic in Topic:
        place.set(scope=f"{topic} main server")
    place.send(after=120)
    place.restart()
    place.send(after=120)
    for kind in place.kinds:
        assert len(place.titles(kind)) == len(Topic) + len(NoticeSeverity), "one for what is over, of each severity"
    assert place.outbox.find_all() == ()


def test_what_passed_before_it_was_told_is_never_told(place: Place) -> None:
    place.set(condition())
    place.send(after=60)
    place.set()
    place.send(after=3600)
    assert place.titles() == []
    assert place.outbox.find_all() == ()


def test_another_state_of_the_same_thing_is_told_again_and_its_end_once(place: Place) -> None:
    place.set(condition(state="1"))
    place.send(after=120)
    place.set(condition(state="2"))
    place.set(condition(state="2", text="the same, described again"))
    place.send(after=120)
    assert len(place.titles()) == 2
    place.set()
    place.send(after=120)
    assert len(place.titles()) == 3
    place.set(condition(state="2"))
    place.send(after=120)
    assert len(place.titles()) == 4, "it began again after its end was told"


def test_what_ends_and_begins_within_two_minutes_is_not_mentioned(place: Place) -> None:
    place.set(condition(state="1"))
    place.send(after=120)
    place.set()
    place.set(condition(state="1"))
    place.send(after=300)
    assert len(place.titles()) == 1


def test_a_receiver_that_takes_nothing_is_tried_less_often_and_holds_up_nobody(place: Place) -> None:
    place.receivers.broken.add("ntfy")
    place.set(condition())
    place.send(after=120)
    assert (len(place.titles()), len(place.titles("ntfy")), len(place.titles("mailto"))) == (1, 0, 1)
    place.receivers.broken.clear()
    place.send(after=int(BACKOFF[0]) - 1)
    assert place.titles("ntfy") == []
    place.send(after=1)
    place.send(after=3600)
    assert [len(place.titles(kind)) for kind in place.kinds] == [1, 1, 1]


def test_what_no_receiver_took_for_a_day_is_dropped(place: Place) -> None:
    place.receivers.broken.update(place.kinds)
    place.set(condition())
    for _ in range(25):
        place.send(after=3600)
    place.receivers.broken.clear()
    place.send(after=3600)
    place.set()
    place.send(after=3600)
    assert [place.titles(kind) for kind in place.kinds] == [[], [], []]


def test_of_a_fleet_or_pin_that_is_gone_nothing_is_told(place: Place) -> None:
    place.set(condition(), scope="rollout main tools")
    place.set(condition(fleet=RepoName("acme/gone")), fleet=RepoName("acme/gone"), scope="access")
    place.set(condition(Topic.BOT_UNABLE, fleet=None), fleet=None, scope="key")
    place.send(after=120)
    assert place.titles() == ["[urgent] aios-bot: the bot is not working (AIOS)"]
    assert [one.scope for one in place.outbox.find_all()] == ["key"]


def test_only_one_replica_sends(place: Place) -> None:
    place.set(condition())
    other = Notifier(place.tools, place.opened, holder="another", clock=lambda: place.monotonic)
    place.send(after=120)
    place.set(condition(state="2"))
    place.now += 120
    other.send()
    assert len(place.titles()) == 1
    place.send()
    assert len(place.titles()) == 2


def test_access_and_closed_pull_requests_are_kept_by_jobs(place: Place) -> None:
    seven = InstallationId(7)
    note = NoteAccess(fleet=WIN, installation=seven, problem="it may not read checks", url="https://github.com/x")
    note_access(place.outbox, lambda: place.now, note)
    for number in (3, 4, 5):
        place.set(condition(Topic.APPROVAL_WAITS, subject=f"#{number}"), scope=f"approval {number}")
    waiting = WaitingPulls(place.opened)
    closed = EndWaiting(fleet=WIN, installation=seven, closed=PullNumber(3))
    end_waiting(place.outbox, waiting, lambda: place.now, closed)
    left = EndWaiting(fleet=WIN, installation=seven, opened=(PullNumber(5),))
    end_waiting(place.outbox, waiting, lambda: place.now, left)
    assert [one.scope for one in place.outbox.find_all()] == ["access", "approval 5"]
    place.send(after=120)
    assert (
        place.receivers.messages["json"][0].body
        == "the bot is not working: it may not read checks https://github.com/x"
    )
    note_access(place.outbox, lambda: place.now, NoteAccess(fleet=WIN, installation=seven))
    place.send(after=120)
    assert place.titles()[-1] == f"[resolved] {WIN}: the bot is not working"


def test_an_end_while_a_message_is_on_its_way_is_told(place: Place) -> None:
    """It is not known whether the message arrived: then its end is told rather than not."""
    place.set(condition())
    (one,) = place.outbox.find_all()
    target = place.tools.targets[0]
    place.outbox.begin(target.key, ((one.seq, Phase.BEGUN),))
    place.set()
    place.restart()
    place.send(after=120)
    assert place.titles() == [f"[resolved] {WIN}: a deploy failed (AIOS)"]
    check_installed()


def test_what_changes_while_its_message_is_sent_is_sent_again(place: Place) -> None:
    """Its row is another one then, which must not count as sent."""
    place.set(condition(state="order 1", text="order 1 failed"))
    target = place.tools.targets[0]

    def post(text: MessageText, severity: NoticeSeverity, message_id: str) -> Posted:
        place.set(condition(state="order 2", text="order 2 failed"))
        return target.post(text, severity, message_id)

    assert send_notices(place.tools, cast("NoticeAddress", Sender(target.key, post)), gather=0)
    with place.opened.reading() as connection:
        assert connection.execute(sa.select(NOTICES_SENT)).all() == []
    assert send_notices(place.tools, target, gather=0)
    assert [one.body.rpartition(": ")[2] for one in place.receivers.messages["json"]] == [
        "order 1 failed",
        "order 2 failed",
    ]


class Sender(NamedTuple):
    """A target whose `post` is a test's own."""

    key: str
    post: Callable[[MessageText, NoticeSeverity, str], Posted]

    def takes_ids(self) -> bool:
        return True


def test_a_message_that_failed_before_its_end_leaves_nothing_to_tell(place: Place) -> None:
    place.receivers.broken.update(place.kinds)
    place.set(condition())
    assert not send_notices(place.tools, place.tools.targets[0], gather=0)
    place.set()
    assert place.outbox.find_all() == ()


class Killed(BaseException):
    """The process ends."""


def kill_after_the_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send what is due; each process ends when the receiver has answered, before that is stored."""

    def settle(*_about: object, **_when: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "settle", settle)
        for target in place.tools.targets:
            with pytest.raises(Killed):
                send_notices(place.tools, target)
    place.restart()


def test_a_repeat_after_a_kill_has_the_id_of_the_first_and_ntfy_gets_none(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for topic in Topic:
        place.receivers.messages = {kind: [] for kind in place.kinds}
        place.set(condition(topic), scope=f"{topic} main server")
        place.now += 120
        kill_after_the_answer(place, monkeypatch)
        place.set(condition(topic, subject="HP_LAB"), scope="check main server")  # it is no part of the repeat
        place.send(after=60)
        for kind in ("json", "mailto"):
            first, second = place.receivers.messages[kind]
            assert first[:3] == second[:3], kind
            assert first.id, kind
        assert len(place.titles("ntfy")) == 1
        place.set(scope="check main server")
        place.set(scope=f"{topic} main server")
        place.receivers.messages = {kind: [] for kind in place.kinds}
        place.now += 120
        kill_after_the_answer(place, monkeypatch)
        place.send(after=60)
        assert [len({one.id for one in place.receivers.messages[kind]}) for kind in place.kinds] == [1, 1, 1]
        assert [len(place.titles(kind)) for kind in place.kinds] == [2, 1, 2], "that it is over, in the same way"
        assert place.outbox.find_all() == ()


def test_ids_differ_though_the_words_are_the_same(place: Place) -> None:
    for _ in range(2):
        place.set(condition())
        place.send(after=120)
        place.set()
        place.send(after=120)
    assert len({one.id for one in place.receivers.messages["json"]}) == len(place.titles()) == 4
    assert len({one.id for one in place.receivers.messages["mailto"]}) == 4


def test_what_a_receiver_without_ids_may_have_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.kinds = ("ntfy",)
    place.receivers.closed.add("ntfy")
    place.restart()
    place.set(condition())
    place.now += 120
    kill_after_the_answer(place, monkeypatch)
    place.send()
    assert [one.body for one in place.receivers.messages["ntfy"]] == [
        "AIOS: a deploy failed",
        f"AIOS: a deploy failed\n{AGAIN}",
    ]


def test_what_ntfy_did_not_get_before_a_kill_is_sent_and_what_ended_is_not(place: Place) -> None:
    place.kinds = ("ntfy",)
    place.restart()
    place.set(condition(), condition(subject="HP_LAB"))
    (target,) = place.tools.targets
    place.outbox.begin(target.key, [(one.seq, Phase.BEGUN) for one in place.outbox.find_all()])
    place.set(condition())
    place.send(after=120)
    assert [one.body for one in place.receivers.messages["ntfy"]] == ["AIOS: a deploy failed"]
    assert len(place.outbox.find_all()) == 1


def test_a_message_without_an_answer_in_time_keeps_its_id(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.kinds = ("json", "ntfy")
    monkeypatch.setattr(address, "READ_SECONDS", 1)
    place.receivers.slow = dict.fromkeys(place.kinds, 2.0)
    place.restart()
    place.set(condition())
    place.send(after=120)
    place.set(condition(), condition(subject="HP_LAB"))
    place.receivers.slow.clear()
    place.send(after=int(BACKOFF[0]))
    first, second = place.receivers.messages["json"]
    assert first[:3] == second[:3]
    assert len(place.titles("ntfy")) == 1
