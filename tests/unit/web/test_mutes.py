"""Mute a notice from a fleet's page: who may, for how long, and what is kept of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.notices import Topic
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.audit.store import AuditTrail
from bot.features.fleets.store import PinStore
from bot.features.outbox.facts import Condition, Notice
from bot.features.outbox.pulls import ShownNotice, WaitingPulls
from bot.features.outbox.store import Outbox
from bot.service.database import open_store
from bot.storage.store import Store
from tests.unit.features.visitors.test_visitors import pin
from tests.unit.web.test_records import FLEET, HOSTILE, OTHER, client_of

HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'bot.sqlite3'}")
    for fleet in (FLEET, OTHER):
        PinStore(made).replace_pins(fleet, [pin(fleet)])
    begin(made)
    yield made
    made.close()


def begin(store: Store, *, state: str = "1") -> None:
    notice = Notice(topic=Topic.DRIFT, fleet=FLEET, subject="AIOS", text=HOSTILE)
    Outbox(store).replace(FLEET, "drift", [Condition(notice=notice, state=state)], now=int(time.time()))


def shown(store: Store) -> ShownNotice:
    (found,) = WaitingPulls(store).find(FLEET, now=int(time.time())).notices
    return found


def muted_for(store: Store) -> int:
    """In seconds, by what is sent and by what the page shows."""
    (one,) = Outbox(store).find_all()
    assert one.muted_until == shown(store).muted_until
    return max(0, one.muted_until - int(time.time()))


def audited(store: Store) -> list[AuditRecord]:
    return list(AuditTrail(store).read(FLEET))


@pytest.mark.parametrize(("word", "seconds"), [("1h", HOUR), ("1d", DAY), ("1w", WEEK)])
def test_who_may_write_mutes_a_notice_and_lets_it_sound_again(store: Store, word: str, seconds: int) -> None:
    client, token = client_of(store, "wilma")
    page = client.get(f"/fleets/{FLEET}").get_data(as_text=True)
    assert "Mute for 1 hour: a node has drifted, AIOS" in page
    address = f"/fleets/{FLEET}/notices/{shown(store).number}/mute"
    done = client.post(address, data={"form_token": token, "for": word})
    assert (done.status_code, done.headers["Location"]) == (303, f"/fleets/{FLEET}")
    assert seconds - 60 <= muted_for(store) <= seconds
    begin(store, state="2")
    assert muted_for(store) > 0, "another state of the same thing is muted, too"
    page = client.get(f"/fleets/{FLEET}/state").get_data(as_text=True)
    assert "muted by wilma until 20" in page
    assert "Mute for" not in page
    done = client.post(f"/fleets/{FLEET}/notices/{shown(store).number}/mute", data={"form_token": token, "for": "0"})
    assert (done.status_code, muted_for(store)) == (303, 0)
    assert "muted by" not in client.get(f"/fleets/{FLEET}").get_data(as_text=True)
    muted, unmuted = audited(store)
    assert (muted.what, muted.kind, unmuted.what, unmuted.kind) == (Audited.ASKED, "mute", Audited.ASKED, "unmute")
    assert (muted.actor, muted.source, unmuted.actor) == ("wilma", "page", "wilma")
    assert muted.text.startswith("a node has drifted: AIOS (until 20")
    assert unmuted.text == "a node has drifted: AIOS"


@pytest.mark.parametrize(("login", "sees"), [("rita", True), ("mallory", False)])
def test_who_may_not_write_sees_no_button_and_may_not_press_it(store: Store, login: str, *, sees: bool) -> None:
    client, token = client_of(store, login)
    page = client.get(f"/fleets/{FLEET}")
    assert (page.status_code, b"Mute for" in page.data) == (200 if sees else 404, False)
    form = {"form_token": token, "for": "1h"}
    answers = [client.post(f"/fleets/{name}/notices/1/mute", data=form) for name in (FLEET, "acme/none")]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].data == answers[1].data
    assert (muted_for(store), audited(store)) == (0, [])


def test_a_refused_form_changes_nothing(store: Store) -> None:
    client, token = client_of(store, "wilma")
    address, number = f"/fleets/{FLEET}/notices", shown(store).number
    for path, form, headers, status in (
        (f"{address}/{number}/mute", {"form_token": "x" + token[1:], "for": "1h"}, {}, 403),
        (f"{address}/{number}/mute", {"form_token": token, "for": "1h"}, {"Sec-Fetch-Site": "cross-site"}, 403),
        (f"{address}/{number}/mute", {"form_token": token, "for": "9y"}, {}, 400),
        (f"{address}/{number}/mute", {"form_token": token}, {}, 400),
        (f"{address}/{number + 1}/mute", {"form_token": token, "for": "1h"}, {}, 404),
        (f"{address}/{10**30}/mute", {"form_token": token, "for": "1h"}, {}, 404),
        (f"{address}/-1/mute", {"form_token": token, "for": "1h"}, {}, 404),
        (f"/fleets/{OTHER}/notices/{number}/mute", {"form_token": token, "for": "1h"}, {}, 404),
    ):
        answer = client.post(path, data=form, headers=headers)
        assert (answer.status_code, muted_for(store), audited(store)) == (status, 0, []), (path, form)


def test_what_is_over_cannot_be_muted(store: Store) -> None:
    client, token = client_of(store, "wilma")
    number = shown(store).number
    Outbox(store).replace(FLEET, "drift", [], now=int(time.time()))
    answer = client.post(f"/fleets/{FLEET}/notices/{number}/mute", data={"form_token": token, "for": "1h"})
    assert (answer.status_code, audited(store)) == (404, [])
