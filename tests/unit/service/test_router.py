"""Which looks an event calls for, given who pins what."""

from __future__ import annotations

import msgspec
import pytest

from bot.domain.errors import RetryLater
from bot.domain.events import (
    AccessChanged,
    AuthorizationRevoked,
    ButtonPressed,
    CheckRerequested,
    ChecksCompleted,
    Commented,
    DeploymentChanged,
    Event,
    InstallationChanged,
    MergeGroupRequested,
    Ping,
    PullRequestChanged,
    Push,
    RepositoryChanged,
    Reviewed,
    WorkflowRunCompleted,
)
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
from bot.features.bump.jobs import SyncBump, bump_branch
from bot.features.commands.grammar import Command, Misread
from bot.features.commands.jobs import AcknowledgeCommand, CloseOutPull, RunCommand, SyncCommandOrders
from bot.features.drift.jobs import CheckDrift
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import FleetRead, Job, RepeatChecks, SyncFleet, SyncInstallation
from bot.features.fleets.store import Pins
from bot.features.hub.jobs import SyncHub
from bot.features.notices.jobs import EndWaiting
from bot.features.review.jobs import ReviewGroup, SyncReview
from bot.features.rollout.jobs import SyncRollout
from bot.features.upstream.jobs import SyncUpstream, SyncUpstreamPull
from bot.features.visitors.jobs import EndSessions
from bot.queue.lanes import QueuedJob
from bot.service.router import decode_job, encode_job, route

SHA = CommitSha("6dcb09b5b57875f334f61aebed695e2e4193db5e")
SEVEN, EIGHT = InstallationId(7), InstallationId(8)
SERVER, TOOLS, WIN, LINUX, OTHER = (
    RepoName(f"acme/{name}") for name in ("server", "tools", "aios-win", "aios-linux", "other")
)


def pin(
    fleet: RepoName = WIN,
    base: str = "main",
    submodule: str = "server",
    *,
    upstream: RepoName = SERVER,
    tracked: str = "main",
    waits: bool = False,
    installation: InstallationId = SEVEN,
) -> Pinned:
    return Pinned(
        fleet=fleet,
        installation=installation,
        base=BranchName(base),
        default_branch=BranchName("main"),
        submodule=SubmodulePath(submodule),
        upstream=upstream,
        tracked=BranchName(tracked),
        waits_for_checks=waits,
    )


INDEX = Pins(
    [
        pin(),
        pin(base="stable", tracked="stable"),
        pin(submodule="tools", upstream=TOOLS, waits=True),
        pin(LINUX, installation=EIGHT),
    ]
)


def bump(fleet: RepoName = WIN, base: str = "main", submodule: str = "server") -> SyncBump:
    return SyncBump(
        fleet=fleet,
        installation=EIGHT if fleet == LINUX else SEVEN,
        base=BranchName(base),
        submodule=SubmodulePath(submodule),
    )


def fleet(repo: RepoName = WIN) -> SyncFleet:
    return SyncFleet(fleet=repo, installation=SEVEN)


def new(job: SyncBump | SyncFleet) -> SyncBump | SyncFleet:
    """The job for a push, which a fetch may get only later."""
    return msgspec.structs.replace(job, pushed=SHA)


def rollout(base: str = "main") -> SyncRollout:
    return SyncRollout(fleet=WIN, installation=SEVEN, base=BranchName(base))


MERGED = msgspec.structs.replace(rollout(), merged=PullNumber(3), merge_commit=SHA)


def drift(base: str = "main") -> CheckDrift:
    return CheckDrift(fleet=WIN, installation=SEVEN, base=BranchName(base))


def push(repo: RepoName, branch: str, after: CommitSha | None = SHA) -> Push:
    return Push(repo=repo, installation=SEVEN, branch=BranchName(branch), after=after)


def plain_push(repo: RepoName, branch: str) -> Push:
    """One that touches no file which makes a fleet."""
    return msgspec.structs.replace(push(repo, branch), may_make_fleet=False, may_change_fleet=False)


def pull(head: str, *, merged: bool = False, base: str = "main", repo: RepoName = WIN) -> PullRequestChanged:
    return PullRequestChanged(
        repo=repo,
        installation=SEVEN,
        number=PullNumber(3),
        action="closed" if merged else "opened",
        base=BranchName(base),
        head=BranchName(head),
        merged=merged,
        merge_commit=SHA if merged else None,
    )


