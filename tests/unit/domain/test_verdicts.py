"""What a permission includes."""

from __future__ import annotations

import itertools

from bot.domain.verdicts import Permission, Verdict

WEAKEST_FIRST = ["none", "read", "triage", "write", "maintain", "admin"]


def test_a_permission_includes_itself_and_every_weaker_one() -> None:
    for one, least in itertools.product(WEAKEST_FIRST, WEAKEST_FIRST):
        included = WEAKEST_FIRST.index(one) >= WEAKEST_FIRST.index(least)
        assert Permission(one).reaches(Permission(least)) is included, (one, least)


def test_what_github_did_not_tell_includes_nothing() -> None:
    assert not any(Permission.UNKNOWN.reaches(least) for least in Permission)
    assert all(Permission(one).reaches(Permission.UNKNOWN) for one in WEAKEST_FIRST)


def test_every_word_keeps_its_spelling() -> None:
    assert list(Permission) == ["unknown", *WEAKEST_FIRST]
    assert " ".join(Verdict) == (
        "good conflicts review_missing changes_requested checks_failed checks_pending unknown"
    )
