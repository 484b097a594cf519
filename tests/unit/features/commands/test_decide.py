"""The decision about a command, over every combination that matters, each with its reason.

The expectation is a table of its own: rows in the order of the gates, the first that applies is the reason.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import msgspec
import pytest

from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    PullNumber,
    RepoName,
    StackName,
    SubmodulePath,
)
from bot.domain.verbs import Verb
from bot.domain.verdicts import Permission, Verdict
from bot.features.commands.decide.actions import (
    Decision,
    GiveLocksBack,
    GiveOrders,
    HoldBumps,
    MakePlan,
    Refuse,
    TakeLocks,
)
from bot.features.commands.decide.command import decide_command
from bot.features.commands.decide.deploy import refuse_locked
from bot.features.commands.decide.reasons import CommandReason as R
from bot.features.commands.facts.command import (
    Actor,
    CommandFacts,
    NodeAt,
    Position,
    PostedPlan,
    PullFacts,
    PullState,
)
from bot.features.commands.grammar import Command, Misread, parse_command
from bot.features.holds.facts import Hold, HoldKind, Lock
from bot.features.rollout.facts import PastOrder, Stage
from bot.fleetfile import Commands, Fleet, Node
from bot.protocol.order import OrderKind

FLEET = RepoName("Tecnocrat/aios-win")
SERVER = SubmodulePath("server")
PULL, OTHER_PULL = PullNumber(7), PullNumber(8)
PLAN, LATER = PlanId("0123456789ab"), PlanId("ba9876543210")
INGRESS, DATABASE = StackName("ingress"), StackName("database")


def sha(letter: str) -> CommitSha:
    return CommitSha(letter * 40)


BASE = Position(commit=sha("b"), pin=sha("1"))  # what the base pins
HEAD = Position(commit=sha("a"), pin=sha("2"))  # what the pull request pins
OLDER = Position(commit=sha("c"), pin=sha("3"))
BASE_HEAD = sha("d")  # of the base; newer than its last change of the pin
WRITER = Actor(login="writer", permission=Permission.WRITE)


def order(
    to: Position,
    stage: Stage,
    *,
    kind: OrderKind = OrderKind.DEPLOY,
    pull: PullNumber = PULL,
    number: int = 5,
    stacks: tuple[StackName, ...] = (),
) -> PastOrder:
    return PastOrder(
        number=DeploymentId(number),
        kind=kind,
        submodule=SERVER,
        commit=to.commit,
        pin=to.pin,
        marker="comment:1",
        stage=stage,
        pull=pull,
        stacks=stacks,
    )


def node(name: str = "LAB", **changes: Any) -> NodeAt:
    given: dict[str, Any] = {"node": Node(name=NodeName(name)), "runs": BASE, "good": (OLDER,)} | changes
    return NodeAt(**given)


def lock(name: str = "LAB", *, pull: PullNumber = PULL, owner: str = "writer") -> Lock:
    return Lock(fleet=FLEET, node=NodeName(name), pull=pull, owner=owner, reason="mine", taken_at=0, expires_at=10)


def open_pull(**changes: Any) -> PullFacts:
    given: dict[str, Any] = {
        "number": PULL,
        "state": PullState.OPEN,
        "head": HEAD.commit,
        "base": BranchName("main"),
        "base_head": BASE_HEAD,
        "pins": (SERVER,),
        "pin": HEAD.pin,
        "base_pin": BASE.pin,
    }
    return PullFacts(**(given | changes))


MERGE = Position(commit=sha("e"), pin=HEAD.pin)


def merged_pull(**changes: Any) -> PullFacts:
    given: dict[str, Any] = {"state": PullState.MERGED, "base_pin": MERGE.pin, "merge": MERGE.commit}
    return open_pull(**(given | changes))


def plan(**changes: Any) -> PostedPlan:
    given: dict[str, Any] = {
        "id": PLAN,
        "head": HEAD.commit,
        "base": BASE_HEAD,
        "old": BASE.pin,
        "new": HEAD.pin,
        "stacks": frozenset([StackName("ingress")]),
    }
    return PostedPlan(**(given | changes))


def said(text: str) -> Command | Misread:
    found = parse_command(text)
    assert found is not None, text
    return found


def facts(text: str = "/deploy", **changes: Any) -> CommandFacts:
    """An open bump of one node that a writer may deploy at once; a test states its difference."""
    nodes = changes.get("nodes", (node(),))
    given: dict[str, Any] = {
        "command": said(text),
        "actor": WRITER,
        "age": 5.0,
        "fleet": Fleet(nodes=tuple(n.node for n in nodes)),
        "pull": open_pull(),
        "plan": plan(),
        "bound": PLAN,
        "verdict": Verdict.GOOD,
        "base": BASE,
        "nodes": nodes,
        "waves": tuple((n.node.name,) for n in nodes),
    }
    return CommandFacts(**(given | changes))


# -- the whole product ------------------------------------------------------------------------------------------


class Head(NamedTuple):
    """How the head stands to the plan."""

    plan: PostedPlan | None
    bound: PlanId | None
    reason: R | None


HEADS = {
    "as planned": Head(plan(), PLAN, None),
    "no plan": Head(None, None, R.NO_PLAN),
    "head moved": Head(plan(head=sha("9")), PLAN, R.HEAD_MOVED),
    "plan of no head": Head(plan(head=None), PLAN, R.HEAD_MOVED),
    "base moved": Head(plan(base=sha("9")), PLAN, R.BASE_MOVED),
    "pin moved": Head(plan(new=sha("9")), PLAN, R.PIN_MOVED),
    "planned again since": Head(plan(), PlanId("ffffffffffff"), R.PLAN_CHANGED),
    "posted after the comment": Head(plan(posted_after=True), PLAN, R.PLAN_CHANGED),
    "the order's own plan": Head(plan(for_order=True, head=sha("9"), base=HEAD.commit), PlanId("ffffffffffff"), None),
}
VERDICTS = {
    Verdict.GOOD: None,
    Verdict.CONFLICTS: R.CONFLICTS,
    Verdict.REVIEW_MISSING: R.REVIEW_MISSING,
    Verdict.CHANGES_REQUESTED: R.CHANGES_REQUESTED,
    Verdict.CHECKS_FAILED: R.CHECKS_FAILED,
    Verdict.CHECKS_PENDING: R.CHECKS_PENDING,
    Verdict.UNKNOWN: R.VERDICT_UNKNOWN,
}
LOCKS = {"free": None, "ours": lock(), "theirs": lock(pull=OTHER_PULL, owner="someone")}
NODES = {
    "older": node(),
    "there": node(runs=HEAD, ahead=PULL),
    "under way": node(past=(order(HEAD, Stage.RUNNING),), ahead=PULL),
    "busy": node(past=(order(OLDER, Stage.QUEUED, pull=OTHER_PULL),)),
    "failed": node(past=(order(HEAD, Stage.FAILED),)),
    "never deployed": node(runs=None, good=()),
}
COMMANDS = (
    "/plan",
    "/deploy",
    "/deploy LAB ingress",
    "/rollback",
    "/retry",
    "/lock mine",
    "/unlock",
    "/status",
    "/help",
)


class Case(NamedTuple):
    """One combination."""

    command: str
    permission: Permission
    fork: bool
    state: PullState
    head: str
    verdict: Verdict
    lock: str
    node: str

    def facts(self) -> CommandFacts:
        head = HEADS[self.head]
        at = msgspec.structs.replace(NODES[self.node], lock=LOCKS[self.lock])
        return facts(
            self.command,
            actor=Actor(login="writer", permission=self.permission),
            pull=open_pull(from_fork=self.fork, state=self.state),
            plan=head.plan,
            bound=head.bound,
            verdict=self.verdict,
            nodes=(at,),
        )

    @property
    def verb(self) -> str:
        return self.command.split()[0].removeprefix("/")


def cases(command: str) -> Iterator[Case]:
    for values in itertools.product(
        Permission, (False, True), (PullState.OPEN, PullState.CLOSED), HEADS, VERDICTS, LOCKS, NODES
    ):
        yield Case(command, *values)


Row = tuple[Callable[[Case], bool], R | Callable[[Case], R | None]]
_MAY_WRITE = (Permission.WRITE, Permission.MAINTAIN, Permission.ADMIN)


def _is(*verbs: str) -> Callable[[Case], bool]:
    return lambda case: case.verb in verbs


def _deploys(case: Case) -> bool:
    """Whether the gates of a deployment of the head are asked."""
    return case.verb == "deploy" or (case.verb == "retry" and case.node == "failed")


EXPECTED: list[Row] = [
    (lambda c: c.permission is Permission.UNKNOWN, R.PERMISSION_UNKNOWN),
    (lambda c: c.permission not in _MAY_WRITE, R.NOT_ALLOWED),
    (_is("help"), R.HELP),
    (_is("status"), R.STATUS),
    (lambda c: c.verb == "retry" and c.node != "failed", R.NOTHING_FAILED),
    (lambda c: c.verb == "unlock" and c.lock != "ours", R.NOT_LOCKED),
    (_is("unlock"), R.UNLOCKED),
    (lambda c: c.verb == "rollback" and c.node not in ("there", "under way"), R.NOTHING_TO_ROLL_BACK),
    (lambda c: c.verb == "rollback" and c.lock == "theirs", R.LOCKED),
    (_is("rollback"), R.RESTORED),
    (lambda c: c.state is PullState.CLOSED, R.PULL_ENDED),
    (lambda c: c.verb == "lock" and c.lock == "theirs", R.LOCKED),
    (_is("lock"), R.LOCK_TAKEN),
    (lambda c: c.fork, R.FROM_FORK),
    (_is("plan"), R.PLANNED),
    (_deploys, lambda c: HEADS[c.head].reason),
    (_deploys, lambda c: VERDICTS[c.verdict]),
    (lambda c: c.lock == "theirs", R.LOCKED),
    (lambda c: c.node == "under way", R.UNDER_WAY),
    (lambda c: c.node == "there", R.ALREADY_THERE),
    (_is("retry"), R.RETRIED),
    (_is("deploy"), R.ORDERED),
]


def expected(case: Case) -> R:
    for applies, reason in EXPECTED:
        found = (reason if isinstance(reason, R) else reason(case)) if applies(case) else None
        if found is not None:
            return found
    raise AssertionError(f"the table has no row for {case}")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_combination_has_its_reason(command: str) -> None:
    told: Counter[R] = Counter()
    for case in cases(command):
        decision = decide_command(case.facts())
        assert decision.reason is expected(case), case
        told[decision.reason] += 1
        if isinstance(decision, GiveOrders):
            assert_safe(case, decision)
    assert sum(told.values()) >= 400


def assert_safe(case: Case, decision: GiveOrders) -> None:
    """What no combination may lead to, said without the table."""
    assert case.permission in _MAY_WRITE
    assert case.lock != "theirs"
    for target in decision.targets:
        if decision.kind is OrderKind.DEPLOY:
            assert not case.fork
            assert case.verdict is Verdict.GOOD
            assert case.state is PullState.OPEN
            assert (target.to, decision.plan) == (HEAD, PLAN)
            assert case.head in ("as planned", "the order's own plan")
        else:
            assert target.to == BASE


# -- one at a time ----------------------------------------------------------------------------------------------

OPS = Fleet(
    nodes=(Node(name=NodeName("LAB")), Node(name=NodeName("PROD"), who=("team:ops", "person:Boss"))),
    commands=Commands(who={"deploy": ("maintain", "team:ops"), "status": ("read",)}, break_glass=("team:oncall",)),
)
TWO = (node("LAB"), node("PROD"))
MERGED = {"pull": merged_pull(), "base": MERGE}
OVERTAKEN: dict[str, Any] = {"pull": merged_pull(), "base_plan": LATER, "nodes": (node(runs=OLDER),)}
ASKED = order(MERGE, Stage.RUNNING, kind=OrderKind.DRIFT)
LEAVING = order(OLDER, Stage.RUNNING, kind=OrderKind.ROLLBACK)
RUNS_MERGE = node(runs=MERGE, good=(BASE, OLDER))
HELD = Hold(fleet=FLEET, base=BranchName("main"), submodule=SERVER, kind=HoldKind.HOLD, by="writer")


def actor(permission: Permission = Permission.WRITE, login: str = "writer", *teams: str) -> Actor:
    return Actor(login=login, permission=permission, teams=frozenset(teams))


def at_ops(text: str, who: Actor, **changes: Any) -> CommandFacts:
    nodes = changes.pop("nodes", tuple(node(n.name, node=n) for n in OPS.nodes))
    return facts(text, fleet=OPS, actor=who, nodes=nodes, **changes)


IN_A_FIRE = actor(Permission.MAINTAIN, "x", "oncall")
TWIN = CommitSha("c" * 7 + "1" * 33)  # begins as OLDER does
A, B = node("A", runs=MERGE, good=(BASE, OLDER)), node("B")
FAILED = order(HEAD, Stage.FAILED)
FAILED_RESTORE = order(BASE, Stage.ABANDONED, kind=OrderKind.RESTORE)
QUESTION = order(HEAD, Stage.SUCCEEDED, kind=OrderKind.DRIFT, number=9)

# Each case is made when it is used: collecting the tests calls nothing of what they test.
ONE_BY_ONE: list[tuple[str, Callable[[], CommandFacts], R]] = [
    ("just in time", partial(facts, age=3600.0), R.ORDERED),
    ("too old", partial(facts, age=3600.1), R.TOO_OLD),
    ("misread", partial(facts, "/depoly"), R.MISREAD),
    ("a stranger's misreading", partial(facts, "/depoly", actor=actor(Permission.READ)), R.NOT_ALLOWED),
    ("no fleet", partial(facts, fleet=None), R.NOT_A_FLEET),
    ("in a review", partial(facts, "/help", in_review=True), R.IN_REVIEW),
    ("one too many, in a review", partial(facts, in_review=True, too_many=True), R.TOO_MANY),
    ("one too many", partial(facts, "/help", too_many=True), R.TOO_MANY),
    ("one too many, and too old", partial(facts, too_many=True, age=9_999.0), R.TOO_MANY),
    ("one too many, of a stranger", partial(facts, too_many=True, actor=actor(Permission.NONE)), R.TOO_MANY),
    ("no fleet, a stranger", partial(facts, fleet=None, actor=actor(Permission.TRIAGE)), R.NOT_ALLOWED),
    ("a broken fleet file", partial(facts, fleet=None, fleet_problem="line 3"), R.FLEET_FILE_BROKEN),
    ("help needs no fleet", partial(facts, "/help", fleet=None), R.HELP),
    ("no pull request", partial(facts, pull=None), R.PULL_UNKNOWN),
    ("no pull request, and its status", partial(facts, "/status", pull=None), R.PULL_UNKNOWN),
    ("no nodes", partial(facts, nodes=()), R.NO_NODES),
    ("no nodes to put back", partial(facts, "/rollback", nodes=()), R.NO_NODES),
    ("no nodes to try again", partial(facts, "/retry", nodes=()), R.NO_NODES),
    ("no nodes to lock", partial(facts, "/lock mine", nodes=()), R.NO_NODES),
    ("no nodes to unlock", partial(facts, "/unlock", nodes=()), R.NO_NODES),
    ("no nodes to plan", partial(facts, "/plan", nodes=()), R.PLANNED),
    ("an unknown name", partial(facts, "/deploy LAB nowhere"), R.UNKNOWN_NAME),
    ("an unknown node to plan", partial(facts, "/plan nowhere"), R.UNKNOWN_NAME),
    ("an unknown stack of all", partial(facts, "/deploy all nowhere", nodes=TWO), R.UNKNOWN_NAME),
    ("a misspelt only word", partial(facts, "/deploy nowhere", nodes=TWO), R.UNKNOWN_NAME),
    ("an unknown wave", partial(facts, "/deploy wave 3", nodes=TWO), R.UNKNOWN_WAVE),
    ("which of two?", partial(facts, nodes=TWO), R.NAME_TARGETS),
    ("a stack on which of two?", partial(facts, "/deploy ingress", nodes=TWO), R.NAME_TARGETS),
    ("both", partial(facts, "/deploy all", nodes=TWO), R.ORDERED),
    ("in any case", partial(facts, "/deploy lab", nodes=TWO), R.ORDERED),
    ("a node named twice", partial(facts, "/deploy lab LAB PROD", nodes=TWO), R.ORDERED),
    ("a stack named twice", partial(facts, "/deploy PROD ingress ingress", nodes=TWO), R.ORDERED),
    ("a stack of all", partial(facts, "/deploy all ingress", nodes=TWO), R.ORDERED),
    ("a stack of the only node", partial(facts, "/deploy ingress"), R.ORDERED),
    ("the last wave", partial(facts, "/deploy wave 2 ingress", nodes=TWO), R.ORDERED),
    ("an unknown stack of a wave", partial(facts, "/deploy wave 1 nowhere else", nodes=TWO), R.UNKNOWN_NAME),
    ("a stack where none may stand", partial(facts, "/rollback LAB ingress other", nodes=TWO), R.UNKNOWN_NAME),
    (
        "a stack, and a plan without any",
        partial(facts, "/deploy LAB x", plan=plan(stacks=frozenset())),
        R.UNKNOWN_NAME,
    ),
    ("a stack, and no plan yet", partial(facts, "/deploy LAB nowhere", plan=None), R.NO_PLAN),
    ("a plan, and no pin", partial(facts, pull=open_pull(pin=None)), R.NO_PLAN),
    (
        "there, and on its way",
        partial(facts, "/deploy all", nodes=(node("A", runs=HEAD), NODES["under way"])),
        R.UNDER_WAY,
    ),
    ("there in part", partial(facts, nodes=(node(runs=HEAD, ahead=PULL, apart={INGRESS: BASE}),)), R.ORDERED),
    ("all of it by two orders", partial(facts, nodes=(node(runs=HEAD, apart={INGRESS: HEAD}),)), R.ALREADY_THERE),
    (
        "one stack, there",
        partial(facts, "/deploy LAB ingress", nodes=(node(apart={INGRESS: HEAD}),)),
        R.ALREADY_THERE,
    ),
    ("one stack, there with all", partial(facts, "/deploy LAB ingress", nodes=(node(runs=HEAD),)), R.ALREADY_THERE),
    (
        "one stack, and it left again",
        partial(facts, "/deploy LAB ingress", nodes=(node(runs=HEAD, apart={INGRESS: BASE}),)),
        R.ORDERED,
    ),
    (
        "one stack, and another is under way",
        partial(facts, "/deploy LAB ingress", nodes=(node(past=(order(HEAD, Stage.QUEUED, stacks=(DATABASE,)),)),)),
        R.ORDERED,
    ),
    (
        "one stack, and it is under way",
        partial(
            facts, "/deploy LAB ingress", nodes=(node(past=(order(HEAD, Stage.QUEUED, stacks=(DATABASE, INGRESS)),)),)
        ),
        R.UNDER_WAY,
    ),
    (
        "one stack, and that one alone is under way",
        partial(facts, "/deploy LAB ingress", nodes=(node(past=(order(HEAD, Stage.QUEUED, stacks=(INGRESS,)),)),)),
        R.UNDER_WAY,
    ),
    (
        "one stack, and all are under way",
        partial(facts, "/deploy LAB ingress", nodes=(node(past=(order(HEAD, Stage.QUEUED),)),)),
        R.UNDER_WAY,
    ),
    (
        "all, and one stack is under way",
        partial(facts, nodes=(node(past=(order(HEAD, Stage.QUEUED, stacks=(INGRESS,)),)),)),
        R.ORDERED,
    ),
    (
        "under way behind one that was only made",
        partial(facts, nodes=(node(past=(order(HEAD, Stage.MADE, number=6), order(HEAD, Stage.RUNNING))),)),
        R.UNDER_WAY,
    ),
    (
        "there, but something else comes",
        partial(facts, nodes=(node(runs=HEAD, past=(order(OLDER, Stage.QUEUED, pull=OTHER_PULL),)),)),
        R.ORDERED,
    ),
    (
        "a restore of the same commit is under way",
        partial(facts, nodes=(node(past=(order(HEAD, Stage.QUEUED, kind=OrderKind.RESTORE),)),)),
        R.ORDERED,
    ),
    (
        "the base's commit with another pin",
        partial(facts, nodes=(node(runs=Position(HEAD.commit, OLDER.pin)),)),
        R.ORDERED,
    ),
    (
        "two that are theirs",
        partial(
            facts,
            "/deploy all",
            nodes=(node("A", lock=lock("A", pull=OTHER_PULL)), B, node("C", lock=LOCKS["theirs"])),
        ),
        R.LOCKED,
    ),
    (
        "touches the workflow",
        partial(facts, pull=open_pull(control_files=(".github/workflows/x.yml",))),
        R.TOUCHES_CONTROL,
    ),
    ("moves nothing", partial(facts, pull=open_pull(pins=())), R.NO_PIN_MOVED),
    ("moves two", partial(facts, pull=open_pull(pins=(SERVER, SubmodulePath("tools")))), R.SEVERAL_PINS),
    ("plans nothing", partial(facts, "/plan", pull=open_pull(pins=())), R.NO_PIN_MOVED),
    ("another plan", partial(facts, "/deploy plan ffffffffffff"), R.PLAN_UNKNOWN),
    ("the plan by its id", partial(facts, f"/deploy plan {PLAN}", bound=None), R.ORDERED),
    (
        "the plan by a part of its id",
        partial(facts, command=Command(verb=Verb.DEPLOY, plan=PlanId(PLAN[:7]))),
        R.PLAN_UNKNOWN,
    ),
    ("nobody knows which plan stood there, and none came since", partial(facts, bound=None), R.ORDERED),
    (
        "nobody knows which plan stood there, and one came since",
        partial(facts, bound=None, plan=plan(posted_after=True)),
        R.PLAN_CHANGED,
    ),
    (
        "the plan by its id, since planned again to the same",
        partial(facts, f"/deploy plan {PLAN}", bound=PlanId("f" * 12)),
        R.ORDERED,
    ),
    ("the plan by its id, but stale", partial(facts, f"/deploy plan {PLAN}", plan=plan(base=sha("9"))), R.BASE_MOVED),
    ("the old pin is another", partial(facts, plan=plan(old=sha("9"))), R.PIN_MOVED),
    ("a lock without a reason", partial(facts, "/lock LAB"), R.LOCK_NEEDS_REASON),
    ("a lock of one", partial(facts, "/lock lab because of me", nodes=TWO), R.LOCK_TAKEN),
    ("a lock after the end", partial(facts, "/lock mine", **MERGED), R.PULL_ENDED),
    ("another's lock", partial(facts, "/unlock", nodes=(node(lock=lock(owner="someone")),)), R.NOT_YOUR_LOCK),
    (
        "another's lock, a maintainer",
        partial(facts, "/unlock", nodes=(node(lock=lock(owner="someone")),), actor=actor(Permission.MAINTAIN)),
        R.NOT_YOUR_LOCK,
    ),
    (
        "another's lock, an admin",
        partial(facts, "/unlock", nodes=(node(lock=lock(owner="someone")),), actor=actor(Permission.ADMIN)),
        R.UNLOCKED,
    ),
    (
        "another pull request's lock, by name, its owner",
        partial(facts, "/unlock LAB", nodes=(node(lock=lock(pull=OTHER_PULL, owner="Writer")),)),
        R.UNLOCKED,
    ),
    (
        "two locks of others",
        partial(
            facts,
            "/unlock",
            nodes=(node(lock=lock(owner="ann")), node("B", lock=lock("B", owner="WRITER")), node("C")),
        ),
        R.NOT_YOUR_LOCK,
    ),
    ("a lock of all", partial(facts, "/lock because of me", nodes=TWO), R.LOCK_TAKEN),
    ("a lock of another's node", partial(facts, "/lock LAB mine", nodes=(node(lock=LOCKS["theirs"]), B)), R.LOCKED),
    ("hold", partial(facts, "/hold"), R.HELD),
    ("hold, and why", partial(facts, "/hold until the release"), R.HELD),
    (
        "hold what moves two",
        partial(facts, "/hold", pull=open_pull(pins=(SERVER, SubmodulePath("tools")))),
        R.SEVERAL_PINS,
    ),
    ("hold twice", partial(facts, "/hold", hold=HELD), R.ALREADY_HELD),
    ("hold what moves nothing", partial(facts, "/hold", pull=open_pull(pins=())), R.NO_PIN_MOVED),
    ("resume", partial(facts, "/resume", hold=HELD), R.RESUMED),
    ("resume what was rolled back", partial(facts, "/resume", rolled_back=True), R.RESUMED),
    ("resume nothing", partial(facts, "/resume"), R.NOT_HELD),
    ("resume what moves nothing", partial(facts, "/resume", pull=open_pull(pins=()), hold=HELD), R.NO_PIN_MOVED),
    # After the merge.
    ("merged, once more", partial(facts, "/deploy", **MERGED), R.ORDERED),
    ("merged, its plan", partial(facts, f"/deploy plan {PLAN}", **MERGED), R.ORDERED),
    ("merged, no plan", partial(facts, "/deploy", **MERGED, plan=None), R.ORDERED),
    ("merged, a plan, and none known", partial(facts, f"/deploy plan {PLAN}", **MERGED, plan=None), R.PLAN_UNKNOWN),
    ("merged, a few stacks", partial(facts, "/deploy LAB ingress", **MERGED), R.ORDERED),
    ("merged, the base never moved", partial(facts, "/deploy", pull=merged_pull(), base=None), R.SUPERSEDED),
    ("merged, in a fire", partial(at_ops, "/deploy LAB because fire", IN_A_FIRE, **MERGED), R.ORDERED),
    ("merged, there", partial(facts, "/deploy", **MERGED, nodes=(RUNS_MERGE,)), R.ALREADY_THERE),
    ("merged, there, and named", partial(facts, "/deploy LAB", **MERGED, nodes=(RUNS_MERGE,)), R.REPAIRED),
    ("merged, there, a stack", partial(facts, "/deploy LAB ingress", **MERGED, nodes=(RUNS_MERGE,)), R.ALREADY_THERE),
    ("merged, there, all", partial(facts, "/deploy all", **MERGED, nodes=(RUNS_MERGE,)), R.REPAIRED),
    (
        "merged, there, and looked at just now",
        partial(facts, "/deploy LAB", **MERGED, nodes=(node(runs=MERGE, past=(ASKED,)),)),
        R.REPAIRED,
    ),
    (
        "merged, there, and another order under way",
        partial(facts, "/deploy LAB", **MERGED, nodes=(node(runs=MERGE, past=(LEAVING,)),)),
        R.ORDERED,
    ),
    (
        "merged, there, and locked",
        partial(facts, "/deploy LAB", **MERGED, nodes=(msgspec.structs.replace(RUNS_MERGE, lock=LOCKS["theirs"]),)),
        R.LOCKED,
    ),
    ("merged, another plan", partial(facts, "/deploy plan ffffffffffff", **MERGED), R.PLAN_UNKNOWN),
    ("merged, moved nothing", partial(facts, "/deploy", pull=merged_pull(pins=()), base=MERGE), R.NO_PIN_MOVED),
    ("merged, overtaken", partial(facts, "/deploy", pull=merged_pull()), R.SUPERSEDED),
    (
        "merged, overtaken, whole",
        partial(facts, "/deploy LAB", **OVERTAKEN),
        R.SUPERSEDED,
    ),
    ("merged, overtaken, stacks", partial(facts, "/deploy LAB ingress", pull=merged_pull()), R.SUPERSEDED),
    (
        "merged, overtaken, stacks of what was approved later",
        partial(facts, "/deploy LAB ingress", **OVERTAKEN),
        R.ORDERED,
    ),
    (
        "merged, overtaken, the later plan by its id",
        partial(facts, f"/deploy LAB ingress plan {LATER}", **OVERTAKEN),
        R.ORDERED,
    ),
    (
        "merged, overtaken, its own plan by its id",
        partial(facts, f"/deploy LAB ingress plan {PLAN}", **OVERTAKEN),
        R.PLAN_UNKNOWN,
    ),
    (
        "merged, overtaken, the order's plan by its id",
        partial(
            facts,
            f"/deploy LAB ingress plan {PLAN}",
            **OVERTAKEN,
            plan=plan(for_order=True),
        ),
        R.ORDERED,
    ),
    ("merged, theirs", partial(facts, "/deploy", **MERGED, nodes=(node(lock=LOCKS["theirs"]),)), R.LOCKED),
    ("merged, planned again", partial(facts, "/plan", **MERGED), R.PULL_ENDED),
    ("back", partial(facts, "/rollback", **MERGED, nodes=(RUNS_MERGE,)), R.ROLLED_BACK),
    ("back to", partial(facts, "/rollback to ccccccc", **MERGED, nodes=(RUNS_MERGE,)), R.ROLLED_BACK),
    ("back to a pin", partial(facts, "/rollback LAB to 3333333", **MERGED, nodes=(RUNS_MERGE,)), R.ROLLED_BACK),
    ("back to where it is", partial(facts, "/rollback to eeeeeee", **MERGED, nodes=(RUNS_MERGE,)), R.ALREADY_THERE),
    (
        "back to nothing known",
        partial(facts, "/rollback to fffffff", **MERGED, nodes=(RUNS_MERGE,)),
        R.NOT_A_GOOD_COMMIT,
    ),
    (
        "back to which?",
        partial(
            facts,
            "/rollback to ccccccc",
            **MERGED,
            nodes=(node(runs=MERGE, good=(OLDER, Position(commit=sha("9"), pin=CommitSha("c" * 7 + "1" * 33)))),),
        ),
        R.AMBIGUOUS_COMMIT,
    ),
    (
        "back, the first ever",
        partial(facts, "/rollback", **MERGED, nodes=(node(runs=MERGE, good=()),)),
        R.NO_GOOD_COMMIT,
    ),
    (
        "back to digits from the middle of a commit",
        partial(
            facts,
            "/rollback to 1111111",
            **MERGED,
            nodes=(node(runs=MERGE, good=(Position(TWIN, CommitSha("d" * 7 + "1" * 33)),)),),
        ),
        R.NOT_A_GOOD_COMMIT,
    ),
    (
        "back to one of two commits with one pin",
        partial(
            facts,
            "/rollback to ccccccc",
            **MERGED,
            nodes=(node(runs=MERGE, good=(Position(TWIN, OLDER.pin), OLDER)),),
        ),
        R.ROLLED_BACK,
    ),
    (
        "back to, and nobody knows which commit brought the merge",
        partial(facts, "/rollback to ccccccc", pull=merged_pull(merge=None), base=MERGE),
        R.PIN_BACK_ONLY,
    ),
    (
        "back, theirs",
        partial(facts, "/rollback", **MERGED, nodes=(node(runs=MERGE, lock=LOCKS["theirs"]),)),
        R.LOCKED,
    ),
    ("back, overtaken", partial(facts, "/rollback", pull=merged_pull()), R.SUPERSEDED),
    ("back, overtaken, to", partial(facts, "/rollback LAB to ccccccc", pull=merged_pull()), R.ROLLED_BACK),
    (
        "back to, on a node that runs nothing now",
        partial(facts, "/rollback LAB to ccccccc", **MERGED, nodes=(node(runs=None),)),
        R.ROLLED_BACK,
    ),
    ("back, moved nothing", partial(facts, "/rollback", pull=merged_pull(pins=()), base=MERGE), R.NO_PIN_MOVED),
    ("back, the one that runs it", partial(facts, "/rollback", **MERGED, nodes=(A, B)), R.ROLLED_BACK),
    ("back, by name", partial(facts, "/rollback B", **MERGED, nodes=(A, B)), R.ROLLED_BACK),
    ("back, one stack", partial(facts, "/rollback", **MERGED, nodes=(node(apart={INGRESS: MERGE}),)), R.ROLLED_BACK),
    (
        "back, the one on its way to it",
        partial(facts, "/rollback", **MERGED, nodes=(node("A"), node("B", past=(order(MERGE, Stage.RUNNING),)))),
        R.ROLLED_BACK,
    ),
    ("back, in a fire", partial(at_ops, "/rollback LAB because fire", IN_A_FIRE, **MERGED), R.ROLLED_BACK),
    (
        "back to, unknown on one of two",
        partial(facts, "/rollback to ccccccc", **MERGED, nodes=(A, RUNS_MERGE, node("C", runs=MERGE, good=()))),
        R.NOT_A_GOOD_COMMIT,
    ),
    ("back, put back already", partial(facts, "/rollback", **MERGED), R.PIN_BACK_ONLY),
    (
        "back, put back already, in a fire",
        partial(at_ops, "/rollback because fire", IN_A_FIRE, **MERGED),
        R.PIN_BACK_ONLY,
    ),
    (
        "back, put back already, others never deployed or at the pin",
        partial(
            facts,
            "/rollback",
            **MERGED,
            nodes=(
                node("A", runs=None),
                node("B", runs=Position(commit=sha("9"), pin=MERGE.pin)),
                node("C", runs=OLDER),
                node("D"),
            ),
        ),
        R.PIN_BACK_ONLY,
    ),
    (
        "back, nothing at all",
        partial(facts, "/rollback", **MERGED, nodes=(node(runs=Position(commit=sha("9"), pin=MERGE.pin)),)),
        R.NOTHING_TO_ROLL_BACK,
    ),
    ("back before the merge, to", partial(facts, "/rollback to ccccccc"), R.TO_BEFORE_MERGE),
    (
        "back, but the base never moved",
        partial(facts, "/rollback", base=None, nodes=(NODES["there"],)),
        R.NO_GOOD_COMMIT,
    ),
    (
        "back before the merge, those ahead",
        partial(
            facts,
            "/rollback",
            nodes=(node("A", runs=HEAD, ahead=PULL), node("B", runs=HEAD, ahead=OTHER_PULL), node("C")),
        ),
        R.RESTORED,
    ),
    (
        "back before the merge, in a fire",
        partial(
            at_ops,
            "/rollback LAB because fire",
            IN_A_FIRE,
            nodes=(node(runs=HEAD, ahead=PULL, lock=LOCKS["theirs"]), B),
        ),
        R.RESTORED,
    ),
    (
        "retry of two kinds",
        partial(facts, "/retry", nodes=(node("A", past=(FAILED,)), node("B", runs=HEAD, past=(FAILED_RESTORE,)))),
        R.RETRIED,
    ),
    (
        "retry of two kinds, turned",
        partial(facts, "/retry", nodes=(node("B", runs=HEAD, past=(FAILED_RESTORE,)), node("A", past=(FAILED,)))),
        R.RETRIED,
    ),
    ("retry, asked since", partial(facts, "/retry", nodes=(node(past=(QUESTION, FAILED)),)), R.RETRIED),
    (
        "retry, good since",
        partial(facts, "/retry", nodes=(node(past=(order(OLDER, Stage.SUCCEEDED), FAILED)),)),
        R.NOTHING_FAILED,
    ),
    (
        "retry, withdrawn",
        partial(facts, "/retry", nodes=(node(past=(order(HEAD, Stage.WITHDRAWN),)),)),
        R.NOTHING_FAILED,
    ),
    ("retry, theirs", partial(facts, "/retry", nodes=(node(past=(FAILED,), lock=LOCKS["theirs"]),)), R.LOCKED),
    (
        "retry rollbacks of two",
        partial(
            facts,
            "/retry",
            **MERGED,
            nodes=(
                node("A", runs=MERGE, past=(order(OLDER, Stage.FAILED, kind=OrderKind.ROLLBACK),)),
                node("B", runs=MERGE, past=(QUESTION, order(BASE, Stage.ABANDONED, kind=OrderKind.ROLLBACK))),
                node("C", runs=MERGE),
            ),
        ),
        R.RETRIED,
    ),
    (
        "retry a restore",
        partial(facts, "/retry", nodes=(node(runs=HEAD, past=(order(BASE, Stage.FAILED, kind=OrderKind.RESTORE),)),)),
        R.RETRIED,
    ),
    (
        "retry a rollback",
        partial(
            facts,
            "/retry",
            **MERGED,
            nodes=(node(runs=MERGE, past=(order(OLDER, Stage.FAILED, kind=OrderKind.ROLLBACK),)),),
        ),
        R.RETRIED,
    ),
    (
        "retry after the merge",
        partial(facts, "/retry", **MERGED, nodes=(node(past=(order(MERGE, Stage.FAILED),)),)),
        R.RETRIED,
    ),
    (
        "retry another's",
        partial(facts, "/retry", nodes=(node(past=(order(HEAD, Stage.FAILED, pull=OTHER_PULL),)),)),
        R.NOTHING_FAILED,
    ),
    # Who may.
    ("deploy needs maintain", partial(at_ops, "/deploy LAB", actor()), R.NOT_ALLOWED),
    ("a maintainer", partial(at_ops, "/deploy LAB", actor(Permission.MAINTAIN)), R.ORDERED),
    ("a team", partial(at_ops, "/deploy LAB", actor(Permission.WRITE, "x", "ops")), R.ORDERED),
    (
        "a reader's misreading is no reader's status",
        partial(at_ops, "/depoly", actor(Permission.READ)),
        R.NOT_ALLOWED,
    ),
    ("a reader's status", partial(at_ops, "/status", actor(Permission.READ)), R.STATUS),
    ("not on this node", partial(at_ops, "/deploy PROD", actor(Permission.ADMIN)), R.NOT_ALLOWED_ON_NODE),
    ("not on all", partial(at_ops, "/deploy all", actor(Permission.ADMIN)), R.NOT_ALLOWED_ON_NODE),
    ("a team on this node", partial(at_ops, "/deploy all", actor(Permission.READ, "x", "ops")), R.ORDERED),
    ("a person on this node", partial(at_ops, "/lock PROD mine", actor(Permission.WRITE, "boss")), R.LOCK_TAKEN),
    ("no lock there", partial(at_ops, "/lock PROD mine", actor(Permission.ADMIN)), R.NOT_ALLOWED_ON_NODE),
    (
        "GitHub does not say who it is",
        partial(at_ops, "/lock PROD x", actor(Permission.UNKNOWN, "boss")),
        R.PERMISSION_UNKNOWN,
    ),
    # Breaking the glass.
    (
        "no glass for them",
        partial(at_ops, "/deploy LAB because fire", actor(Permission.ADMIN)),
        R.BREAK_GLASS_NOT_ALLOWED,
    ),
    ("no glass at all", partial(facts, "/deploy because fire"), R.BREAK_GLASS_NOT_ALLOWED),
    *(
        (f"the glass and {verdict}", partial(at_ops, "/deploy LAB because fire", ONCALL, verdict=verdict), R.ORDERED)
        for ONCALL in (actor(Permission.MAINTAIN, "x", "oncall"),)
        for verdict in Verdict
    ),
    (
        "the glass and a lock",
        partial(
            at_ops,
            "/deploy LAB because fire",
            actor(Permission.MAINTAIN, "x", "oncall"),
            nodes=(node(lock=LOCKS["theirs"]), node("PROD")),
        ),
        R.ORDERED,
    ),
    (
        "the glass breaks no binding",
        partial(at_ops, "/deploy LAB because fire", actor(Permission.MAINTAIN, "x", "oncall"), plan=plan(head=None)),
        R.HEAD_MOVED,
    ),
    (
        "the glass lets no fork in",
        partial(
            at_ops,
            "/deploy LAB because fire",
            actor(Permission.MAINTAIN, "x", "oncall"),
            pull=open_pull(from_fork=True),
        ),
        R.FROM_FORK,
    ),
    (
        "the glass lets no workflow in",
        partial(at_ops, "/deploy LAB because fire", IN_A_FIRE, pull=open_pull(control_files=(".github/a",))),
        R.TOUCHES_CONTROL,
    ),
    (
        "the glass opens no node that is not for them",
        partial(at_ops, "/deploy PROD because fire", IN_A_FIRE),
        R.NOT_ALLOWED_ON_NODE,
    ),
    (
        "the glass ends another's lock",
        partial(
            at_ops,
            "/unlock LAB because fire",
            actor(Permission.WRITE, "x", "oncall"),
            nodes=(node(lock=LOCKS["theirs"]), node("PROD")),
        ),
        R.UNLOCKED,
    ),
]


@pytest.mark.parametrize(("given", "reason"), [row[1:] for row in ONE_BY_ONE], ids=[row[0] for row in ONE_BY_ONE])
def test_one_at_a_time(given: Callable[[], CommandFacts], reason: R) -> None:
    assert decide_command(given()).reason is reason


def test_every_reason_is_reached() -> None:
    reached = {decide_command(given()).reason for _, given, _ in ONE_BY_ONE}
    for command in COMMANDS:
        reached |= {expected(case) for case in cases(command)}
    assert reached == set(R)


# -- what is decided, beside the reason -------------------------------------------------------------------------


def orders(given: CommandFacts) -> GiveOrders:
    decision = decide_command(given)
    assert isinstance(decision, GiveOrders), decision
    return decision


def test_a_deployment_before_the_merge_is_bound_to_head_and_plan() -> None:
    decision = orders(facts("/deploy LAB ingress"))
    assert [(t.node, t.to) for t in decision.targets] == [("LAB", HEAD)]
    assert (decision.plan, decision.of_head, decision.locks, decision.stacks) == (PLAN, True, True, ("ingress",))


def test_what_is_left_of_an_earlier_merge_is_deployed_as_the_branch_has_it() -> None:
    given = facts("/deploy LAB ingress", **OVERTAKEN)
    decision = orders(given)
    assert [(t.node, t.to) for t in decision.targets] == [("LAB", BASE)]
    assert (decision.plan, decision.of_head, decision.stacks) == (LATER, False, ("ingress",))
    named = facts(
        f"/deploy LAB ingress plan {PLAN}",
        pull=merged_pull(),
        base_plan=LATER,
        nodes=(node(runs=OLDER),),
        plan=plan(for_order=True),
    )
    assert orders(named).plan == PLAN


def test_back_from_one_stack_is_to_what_all_of_them_were_at() -> None:
    given = facts("/rollback", **MERGED, nodes=(node(good=(BASE, OLDER), apart={INGRESS: MERGE}),))
    assert [t.to for t in orders(given).targets] == [BASE]


def test_only_nodes_that_need_it_get_an_order() -> None:
    there, under_way = node("A", runs=HEAD), node("B", past=(order(HEAD, Stage.QUEUED),))
    decision = orders(facts("/deploy all", nodes=(there, under_way, node("C"))))
    assert [t.node for t in decision.targets] == ["C"]


def test_a_node_on_its_way_elsewhere_is_ordered_all_the_same() -> None:
    """It runs what is wanted, but something else is coming to it."""
    passing = node(runs=BASE, past=(order(HEAD, Stage.RUNNING),), ahead=PULL)
    assert [t.to for t in orders(facts("/rollback", nodes=(passing,))).targets] == [BASE]


@pytest.mark.parametrize(
    ("first", "second", "kind", "target"),
    [
        (FAILED, FAILED_RESTORE, OrderKind.DEPLOY, HEAD),
        (FAILED_RESTORE, FAILED, OrderKind.RESTORE, BASE),
    ],
)
def test_of_failed_orders_of_two_kinds_those_of_the_first_are_retried(
    first: PastOrder, second: PastOrder, kind: OrderKind, target: Position
) -> None:
    nodes = (node("A", runs=OLDER, past=(first,)), node("B", runs=OLDER, past=(second,)), node("C", runs=OLDER))
    decision = orders(facts("/retry", nodes=nodes))
    assert (decision.kind, [(t.node, t.to) for t in decision.targets]) == (kind, [("A", target)])


def test_of_two_commits_with_one_pin_the_newer_is_gone_back_to() -> None:
    newer = Position(TWIN, OLDER.pin)
    given = facts("/rollback to ccccccc", **MERGED, nodes=(node(runs=MERGE, good=(newer, OLDER)),))
    assert [t.to for t in orders(given).targets] == [newer]


def test_a_deployment_whose_verdict_nobody_asked_for_is_refused() -> None:
    given = facts()
    asked = {name: getattr(given, name) for name in given.__struct_fields__ if name != "verdict"}
    assert decide_command(CommandFacts(**asked)).reason is R.VERDICT_UNKNOWN


def test_a_misreading_is_about_the_word_that_it_stumbled_over() -> None:
    given = facts(command=Misread(problem="no such command", word="depoly"))
    assert decide_command(given) == Refuse(reason=R.MISREAD, about=("depoly",))
    wordless = facts(command=Misread(problem="control characters are not allowed"))
    assert decide_command(wordless) == Refuse(reason=R.MISREAD)


def test_a_wave_and_its_nodes() -> None:
    decision = orders(facts("/deploy wave 2", nodes=TWO))
    assert [t.node for t in decision.targets] == ["PROD"]


def test_back_to_the_previous_good_one_moves_the_pin_back_too() -> None:
    decision = orders(facts("/rollback", **MERGED, nodes=(RUNS_MERGE,)))
    assert [(t.node, t.to) for t in decision.targets] == [("LAB", BASE)]
    assert (decision.pin_back, decision.kind, decision.of_head) == (BASE.pin, OrderKind.ROLLBACK, False)


def test_back_to_the_same_pin_leaves_the_record_alone() -> None:
    twin = Position(commit=sha("9"), pin=MERGE.pin)
    given = facts("/rollback to 9999999", **MERGED, nodes=(node(runs=MERGE, good=(twin,)),))
    assert orders(given).pin_back is None


def test_what_was_said_goes_on_as_text_only() -> None:
    lock_it = decide_command(facts("/lock LAB `$(reboot)` @everyone"))
    assert isinstance(lock_it, TakeLocks)
    assert lock_it.text == "`$(reboot)` @everyone"
    hold_it = decide_command(facts("/hold <b>"))
    assert isinstance(hold_it, HoldBumps)
    assert hold_it.text == "<b>"


def test_an_unlock_names_only_what_is_locked() -> None:
    decision = decide_command(facts("/unlock", nodes=(node("LAB", lock=lock("LAB")), node("PROD"))))
    assert isinstance(decision, GiveLocksBack)
    assert decision.nodes == ("LAB",)


def test_a_plan_is_shown_of_the_nodes_that_were_named() -> None:
    nodes = (node("A"), node("B"))
    every = decide_command(facts("/plan", nodes=nodes))
    one = decide_command(facts("/plan b", nodes=nodes))
    assert isinstance(every, MakePlan)
    assert isinstance(one, MakePlan)
    assert (every.nodes, one.nodes) == ((), ("B",))


def test_a_stale_plan_is_made_anew_and_a_changed_one_is_shown() -> None:
    assert isinstance(decide_command(facts(plan=plan(head=None))), MakePlan)
    changed = decide_command(facts(bound=PlanId("f" * 12)))
    assert isinstance(changed, Refuse)
    assert changed.about == (PLAN,)


@pytest.mark.parametrize("permission", Permission)
def test_a_person_is_known_by_what_the_fleet_file_names(permission: Permission) -> None:
    who = actor(permission, "Alice", "ops")
    known = permission is not Permission.UNKNOWN
    assert who.is_any_of(("team:ops",)) is known
    assert who.is_any_of(("person:alice",)) is known
    assert not who.is_any_of(("team:dev", "person:bob"))
    assert not who.is_any_of(("person:ops",)), "a person who is called as the team is"
    assert not who.is_any_of(("team:alice",)), "a team that is called as the person is"
    assert not who.is_any_of(())
    assert who.is_any_of(("maintain",)) is (permission in (Permission.MAINTAIN, Permission.ADMIN))


def test_a_lock_is_nobodys_own_without_a_pull_request() -> None:
    nodes = (node(lock=lock()), node("B"))
    assert refuse_locked(facts(), nodes) is None
    assert refuse_locked(facts(pull=None), nodes) == Refuse(reason=R.LOCKED, about=("LAB",))


def test_every_verb_is_decided() -> None:
    decided: list[Decision] = [
        decide_command(facts(f"/{verb} x" if verb is Verb.LOCK else f"/{verb}")) for verb in Verb
    ]
    assert len(decided) == len(Verb)
