"""Who has to wait before GitHub is asked again, and how long."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from bot.domain.errors import RetryLater
from bot.github.connection.budget import BURST, NOTIFYING_PER_HOUR, Budget
from bot.github.errors import CredentialsRefused


class Clock:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.slept = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> Budget:
    return Budget("7", clock=clock, sleep=clock.sleep)


def told(clock: Clock, left: int, limit: int = 5000) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-reset": str(int(clock.now) + 600),
        "x-ratelimit-resource": "core",
    }


def wait_of(budget: Budget, *, urgent: bool = False) -> float:
    try:
        budget.admit(urgent=urgent)
    except RetryLater as problem:
        return problem.seconds
    return 0.0


def test_the_last_tenth_is_for_people(budget: Budget, clock: Clock) -> None:
    assert wait_of(budget) == 0
    budget.observe(told(clock, 501))
    assert wait_of(budget) == 0
    budget.observe(told(clock, 500))
    assert wait_of(budget) == 601
    assert wait_of(budget, urgent=True) == 0
    budget.observe(told(clock, 0))
    assert wait_of(budget, urgent=True) == 601
    clock.now += 601
    assert wait_of(budget) == 0


def test_another_resource_and_nonsense_change_nothing(budget: Budget, clock: Clock) -> None:
    budget.observe(told(clock, 0) | {"x-ratelimit-resource": "search"})
    budget.observe({"x-ratelimit-limit": "many", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"})
    budget.observe({})
    assert wait_of(budget) == 0


def test_a_told_wait_holds_the_whole_installation(budget: Budget, clock: Clock) -> None:
    assert budget.limited("GET /x", {"retry-after": "17"}, "slow down").seconds == 17
    assert wait_of(budget, urgent=True) == 17
    clock.now += 17
    assert wait_of(budget) == 0
    exhausted = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(clock.now) + 100)}
    assert budget.limited("GET /x", exhausted, "").seconds == 101


def test_an_untold_wait_is_a_minute_and_doubles(budget: Budget) -> None:
    waits = [budget.limited("POST /x", {}, "secondary rate limit").seconds for _ in range(8)]
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    budget.note_success()
    assert budget.limited("POST /x", {}, "").seconds == 60


def test_an_outage_is_asked_after_less_and_less_often(budget: Budget) -> None:
    assert [budget.outage("GET /x", "502").seconds for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    assert budget.outage("GET /x", "503", {"retry-after": "7"}).seconds == 7
    budget.observe({})
    assert budget.outage("GET /x", "502").seconds == 5


def test_no_minute_has_more_than_eighty_writes(budget: Budget, clock: Clock) -> None:
    at = []
    for _ in range(200):
        while True:
            try:
                budget.space_write("/repos/a/b/git/refs")
                break
            except RetryLater as problem:
                clock.now += problem.seconds
        at.append(clock.now)
    assert clock.slept > 0
    assert max(sum(start <= one < start + 60 for one in at) for start in at) <= 80
    assert at[BURST - 1] == at[0], "a single bump does not wait"


def test_work_does_not_begin_while_writes_are_far_behind(budget: Budget, clock: Clock) -> None:
    for _ in range(BURST + 6):
        budget._free_at = max(budget._free_at, clock.now) + 1
    assert wait_of(budget) == pytest.approx(6)
    assert wait_of(budget, urgent=True) == 0


def test_what_notifies_people_is_counted_by_the_hour(budget: Budget, clock: Clock) -> None:
    for _ in range(NOTIFYING_PER_HOUR):
        clock.now += 2
        budget.space_write("/repos/a/b/issues/1/comments")
    with pytest.raises(RetryLater) as told_to_wait:
        budget.space_write("/repos/a/b/pulls")
    assert 3600 - NOTIFYING_PER_HOUR * 2 <= told_to_wait.value.seconds <= 3600
    budget.space_write("/repos/a/b/git/refs")


def test_a_server_of_ones_own_sets_no_pace(clock: Clock) -> None:
    budget = Budget("7", spaced=False, clock=clock, sleep=clock.sleep)
    for _ in range(1000):
        budget.space_write("/repos/a/b/pulls")
    assert clock.slept == 0


def dated(clock: Clock, headers: dict[str, str], *, ahead: float) -> dict[str, str]:
    """`headers` from a GitHub above whose clock ours is by `ahead` seconds."""
    there = clock.now - ahead
    reset = {"x-ratelimit-reset": str(int(there) + 600)}
    return headers | reset | {"date": formatdate(there, usegmt=True)}


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_reset_is_a_time_of_githubs_clock(budget: Budget, clock: Clock, ahead: float) -> None:
    """A machine whose clock is an hour ahead took the reset for over, and asked again every second."""
    spent = dated(clock, told(clock, 0), ahead=ahead)
    assert budget.limited("GET /x", spent, "API rate limit exceeded").seconds == 601
    budget.observe(spent)
    clock.now += 599
    assert wait_of(budget) == 2
    clock.now += 2
    assert wait_of(budget) == 0


def test_a_limit_whose_reset_is_over_is_waited_out_like_one_that_names_no_time(budget: Budget, clock: Clock) -> None:
    spent = told(clock, 0) | {"x-ratelimit-reset": str(int(clock.now) - 5)}
    assert [budget.limited("GET /x", spent, "").seconds for _ in range(3)] == [60, 120, 240]


def test_refused_credentials_are_tried_less_and_less_often(budget: Budget, clock: Clock) -> None:
    """What was sent side by side is refused side by side, and counts once."""

    def refuse(**headers: str) -> RetryLater:
        return budget.refused("GET /x", headers, CredentialsRefused, "Bad credentials")

    assert [refuse().seconds for _ in range(3)] == [2, 2, 2]
    waits = []
    for _ in range(9):
        clock.now += 301
        waits.append(refuse().seconds)
    assert waits == [4, 8, 16, 32, 64, 128, 256, 300, 300]
    budget.note_success()
    clock.now += 301
    assert refuse().seconds == 2


def test_refused_credentials_say_that_the_clock_is_wrong(budget: Budget, clock: Clock) -> None:
    late = {"date": formatdate(clock.now - 400, usegmt=True)}
    text = str(budget.refused("POST /app", late, CredentialsRefused, "'exp' is too far in the future"))
    assert text.endswith("'exp' is too far in the future (this machine's clock is +400 s off GitHub's)")
    for date in (formatdate(clock.now - 5, usegmt=True), "yesterday", ""):
        assert "clock" not in str(budget.refused("POST /app", {"date": date}, CredentialsRefused, "no"))
