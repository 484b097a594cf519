"""What jobs find out wakes the other features; and each job's lane, rights, repositories and time."""

from __future__ import annotations

import msgspec
import pytest

from bot.domain.events import DeploymentChanged, Push, WorkflowRunCompleted
from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    InstallationId,
    PlanId,
    PullNumber,
    RepoName,
    SubmodulePath,
)
from bot.domain.verbs import Verb
from bot.features.bump.jobs import SyncBump
from bot.features.commands.grammar import Command
from bot.features.commands.jobs import BUTTONS, AcknowledgeCommand, CloseOutPull, RunCommand, SyncCommandOrders
from bot.features.drift.jobs import CheckDrift
from bot.features.drift.jobs import triggers as check_drift
from bot.features.fleets.jobs import (
    Access,
    AccessRead,
    BumpResumed,
    FetchMissedDeliveries,
    FleetRead,
    FoundEvent,
    HubFound,
    Job,
    NodesFreed,
    PullsListed,
    SyncAllInstallations,
    SyncFleet,
    SyncInstallation,
)
from bot.features.fleets.store import Pins
from bot.features.hub.jobs import SyncHub
from bot.features.notices.jobs import EndWaiting, NoteAccess
from bot.features.review.jobs import SyncReview
from bot.features.rollout.jobs import SyncRollout
from bot.features.rollout.jobs import triggers as follow_rollouts
from bot.features.upstream.jobs import SyncUpstream, SyncUpstreamPull
from bot.service.router import route
from tests.unit.service.test_router import (
    LINUX,
    SERVER,
    SHA,
    TOOLS,
    WIN,
    bump,
    button,
    drift,
    pin,
    pull,
    rollout,
    said,
)

SEVEN, EIGHT, NINE = InstallationId(7), InstallationId(8), InstallationId(9)
MAIN, STABLE = BranchName("main"), BranchName("stable")
HUB, LISTING = RepoName("acme/AIOS"), RepoName("acme/lists")
PIN = msgspec.structs.replace(pin(), hub=HUB)
WIN_PINS = (
    PIN,
    msgspec.structs.replace(PIN, base=STABLE, tracked=STABLE, listed_by=LISTING),
    pin(submodule="tools", upstream=TOOLS, waits=True),
)
INDEX = Pins([*WIN_PINS, pin(LINUX, upstream=TOOLS, installation=EIGHT), pin(RepoName("acme/zeta"))])
PULLS = (PullNumber(3), PullNumber(9))


def upstream(repo: RepoName, installation: InstallationId = SEVEN) -> SyncUpstream:
    return SyncUpstream(upstream=repo, installation=installation)


def hub(repo: RepoName, installation: InstallationId = SEVEN) -> SyncHub:
    return SyncHub(hub=repo, installation=installation)


def review(number: int, repo: RepoName = WIN) -> SyncReview:
    return SyncReview(fleet=repo, installation=SEVEN, number=PullNumber(number))


FOUND: dict[str, tuple[FoundEvent, list[Job]]] = {
    "a fleet was read": (
        FleetRead(fleet=WIN, installation=SEVEN, pins=WIN_PINS),
        [
            bump(),
            bump(base="stable"),
            bump(submodule="tools"),
            rollout(),
            rollout("stable"),
            drift(),
            drift("stable"),
            upstream(SERVER),
            upstream(TOOLS),
            hub(HUB),
            hub(LISTING),
        ],
    ),
    "a fleet that pins nothing was read": (FleetRead(fleet=WIN, installation=SEVEN, pins=()), []),
    "a hub was found": (HubFound(hub=HUB, installation=NINE), [hub(HUB, NINE)]),
    "pull requests were listed": (
        PullsListed(repo=WIN, installation=SEVEN, numbers=PULLS),
        [review(3), review(9), EndWaiting(fleet=WIN, installation=SEVEN, opened=PULLS)],
    ),
    "access changed": (
        AccessRead(fleet=WIN, installation=SEVEN, problem="x", url="https://x"),
        [NoteAccess(fleet=WIN, installation=SEVEN, problem="x", url="https://x")],
    ),
    "an upstream's were listed": (
        PullsListed(repo=SERVER, installation=SEVEN, numbers=PULLS[:1]),
        [review(3, SERVER)],
    ),
    "nodes were freed": (NodesFreed(fleet=WIN, installation=SEVEN), [rollout(), rollout("stable")]),
    "nodes of no fleet were freed": (NodesFreed(fleet=SERVER, installation=SEVEN), []),
    "a hold ended": (
        BumpResumed(fleet=WIN, installation=SEVEN, base=STABLE, submodule=SubmodulePath("server")),
        [bump(base="stable")],
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_a_job_found_wakes_the_others(name: str) -> None:
    event, jobs = FOUND[name]
    found = route(event, INDEX)
    assert sorted(map(str, found)) == sorted(map(str, jobs))


def test_a_fleets_bases_are_named_once() -> None:
    assert FleetRead(fleet=WIN, installation=SEVEN, pins=WIN_PINS).bases == (MAIN, STABLE)


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "edited", "labeled", "closed"])
def test_a_pull_request_upstream_is_planned_when_its_commits_or_its_base_change(action: str) -> None:
    event = msgspec.structs.replace(pull("mine", repo=SERVER), action=action)
    planned = SyncUpstreamPull(upstream=SERVER, installation=SEVEN, number=PullNumber(3))
    found = route(event, INDEX)
    assert (planned in found) is (action in ("opened", "reopened", "synchronize", "edited"))
    assert (review(3, SERVER) in found) is (action != "closed")