def upstream_pull(repo: RepoName = SERVER) -> SyncUpstreamPull:
    return SyncUpstreamPull(upstream=repo, installation=SEVEN, number=PullNumber(3))


REVIEW = SyncReview(fleet=WIN, installation=SEVEN, number=PullNumber(3))
UPSTREAM_REVIEW = msgspec.structs.replace(REVIEW, fleet=SERVER)
ENDED = EndWaiting(fleet=WIN, installation=SEVEN, closed=PullNumber(3))
END = CloseOutPull(fleet=WIN, installation=SEVEN, number=PullNumber(3))
ASKED = SyncCommandOrders(fleet=WIN, installation=SEVEN)
SEEN = AcknowledgeCommand(fleet=WIN, installation=SEVEN, comment=99, actor="someone")
COMMAND = RunCommand(
    fleet=WIN,
    installation=SEVEN,
    number=PullNumber(3),
    source="comment:99",
    actor="someone",
    command=Command(verb=Verb.DEPLOY, names=("LAB",)),
    written_at="2026-11-24T10:00:00Z",
)
PRESSED = RunCommand(
    fleet=WIN,
    installation=SEVEN,
    number=None,
    source="button:5:rollback:someone",
    actor="someone",
    command=Command(verb=Verb.ROLLBACK),
    bound=PlanId("0123456789ab"),
    sha=SHA,
)


MISREAD = Misread(problem="no such command", word="depoly", suggestion="/deploy")


def said(line: str, repo: RepoName = WIN) -> Commented:
    return Commented(
        repo=repo,
        installation=SEVEN,
        number=PullNumber(3),
        comment=99,
        actor="someone",
        line=line,
        said_at="2026-11-24T10:00:00Z",
    )


REVIEWED = Reviewed(
    repo=WIN,
    installation=SEVEN,
    number=PullNumber(3),
    review=98,
    actor="someone",
    said_at="2026-11-24T10:00:00Z",
)


def button(name: str) -> ButtonPressed:
    return ButtonPressed(
        repo=WIN, installation=SEVEN, check=5, sha=SHA, plan="0123456789ab", button=name, actor="someone"
    )


