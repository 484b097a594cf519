"""Why a node does not move, and the exact command that a person may say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.domain.names import BranchName, CommitSha, NodeName, PlanId, PullNumber, RepoName, SubmodulePath
from bot.domain.verbs import Verb, spell_verb
from bot.features.commands.grammar import Command, parse_command
from bot.features.holds.facts import Hold, HoldKind, Lock
from bot.features.outbox.facts import WaitingPull
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.history import NodeDetails, RefusedPlan
from bot.features.rollout.store import NodeStatus, RolloutStatus
from bot.web.why import Obstacle, describe_holds, find_obstacles, summarise, tell_waiting

FLEET = RepoName("acme/aios")
NODE = NodeStatus(node=NodeName("HP_LAB"), platform="linux", wave=1, standing=Standing.FAILED, text="exit 1")
STATUS = RolloutStatus(
    fleet=FLEET,
    base=BranchName("main"),
    submodule=SubmodulePath("server"),
    commit=CommitSha("c" * 40),
    pin=CommitSha("d" * 40),
    pull=PullNumber(7),
    reason=RolloutReason.HALTED,
    looked_at=1,
    nodes=(NODE,),
)
LOCK = Lock(
    fleet=FLEET,
    node=NodeName("HP_LAB"),
    pull=PullNumber(9),
    owner="ada",
    reason="new disk",
    taken_at=1,
    expires_at=99,
)
REFUSED = RefusedPlan(plan=PlanId("9f2e00aa11bb"), approved=PlanId("77aa00cc22dd"), beyond="ingress: recreate")


def obstacles(
    standing: Standing, text: str = "", *, refused: RefusedPlan | None = None, locks: tuple[Lock, ...] = ()
) -> tuple[Obstacle, ...]:
    node = replace(NODE, standing=standing, text=text)
    details = NodeDetails(node=NODE.node, refused=refused)
    return find_obstacles(STATUS, node, details, locks, prefix="/")


@pytest.mark.parametrize("prefix", ["/", "/aios"])
def test_every_command_that_is_shown_is_one_that_the_bot_reads(prefix: str) -> None:
    plan = spell_verb(Verb.DEPLOY, "HP_LAB", "plan", "9f2e00aa11bb", prefix=prefix)
    assert parse_command(plan, prefix=prefix) == Command(
        verb=Verb.DEPLOY, names=("HP_LAB",), plan=PlanId("9f2e00aa11bb")
    )
    for verb in (Verb.RETRY, Verb.RESUME):
        assert parse_command(spell_verb(verb, prefix=prefix), prefix=prefix) == Command(verb=verb)
    assert parse_command(spell_verb(Verb.UNLOCK, "HP_LAB", prefix=prefix), prefix=prefix) == Command(
        verb=Verb.UNLOCK, names=("HP_LAB",)
    )


@pytest.mark.parametrize("standing", [Standing.GOOD, Standing.UNDER_WAY, Standing.TO_START])
def test_a_node_that_runs_it_or_is_about_to_has_no_obstacle(standing: Standing) -> None:
    assert obstacles(standing, "runs it") == ()


def test_a_failed_deploy_is_retried_in_its_pull_request() -> None:
    assert obstacles(Standing.FAILED, "exit 1") == (Obstacle(text="exit 1", command="/retry", pull=PullNumber(7)),)


def test_a_refused_order_names_the_plan_and_how_to_approve_it() -> None:
    assert obstacles(Standing.HELD, "not deployed", refused=REFUSED) == (
        Obstacle(
            text="refused: plan 9f2e00aa11bb goes beyond the approved 77aa00cc22dd: ingress: recreate",
            command="/deploy HP_LAB plan 9f2e00aa11bb",
            pull=PullNumber(7),
            plan=REFUSED.plan,
        ),
    )


def test_a_lock_is_shown_also_on_a_node_that_runs_it_and_only_there() -> None:
    locked = Obstacle(text="locked for #9 by ada, “new disk”", command="/unlock HP_LAB", pull=PullNumber(9), until=99)
    assert obstacles(Standing.GOOD, locks=(LOCK,)) == (locked,)
    assert obstacles(Standing.HELD, "pull request 9 has it", locks=(LOCK,)) == (locked,)
    assert obstacles(Standing.GOOD, locks=(replace(LOCK, node=NodeName("NAS")),)) == ()
    assert obstacles(Standing.UNDER_WAY, locks=(replace(LOCK, reason=""),))[0].text == "locked for #9 by ada"


@pytest.mark.parametrize(
    ("standing", "text", "shown"),
    [
        (Standing.OFFLINE, "offline: no runner", "offline: no runner"),
        (Standing.WAVE_NOT_YET, "comes after wave 1", "comes after wave 1"),
        (Standing.HELD, "", "merged, and not deployed"),
    ],
)
def test_what_waits_says_for_what(standing: Standing, text: str, shown: str) -> None:
    assert obstacles(standing, text) == (Obstacle(text=shown),)


def test_holds_of_this_pin_say_who_and_how_they_end() -> None:
    hold = Hold(fleet=FLEET, base=STATUS.base, submodule=STATUS.submodule, kind=HoldKind.HOLD, by="ada", reason="x")
    back = replace(hold, kind=HoldKind.ROLLED_BACK, pin="e" * 40, reason="", pull=PullNumber(3))
    others = (replace(hold, kind=HoldKind.RESUMED), replace(hold, base=BranchName("dev")))
    assert describe_holds(STATUS, (hold, back, *others), prefix="/aios") == (
        Obstacle(text="No new commit is proposed: ada, “x”", command="/aios resume"),
        Obstacle(text="This commit was rolled back (eeeeeee): ada", command="/aios resume", pull=PullNumber(3)),
    )


@pytest.mark.parametrize(
    ("to_merge", "host", "command"),
    [
        (True, "", f"gh pr merge 4 --repo acme/aios --match-head-commit {'a' * 40}"),
        (False, "", "gh pr review 4 --repo acme/aios --approve"),
        (False, "ghe.example", "gh pr review 4 --repo ghe.example/acme/aios --approve"),
    ],
)
def test_a_pull_request_that_waits_names_the_command_for_it(to_merge: bool, host: str, command: str) -> None:
    pull = WaitingPull(
        number=PullNumber(4),
        title="t",
        author="bot",
        since=1,
        head=CommitSha("a" * 40),
        why="w",
        to_merge=to_merge,
    )
    assert tell_waiting(pull, FLEET, host=host) == command


def status_of(*standings: Standing) -> RolloutStatus:
    """A rollout with these nodes: HP_LAB, N1, N2 and so on."""
    names = ["HP_LAB", *(f"N{n}" for n in range(1, len(standings)))]
    nodes = (replace(NODE, node=NodeName(name), standing=one) for name, one in zip(names, standings, strict=True))
    return replace(STATUS, nodes=tuple(nodes))


def test_one_sentence_says_what_needs_somebody() -> None:
    good, failed, held, moving = Standing.GOOD, Standing.FAILED, Standing.HELD, Standing.UNDER_WAY
    told = [
        summarise([], waiting=0),
        summarise([status_of(good, good)], waiting=0),
        summarise([status_of(good, moving, Standing.TO_START)], waiting=0),
        summarise([status_of(good, held)], waiting=1),
        summarise([status_of(held, Standing.OFFLINE)], waiting=0, refused=[NODE.node]),
        summarise([status_of(held)], waiting=0, refused=[NODE.node]),
        summarise([status_of(failed), status_of(failed, moving)], waiting=0),
    ]
    assert told == [
        ("nothing was deployed here yet", "calm"),
        ("everything runs what was merged", "calm"),
        ("2 deploys under way (N1, N2)", "notice"),
        ("1 node does not move (N1); 1 pull request waits for a person", "notice"),
        ("1 order refused because the plan differs (HP_LAB); 1 node does not move (N1)", "risky"),
        ("1 order refused because the plan differs (HP_LAB)", "risky"),
        ("2 deploys failed (HP_LAB); 1 deploy under way (N1)", "risky"),
    ]


def test_a_sentence_names_three_nodes_and_counts_the_rest() -> None:
    held = [Standing.HELD] * 5
    assert summarise([status_of(*held)], waiting=0)[0] == "5 nodes do not move (HP_LAB, N1, N2, 2 more)"


BACK = replace(NODE, rolled_back=True, text="rolled back to eeeeeee")


def test_what_was_rolled_back_may_be_deployed_again() -> None:
    found = find_obstacles(STATUS, BACK, NodeDetails(node=NODE.node), (), prefix="/")
    assert found == (Obstacle(text="rolled back to eeeeeee", command="/deploy HP_LAB", pull=PullNumber(7)),)


def test_a_fleet_with_a_node_that_was_rolled_back_does_not_run_what_was_merged() -> None:
    assert summarise([replace(STATUS, nodes=(BACK,))], waiting=0) == ("1 node rolled back (HP_LAB)", "notice")