def test_a_pull_request_that_ended_without_a_merge_is_closed_out_and_rolls_nothing_out() -> None:
    event = msgspec.structs.replace(pull("mine"), action="closed")
    closed = CloseOutPull(fleet=WIN, installation=SEVEN, number=PullNumber(3))
    assert route(event, INDEX) == (closed, EndWaiting(fleet=WIN, installation=SEVEN, closed=PullNumber(3)))


@pytest.mark.parametrize(("task", "asked"), [("drift:server", True), ("deploy:server", False), ("", False)])
def test_only_the_answer_to_a_question_wakes_drift(task: str, asked: bool) -> None:
    event = DeploymentChanged(repo=WIN, installation=SEVEN, deployment=DeploymentId(1), ref=SHA, task=task)
    assert (drift() in route(event, INDEX)) is asked


def test_two_pins_of_one_branch_are_looked_at_by_one_job() -> None:
    both = (pin(), pin(submodule="tools", upstream=TOOLS))
    merged = msgspec.structs.replace(pull("mine"), action="closed", merged=True)
    followed = [job for job in route(merged, Pins(both)) if isinstance(job, SyncRollout)]
    assert [(job.base, job.merged) for job in followed] == [(MAIN, 3)]
    freed = NodesFreed(fleet=WIN, installation=SEVEN)
    assert route(freed, Pins(both)) == (rollout(),)
    ended = WorkflowRunCompleted(repo=WIN, installation=SEVEN, run_id=1, conclusion="success")
    assert check_drift(ended, Pins(both)) == [drift()]
    assert follow_rollouts(ended, Pins(both)) == [rollout()]


def test_a_rollout_that_is_looked_at_again_remembers_how_often_it_was() -> None:
    job = SyncRollout(fleet=WIN, installation=SEVEN, base=MAIN, merged=PullNumber(3), merge_commit=SHA, tries=1)
    assert job.again(42, tries=2) == [msgspec.structs.replace(job, not_before=42, tries=2)]
    assert job.again(None, tries=2) == []


def test_hubs_are_told_of_what_they_show() -> None:
    ended = WorkflowRunCompleted(repo=WIN, installation=SEVEN, run_id=1, conclusion="success")
    assert [job for job in route(ended, INDEX) if isinstance(job, SyncHub)] == [hub(HUB), hub(LISTING)]
    own = Push(repo=LISTING, installation=SEVEN, branch=MAIN, after=SHA)
    assert [job for job in route(own, INDEX) if isinstance(job, SyncHub)] == [hub(HUB), hub(LISTING)]


def test_a_command_is_read_with_its_fleets_prefix() -> None:
    index = Pins([msgspec.structs.replace(pin(), prefix="/aios"), msgspec.structs.replace(pin(LINUX), prefix="/x")])
    assert route(said("/deploy LAB"), index) == ()
    seen, run = route(said("/aios deploy LAB"), index)
    assert seen == AcknowledgeCommand(fleet=WIN, installation=SEVEN, comment=99, actor="someone")
    assert isinstance(run, RunCommand)
    assert (run.command, run.comment) == (Command(verb=Verb.DEPLOY, names=("LAB",)), 99)
    # A pull request of an upstream is answered too.
    assert len(route(said("/aios deploy LAB", repo=SERVER), index)) == 2