CASES: dict[str, tuple[Event, set[Job]]] = {
    "a tracked branch moved, in two fleets": (
        push(SERVER, "main"),
        {new(bump()), new(bump(LINUX)), new(fleet(SERVER))},
    ),
    "another tracked branch moved": (push(SERVER, "stable"), {new(bump(base="stable")), new(fleet(SERVER))}),
    "a tracked branch was deleted": (push(SERVER, "main", None), {bump(), bump(LINUX), fleet(SERVER)}),
    "a branch nobody tracks": (push(SERVER, "feature"), {new(fleet(SERVER))}),
    "the name in another case": (
        push(RepoName("Acme/Tools"), "main"),
        {new(bump(submodule="tools")), new(fleet(RepoName("Acme/Tools")))},
    ),
    "a pull request into a branch that fleets follow": (
        pull("mine", repo=SERVER),
        {upstream_pull(), UPSTREAM_REVIEW},
    ),
    "a pull request into a branch that nobody follows": (
        pull("mine", repo=SERVER, base="feature"),
        {UPSTREAM_REVIEW},
    ),
    "a merged pull request upstream": (pull("mine", repo=SERVER, merged=True), set()),
    "re-run of our check upstream": (
        CheckRerequested(repo=TOOLS, installation=SEVEN, sha=SHA),
        {SyncUpstream(upstream=TOOLS, installation=SEVEN), RepeatChecks(fleet=TOOLS, installation=SEVEN, sha=SHA)},
    ),
    "a fleet's base moved": (push(WIN, "main"), {new(fleet())}),
    "a fleet's other branch moved": (push(WIN, "feature"), {new(fleet())}),
    "a fleet's other branch moved, without its file": (plain_push(WIN, "feature"), set()),
    "somebody pushed to the bump's branch": (push(WIN, "aios-bot/main/server"), {bump()}),
    "a repository that may become a fleet": (push(OTHER, "main"), {new(fleet(OTHER))}),
    "a repository that is none and stays none": (plain_push(OTHER, "main"), set()),
    "a tracked branch moved, and its repository stays none": (
        plain_push(SERVER, "main"),
        {new(bump()), new(bump(LINUX))},
    ),
    "a fleet's base moved, whatever changed": (plain_push(WIN, "main"), {new(fleet())}),
    "the bump's pull request was touched": (pull("aios-bot/main/server"), {bump(), REVIEW}),
    "the bump's pull request was merged": (pull("aios-bot/main/server", merged=True), {bump(), MERGED, END, ENDED}),
    "a person's pull request was merged": (pull("by-hand", merged=True), {MERGED, END, ENDED}),
    "a person's pull request was opened": (pull("by-hand"), {REVIEW}),
    "merged into a branch that is no base": (pull("by-hand", merged=True, base="feature"), {END, ENDED}),
    "a command": (said("/deploy LAB"), {SEEN, COMMAND}),
    "a misspelt command": (
        said("/depoly"),
        {SEEN, msgspec.structs.replace(COMMAND, command=MISREAD)},
    ),
    "another bot's command": (said("/lgtm"), set()),
    "a command where nobody listens": (said("/deploy LAB", repo=OTHER), set()),
    "a review": (Reviewed(repo=WIN, installation=SEVEN, number=PullNumber(3)), {REVIEW}),
    "a review with a command": (
        msgspec.structs.replace(REVIEWED, line="/deploy LAB"),
        {REVIEW, msgspec.structs.replace(COMMAND, source="review:98")},
    ),
    "a review with another bot's command": (msgspec.structs.replace(REVIEWED, line="/lgtm"), {REVIEW}),
    "a review elsewhere": (Reviewed(repo=OTHER, installation=SEVEN, number=PullNumber(3)), set()),
    "a button": (button("rollback"), {PRESSED}),
    "an unknown button": (button("explode"), set()),
    "a button elsewhere": (msgspec.structs.replace(button("replan"), repo=OTHER), set()),
    "a pull request elsewhere": (pull("aios-bot/main/server", merged=True, repo=OTHER), set()),
    "checks ended where somebody waits for them": (
        ChecksCompleted(repo=TOOLS, installation=SEVEN, sha=SHA),
        {bump(submodule="tools")},
    ),
    "checks ended where nobody waits": (ChecksCompleted(repo=SERVER, installation=SEVEN, sha=SHA), set()),
    "Re-run was pressed": (
        CheckRerequested(repo=WIN, installation=SEVEN, sha=SHA),
        {
            bump(),
            bump(base="stable"),
            bump(submodule="tools"),
            RepeatChecks(fleet=WIN, installation=SEVEN, sha=SHA),
        },
    ),
    "a node reported": (
        DeploymentChanged(repo=WIN, installation=SEVEN, deployment=DeploymentId(1), ref=SHA),
        {rollout(), rollout("stable"), ASKED},
    ),
    "a node answered a question": (
        DeploymentChanged(repo=WIN, installation=SEVEN, deployment=DeploymentId(1), ref=SHA, task="drift:server"),
        {rollout(), rollout("stable"), drift(), drift("stable"), ASKED},
    ),
    "a fleet's workflow ended": (
        WorkflowRunCompleted(repo=WIN, installation=SEVEN, run_id=1, conclusion="failure"),
        {rollout(), rollout("stable"), drift(), drift("stable"), ASKED},
    ),
    "a workflow elsewhere ended": (
        WorkflowRunCompleted(repo=OTHER, installation=SEVEN, run_id=1, conclusion="failure"),
        set(),
    ),
    "the App was installed": (
        InstallationChanged(installation=SEVEN, action="created"),
        {SyncInstallation(installation=SEVEN)},
    ),
    "an upstream was renamed": (
        RepositoryChanged(repo=RepoName("acme/new"), installation=SEVEN, action="renamed", before=TOOLS),
        {fleet(), SyncFleet(fleet=RepoName("acme/new"), installation=SEVEN)},
    ),
    "a person may do less in an upstream": (
        AccessChanged(repo=TOOLS, installation=SEVEN),
        {SyncUpstream(upstream=TOOLS, installation=SEVEN)},
    ),
    "a person left a team": (AccessChanged(installation=SEVEN), {SyncInstallation(installation=SEVEN)}),
    "a person revoked the App's authorisation": (AuthorizationRevoked(person=1), {EndSessions(person=1)}),
    "a merge group": (
        MergeGroupRequested(
            repo=WIN,
            installation=SEVEN,
            base=BranchName("other"),
            branch=BranchName("gh-readonly-queue/other/pr-7-x"),
            head=SHA,
            parent=SHA,
            number=PullNumber(7),
        ),
        {ReviewGroup(fleet=WIN, installation=SEVEN, number=PullNumber(7), head=SHA)},
    ),
    "a ping": (Ping(hook_id=1), set()),
}


