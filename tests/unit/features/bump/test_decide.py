"""The bump decision, over every combination of facts that matters."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from bot.domain.names import BranchName, CommitSha, PullNumber, RepoName, SubmodulePath
from bot.features.bump.decide import BumpReason, CloseBump, ProposeBump, WithholdBump, decide_bump
from bot.features.bump.facts import BumpBranch, BumpFacts, Checks, OpenPull, Relation
from bot.features.holds.facts import Hold as PersonsHold
from bot.features.holds.facts import HoldKind
from bot.fleetfile import Submodule

PIN, TIP, OLDER, HEAD = (CommitSha(digit * 40) for digit in "abcd")
OURS = BumpBranch(head=HEAD, pin=TIP, pin_at_fork=PIN, people=())
THEIRS = BumpBranch(head=HEAD, pin=TIP, pin_at_fork=PIN, people=("ada",))
HELD = PersonsHold(
    fleet=RepoName("Tecnocrat/aios-win"),
    base=BranchName("main"),
    submodule=SubmodulePath("server"),
    kind=HoldKind.HOLD,
    by="ada",
)
PULL = OpenPull(number=PullNumber(7), title="Bump", body="", labels=())
AHEAD = BumpFacts(
    fleet=RepoName("Tecnocrat/aios-win"),
    base=BranchName("main"),
    base_head=HEAD,
    submodule=Submodule(path=SubmodulePath("server")),
    upstream=RepoName("Tecnocrat/server"),
    tracked=BranchName("main"),
    pin=PIN,
    tip=TIP,
    relation=Relation.AHEAD,
    checks=Checks.NOT_ASKED,
    branch=None,
    pull=None,
    dismissed_pins=frozenset(),
)


def facts(**different: object) -> BumpFacts:
    return msgspec.structs.replace(AHEAD, **different)


def test_upstream_ahead_is_proposed_with_a_new_commit() -> None:
    assert decide_bump(AHEAD) == ProposeBump(reason=BumpReason.UPSTREAM_MOVED, pin=TIP, commit=True)


def test_an_open_proposal_follows_upstream_on_the_same_branch() -> None:
    stale = msgspec.structs.replace(OURS, pin=OLDER)
    assert decide_bump(facts(branch=stale, pull=PULL)) == ProposeBump(
        reason=BumpReason.UPSTREAM_MOVED, pin=TIP, commit=True
    )


def test_a_proposal_that_is_right_gets_no_second_commit() -> None:
    decision = decide_bump(facts(branch=OURS, pull=PULL))
    assert decision == ProposeBump(reason=BumpReason.ALREADY_PROPOSED, pin=TIP, commit=False)


def test_what_the_base_pins_already_is_closed_and_peoples_commits_stay() -> None:
    closed = CloseBump(reason=BumpReason.UP_TO_DATE, close=PULL.number)
    assert decide_bump(facts(relation=Relation.SAME, branch=THEIRS, pull=PULL)) == closed
    ours = msgspec.structs.replace(closed, delete_branch=True)
    assert decide_bump(facts(relation=Relation.SAME, branch=OURS, pull=PULL)) == ours


def test_a_branch_without_a_pull_request_gets_one() -> None:
    assert decide_bump(facts(branch=OURS)) == ProposeBump(reason=BumpReason.ALREADY_PROPOSED, pin=TIP, commit=False)


def test_a_base_whose_pin_moved_gets_the_branch_made_anew() -> None:
    old = msgspec.structs.replace(OURS, pin_at_fork=OLDER)
    assert decide_bump(facts(branch=old, pull=PULL)) == ProposeBump(
        reason=BumpReason.BASE_MOVED, pin=TIP, commit=True
    )


@pytest.mark.parametrize("relation", [Relation.DIVERGED, Relation.PIN_UNKNOWN])
def test_what_does_not_descend_from_the_pin_is_never_proposed(relation: Relation) -> None:
    for branch in (None, OURS):
        decision = decide_bump(facts(relation=relation, branch=branch))
        assert decision == WithholdBump(reason=BumpReason.NOT_A_DESCENDANT)
        held = decide_bump(facts(relation=relation, branch=branch, pull=PULL, held=HELD))
        assert held == WithholdBump(reason=BumpReason.NOT_A_DESCENDANT)


@pytest.mark.parametrize("relation", [Relation.DIVERGED, Relation.PIN_UNKNOWN])
def test_a_proposal_of_what_upstream_no_longer_has_is_closed(relation: Relation) -> None:
    decision = decide_bump(facts(relation=relation, branch=OURS, pull=PULL))
    assert decision == CloseBump(reason=BumpReason.NOT_A_DESCENDANT, close=PullNumber(7), delete_branch=True)


def test_a_lost_upstream_branch_is_said() -> None:
    assert decide_bump(facts(relation=Relation.TIP_UNKNOWN, tip=None)) == WithholdBump(
        reason=BumpReason.BRANCH_MISSING
    )


@pytest.mark.parametrize(
    ("relation", "reason"),
    [(Relation.SAME, BumpReason.UP_TO_DATE), (Relation.BEHIND, BumpReason.UPSTREAM_BEHIND)],
)
def test_a_pin_that_is_as_new_or_newer_closes_the_proposal(relation: Relation, reason: BumpReason) -> None:
    assert decide_bump(facts(relation=relation)) == CloseBump(reason=reason)
    assert decide_bump(facts(relation=relation, branch=OURS, pull=PULL)) == CloseBump(
        reason=reason, close=PullNumber(7), delete_branch=True
    )


def test_a_branch_that_a_person_pushed_to_is_left_alone() -> None:
    for relation in (Relation.AHEAD, Relation.DIVERGED, Relation.BEHIND, Relation.TIP_UNKNOWN):
        decision = decide_bump(facts(relation=relation, branch=THEIRS, pull=PULL))
        assert decision == WithholdBump(reason=BumpReason.PEOPLE_ON_BRANCH)


def test_a_persons_branch_is_never_deleted() -> None:
    for relation, pull in itertools.product(Relation, [None, PULL]):
        decision = decide_bump(facts(relation=relation, branch=THEIRS, pull=pull))
        assert not (isinstance(decision, CloseBump) and decision.delete_branch)


@pytest.mark.parametrize(
    ("checks", "reason"), [(Checks.PENDING, BumpReason.CHECKS_PENDING), (Checks.RED, BumpReason.CHECKS_FAILED)]
)
def test_upstreams_own_checks_are_waited_for(checks: Checks, reason: BumpReason) -> None:
    assert decide_bump(facts(checks=checks)) == WithholdBump(reason=reason)
    assert isinstance(decide_bump(facts(checks=Checks.GREEN)), ProposeBump)


def test_what_a_person_holds_stays_as_it_is() -> None:
    assert decide_bump(facts(held=HELD)).reason is BumpReason.ON_HOLD
    assert decide_bump(facts(held=HELD, relation=Relation.SAME)).reason is BumpReason.UP_TO_DATE


def test_what_a_person_closed_is_not_proposed_again_until_upstream_moves() -> None:
    assert decide_bump(facts(dismissed_pins=frozenset({TIP}))) == CloseBump(reason=BumpReason.DISMISSED)
    assert isinstance(decide_bump(facts(dismissed_pins=frozenset({OLDER}))), ProposeBump)
    # Reopening the pull request is a person's word too.
    assert isinstance(decide_bump(facts(dismissed_pins=frozenset({TIP}), pull=PULL, branch=OURS)), ProposeBump)


def test_no_second_pull_request_opens_beside_one_whose_base_was_changed() -> None:
    assert decide_bump(facts(retargeted=PULL, branch=OURS)) == WithholdBump(reason=BumpReason.RETARGETED)
    both = decide_bump(facts(retargeted=PULL, pull=PULL, branch=OURS))
    assert both.reason is BumpReason.ALREADY_PROPOSED
    same = decide_bump(facts(retargeted=PULL, branch=OURS, relation=Relation.SAME))
    assert same == CloseBump(reason=BumpReason.UP_TO_DATE)  # its branch stays: deleting it would close that one


def test_every_reason_is_reached_and_every_combination_decides() -> None:
    reached = set()
    for relation, checks, branch, pull, settled, held, elsewhere in itertools.product(
        Relation,
        Checks,
        [
            None,
            OURS,
            THEIRS,
            msgspec.structs.replace(OURS, pin=OLDER),
            msgspec.structs.replace(OURS, pin_at_fork=OLDER),
        ],
        [None, PULL],
        [frozenset(), frozenset({TIP})],
        [None, HELD],
        [None, PULL],
    ):
        decision = decide_bump(
            facts(
                relation=relation,
                tip=None if relation is Relation.TIP_UNKNOWN else TIP,
                checks=checks,
                branch=branch,
                pull=pull,
                dismissed_pins=settled,
                held=held,
                retargeted=elsewhere,
            )
        )
        reached.add(decision.reason)
        if isinstance(decision, ProposeBump):
            assert relation is Relation.AHEAD
            assert decision.pin == TIP
            assert branch is not THEIRS
            assert held is None
    assert reached == set(BumpReason)
