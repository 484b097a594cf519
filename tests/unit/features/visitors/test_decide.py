"""Who may see a fleet, a plan or a log: every combination that decides."""

from __future__ import annotations

import pytest

from bot.domain.verdicts import Permission
from bot.features.visitors.decide import ViewReason, decide_view
from bot.features.visitors.facts import Sight, ViewFacts

NEVER = [Permission.UNKNOWN, Permission.NONE]
READERS = [Permission.READ, Permission.TRIAGE]
WRITERS = [Permission.WRITE, Permission.MAINTAIN, Permission.ADMIN]


def view(sight: Sight, permission: Permission, *, private: bool = True, for_readers: bool = False) -> ViewReason:
    return decide_view(ViewFacts(sight=sight, private=private, permission=permission, for_readers=for_readers))


@pytest.mark.parametrize("permission", NEVER)
@pytest.mark.parametrize("sight", Sight)
def test_who_cannot_read_the_repository_sees_nothing(sight: Sight, permission: Permission) -> None:
    for private in (True, False):
        found = view(sight, permission, private=private, for_readers=True)
        assert found is ViewReason.NEEDS_READ
        assert not found.allows


@pytest.mark.parametrize("permission", WRITERS)
@pytest.mark.parametrize("sight", Sight)
def test_who_may_write_sees_everything(sight: Sight, permission: Permission) -> None:
    found = view(sight, permission, private=False)
    assert found is ViewReason.MAY_WRITE
    assert found.allows


@pytest.mark.parametrize("permission", READERS)
@pytest.mark.parametrize(
    ("sight", "private", "for_readers", "reason"),
    [
        (Sight.FLEET, True, False, ViewReason.MAY_READ),
        (Sight.FLEET, False, True, ViewReason.MAY_READ),
        (Sight.FLEET, False, False, ViewReason.NEEDS_WRITE),
        (Sight.PLAN, False, False, ViewReason.MAY_READ),
        (Sight.PLAN, True, False, ViewReason.MAY_READ),
        (Sight.LOGS, True, True, ViewReason.NEEDS_WRITE),
    ],
)
def test_a_reader_sees_what_few_can_read_and_what_is_opened(
    permission: Permission, sight: Sight, private: bool, for_readers: bool, reason: ViewReason
) -> None:
    found = view(sight, permission, private=private, for_readers=for_readers)
    assert found is reason
    assert found.allows is (reason is ViewReason.MAY_READ)