@pytest.mark.parametrize("name", CASES)
def test_route(name: str) -> None:
    event, looks = CASES[name]
    found = route(event, INDEX)
    assert set(found) == looks
    assert len(found) == len(looks), "no look twice"


def test_after_a_merge_the_nodes_come_before_the_next_bump() -> None:
    found = route(pull("aios-bot/main/server", merged=True), INDEX)
    assert found.index(MERGED) < found.index(bump())
    read = route(FleetRead(fleet=WIN, installation=SEVEN, pins=INDEX.pins_of(WIN)), INDEX)
    assert read.index(rollout()) < read.index(bump())


def test_every_kind_of_event_is_routed() -> None:
    assert {type(event) for event, _ in CASES.values()} == set(Event.__args__)


def test_no_index_leads_to_no_bump() -> None:
    for event, _ in CASES.values():
        assert not any(isinstance(look, SyncBump) for look in route(event, Pins()))


def test_one_fleet_is_one_lane() -> None:
    assert bump().key == fleet().key == rollout().key == "acme/aios-win"
    assert SyncInstallation(installation=SEVEN).key == "installation:7"


@pytest.mark.parametrize(
    "job",
    [bump(), fleet(), rollout(), SyncInstallation(installation=SEVEN), COMMAND, PRESSED, SEEN, REVIEW, END, ASKED],
)
def test_a_job_survives_being_stored(job: Job) -> None:
    assert decode_job(encode_job(job)) == job
    assert (encode_job(job).key, encode_job(job).kind) == (job.key, job.__struct_config__.tag)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("moon", '{"type":"moon","fleet":"acme/aios-win"}'),
        ("command", '{"type":"command","fleet":"acme/aios-win","installation":7,"number":1,"source":"comment:1"}'),
        ("", "[]"),
    ],
)
def test_a_job_that_only_a_newer_version_can_read_waits_for_it(kind: str, body: str) -> None:
    with pytest.raises(RetryLater) as caught:
        decode_job(QueuedJob(key="acme/aios-win", kind=kind, body=body))
    assert str(caught.value).startswith(f"this version cannot read the job {kind} (")
    assert str(caught.value).endswith("); a newer replica may")
    assert caught.value.seconds == 60.0


def test_a_field_of_a_newer_version_is_ignored_in_a_job() -> None:
    stored = encode_job(bump())
    newer = QueuedJob(key=stored.key, kind=stored.kind, body=stored.body.replace("{", '{"later":[1],', 1))
    assert decode_job(newer) == bump()


def test_the_branch_of_a_bump() -> None:
    assert bump_branch(BranchName("main"), SubmodulePath("server")) == "aios-bot/main/server"


def test_a_hub_is_looked_at_when_a_run_ends_and_when_its_own_text_changes() -> None:
    hub = RepoName("acme/AIOS")
    index = Pins([msgspec.structs.replace(pin(), hub=hub), pin(LINUX)])
    look = SyncHub(hub=hub, installation=SEVEN)
    ended = WorkflowRunCompleted(repo=WIN, installation=SEVEN, run_id=1, conclusion="success")
    assert look in route(ended, index)
    assert look in route(Push(repo=hub, installation=SEVEN, branch=BranchName("main"), after=SHA), index)
    assert look not in route(msgspec.structs.replace(ended, repo=LINUX), index)
    assert look.key not in (WIN, hub)


def test_a_stored_command_keeps_the_names_of_the_first_release() -> None:
    body = encode_job(COMMAND).body
    assert '"said":' in body
    assert '"said_at":' in body
    assert '"written_at"' not in body
