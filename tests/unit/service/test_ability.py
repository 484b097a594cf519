"""When the notices say that GitHub does not let the bot work."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.errors import RetryLater
from bot.domain.notices import Topic
from bot.features.outbox import store as outbox_store
from bot.features.outbox.store import Outbox
from bot.github.connection.budget import Budget
from bot.github.errors import BudgetSpent, CredentialsRefused, GitHubError
from bot.service.ability import PATIENCE, Ability
from bot.storage.store import Store

REFUSED = CredentialsRefused("GitHub did not accept our credentials", seconds=2)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(Store(f"sqlite:///{tmp_path / 'db.sqlite3'}", (outbox_store.TABLES,)))


def test_refused_credentials_are_told_after_a_while_and_end_with_the_next_job(outbox: Outbox) -> None:
    now = 1000.0
    ability = Ability(outbox, lambda: now)
    ability.note_wait("installation 7", REFUSED)
    now += 60
    ability.note_wait("installation 7", REFUSED)
    (one,) = outbox.find_all()
    assert (one.notice.topic, one.notice.subject, one.notice.fleet) == (Topic.BOT_UNABLE, "installation 7", None)
    assert (one.notice.text, one.due_at) == (str(REFUSED), 1000 + PATIENCE)
    ability.note_success("the App")
    assert len(outbox.find_all()) == 1, "another identity says nothing of this one"
    ability.note_success("installation 7")
    assert outbox.find_all() == ()
    ability.note_wait("installation 7", REFUSED)
    assert len(outbox.find_all()) == 1


def test_a_spent_budget_is_told_at_once_and_other_waits_never(outbox: Outbox) -> None:
    budget = Budget("7", clock=lambda: 1000.0)
    budget.observe({"x-ratelimit-limit": "100", "x-ratelimit-remaining": "10", "x-ratelimit-reset": "2000"})
    with pytest.raises(BudgetSpent) as spent:
        budget.admit()
    ability = Ability(outbox, lambda: 1000.0)
    ability.note_wait("installation 7", RetryLater("its time has not come", seconds=900))
    assert outbox.find_all() == ()
    ability.note_wait("installation 7", spent.value)
    assert [(one.due_at, one.notice.text) for one in outbox.find_all()] == [
        (1000, "10 of 100 requests are left of this hour, kept for people's commands")
    ]


def test_an_account_that_lets_the_app_at_nothing_is_told_after_a_while(outbox: Outbox) -> None:
    ability = Ability(outbox, lambda: 1000.0)
    ability.note_refusal("installation 7", GitHubError("POST /x", 403, "Resource not accessible by integration"))
    ability.note_refusal("installation 7", GitHubError("POST /x", 422, "no IP allow list enabled"))
    assert outbox.find_all() == ()
    words = "the `acme` organization has an IP allow list enabled, and your IP address is not permitted"
    ability.note_refusal("installation 7", GitHubError("GET /installation/repositories", 403, words))
    ability.note_refusal("installation 7", GitHubError("GET /repos/acme/win", 403, words))
    ((topic, text, due),) = [(one.notice.topic, one.notice.text, one.due_at) for one in outbox.find_all()]
    assert (topic, due) == (Topic.BOT_UNABLE, 1000 + PATIENCE)
    assert text.endswith(words)
    ability.note_success("installation 7")
    assert outbox.find_all() == ()


def test_what_an_earlier_process_wrote_ends_too(outbox: Outbox) -> None:
    Ability(outbox, lambda: 1000.0).note_wait("the App", REFUSED)
    Ability(outbox, lambda: 1000.0).note_success("the App")
    assert outbox.find_all() == ()
