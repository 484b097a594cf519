"""What wakes the upkeep of the outbox."""

from __future__ import annotations

from bot.domain.names import InstallationId, PullNumber, RepoName
from bot.features.fleets.jobs import Access, AccessRead, PullsListed
from bot.features.fleets.store import Pins
from bot.features.notices.jobs import EndWaiting, NoteAccess, triggers
from tests.unit.service.test_router import SERVER, WIN, pin, pull

SEVEN = InstallationId(7)
INDEX = Pins((pin(),))


def test_access_that_changed_is_noted() -> None:
    event = AccessRead(fleet=WIN, installation=SEVEN, problem="it may not read checks", url="https://x")
    (job,) = triggers(event, INDEX)
    assert job == NoteAccess(fleet=WIN, installation=SEVEN, problem="it may not read checks", url="https://x")
    assert job.access is Access.APP


def test_a_pull_request_of_a_fleet_that_closes_waits_for_nobody() -> None:
    closed = pull("x", merged=True)
    assert triggers(closed, INDEX) == [EndWaiting(fleet=WIN, installation=SEVEN, closed=closed.number)]
    assert triggers(pull("x", merged=True, repo=SERVER), INDEX) == []
    assert triggers(pull("x"), INDEX) == []


def test_a_list_of_open_ones_ends_all_others() -> None:
    listed = PullsListed(repo=WIN, installation=SEVEN, numbers=(PullNumber(3), PullNumber(4)))
    assert triggers(listed, INDEX) == [EndWaiting(fleet=WIN, installation=SEVEN, opened=listed.numbers)]
    assert triggers(PullsListed(repo=RepoName("a/b"), installation=SEVEN, numbers=()), INDEX) == []
    assert EndWaiting(fleet=WIN, installation=SEVEN).access is Access.APP