def test_a_button_is_bound_to_the_plan_that_it_stood_under() -> None:
    assert {
        "replan": Command(verb=Verb.PLAN),
        "deploy": Command(verb=Verb.DEPLOY, wave=1),
        "rollback": Command(verb=Verb.ROLLBACK),
    } == BUTTONS
    (run,) = route(button("deploy"), INDEX)
    assert run == RunCommand(
        fleet=WIN,
        installation=SEVEN,
        number=None,
        source="button:5:deploy:someone",
        actor="someone",
        command=BUTTONS["deploy"],
        bound=PlanId("0123456789ab"),
        sha=SHA,
    )
    assert run.comment is None
    (unbound,) = route(msgspec.structs.replace(button("deploy"), plan=""), INDEX)
    assert isinstance(unbound, RunCommand)
    assert unbound.bound is None


COMMAND = RunCommand(
    fleet=WIN,
    installation=SEVEN,
    number=PullNumber(3),
    source="comment:99",
    actor="a",
    command=Command(verb=Verb.PLAN),
)
PINNED = (WIN, SERVER, TOOLS)
JOBS: list[tuple[Job, str, Access, tuple[str, ...] | None, bool]] = [
    (SyncFleet(fleet=WIN, installation=SEVEN), WIN, Access.READ, (), False),
    (SyncInstallation(installation=SEVEN), "installation:7", Access.LIST, (), False),
    (SyncAllInstallations(), "app", Access.APP, None, False),
    (FetchMissedDeliveries(), "deliveries", Access.APP, None, False),
    (bump(), WIN, Access.WRITE, PINNED, False),
    (rollout(), WIN, Access.WRITE, PINNED, False),
    (drift(), WIN, Access.WRITE, PINNED, False),
    (review(3), WIN, Access.WRITE, PINNED, False),
    (CloseOutPull(fleet=WIN, installation=SEVEN, number=PullNumber(3)), WIN, Access.WRITE, PINNED, False),
    (SyncCommandOrders(fleet=WIN, installation=SEVEN), WIN, Access.WRITE, PINNED, False),
    (COMMAND, WIN, Access.WRITE, PINNED, True),
    (AcknowledgeCommand(fleet=WIN, installation=SEVEN, comment=99), "seen:99", Access.WRITE, PINNED, True),
    (upstream(TOOLS), "upstream:acme/tools", Access.WRITE, (TOOLS, WIN), False),
    (upstream(TOOLS, EIGHT), "upstream:acme/tools", Access.WRITE, (TOOLS, LINUX), False),
    (hub(HUB), "hub:acme/AIOS", Access.WRITE, (HUB, WIN, SERVER), False),
    (hub(SERVER), "hub:acme/server", Access.WRITE, (SERVER,), False),
]


@pytest.mark.parametrize(("job", "lane", "access", "repositories", "urgent"), JOBS, ids=lambda value: str(value)[:40])
def test_a_jobs_lane_rights_and_repositories(
    job: Job, lane: str, access: Access, repositories: tuple[str, ...] | None, urgent: bool
) -> None:
    assert (job.key, job.access, job.urgent, job.starts_at) == (lane, access, urgent, 0)
    if repositories is not None:
        assert job.repositories(INDEX) == repositories


@pytest.mark.parametrize("kind", [SyncRollout, CheckDrift])
def test_a_look_at_a_later_time_waits_in_the_queue(kind: type[SyncRollout | CheckDrift]) -> None:
    assert kind(fleet=WIN, installation=SEVEN, base=MAIN, not_before=42).starts_at == 42


def test_a_bumps_job_is_one_pins() -> None:
    after = CommitSha("a" * 40)
    (job,) = route(Push(repo=TOOLS, installation=NINE, branch=MAIN, after=after), Pins(WIN_PINS[2:]))[:1]
    assert job == SyncBump(fleet=WIN, installation=SEVEN, base=MAIN, submodule=SubmodulePath("tools"), pushed=after)


def test_a_push_that_cannot_be_fetched_is_looked_for_on_a_short_ladder() -> None:
    job = SyncFleet(fleet=WIN, installation=SEVEN, pushed=CommitSha("a" * 40))
    waits, now = [], 1_000
    while (again := job.again(now)) is not None:
        waits.append(again.starts_at - now)
        job, now = again, again.starts_at
    assert waits == [2, 4, 8, 16, 32]
