"""Which looks the events of repositories and installations call for."""

from __future__ import annotations

import json

import msgspec
import pytest

from bot.domain.events import AccessChanged, CheckRerequested, InstallationChanged, Push, RepositoryChanged
from bot.domain.names import BranchName, CommitSha, InstallationId, PullNumber, RepoName, SubmodulePath
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import (
    ForgetInstallation,
    ListedPull,
    PullsListed,
    RepeatChecks,
    SyncFleet,
    SyncInstallation,
    triggers,
)
from bot.features.fleets.store import Pins
from bot.github.events import parse_event

SEVEN, EIGHT = InstallationId(7), InstallationId(8)
FLEET, SERVER, NEW = RepoName("acme/fleet"), RepoName("acme/server"), RepoName("acme/new")
MAIN = BranchName("main")
INDEX = Pins(
    [
        Pinned(
            fleet=FLEET,
            installation=EIGHT,
            base=MAIN,
            default_branch=MAIN,
            submodule=SubmodulePath("server"),
            upstream=SERVER,
            tracked=MAIN,
            waits_for_checks=False,
        )
    ]
)


@pytest.mark.parametrize("action", ["deleted", "suspend"])
def test_an_installation_that_is_gone_is_forgotten(action: str) -> None:
    assert triggers(InstallationChanged(installation=SEVEN, action=action), INDEX) == [ForgetInstallation(gone=SEVEN)]


@pytest.mark.parametrize(
    "action", ["created", "unsuspend", "new_permissions_accepted", "added", "removed", "renamed"]
)
def test_an_installation_that_changed_is_listed(action: str) -> None:
    event = InstallationChanged(installation=SEVEN, action=action)
    assert triggers(event, INDEX) == [SyncInstallation(installation=SEVEN)]


@pytest.mark.parametrize(
    ("event", "fleets"),
    [
        (RepositoryChanged(repo=NEW, installation=SEVEN, action="renamed", before=SERVER), {(FLEET, 8), (NEW, 7)}),
        (RepositoryChanged(repo=NEW, installation=SEVEN, action="renamed", before=FLEET), {(FLEET, 8), (NEW, 7)}),
        (RepositoryChanged(repo=SERVER, installation=SEVEN, action="deleted"), {(FLEET, 8)}),
        (RepositoryChanged(repo=SERVER, installation=SEVEN, action="edited"), {(FLEET, 8)}),
        (RepositoryChanged(repo=NEW, installation=SEVEN, action="edited"), set()),
        (RepositoryChanged(repo=FLEET, installation=EIGHT, action="deleted"), {(FLEET, 8)}),
        (RepositoryChanged(repo=NEW, installation=SEVEN, action="unarchived"), {(NEW, 7)}),
    ],
)
def test_a_repository_that_changed_is_read_anew_with_all_that_pin_it(
    event: RepositoryChanged, fleets: set[tuple[str, int]]
) -> None:
    found = triggers(event, INDEX)
    assert {(job.fleet, job.installation) for job in found if isinstance(job, SyncFleet)} == fleets
    assert len(found) == len(fleets)


def test_who_may_do_what_changed() -> None:
    """In a fleet, elsewhere, or by a team or an organisation: then in any repository of the installation."""
    fleet = triggers(AccessChanged(installation=SEVEN, repo=FLEET), INDEX)
    assert fleet == [SyncFleet(fleet=FLEET, installation=SEVEN)]
    assert triggers(AccessChanged(installation=SEVEN, repo=NEW), INDEX) == []
    assert triggers(AccessChanged(installation=SEVEN), INDEX) == [SyncInstallation(installation=SEVEN)]


def test_rerequested_checks_are_completed_again() -> None:
    sha = CommitSha("a" * 40)
    event = CheckRerequested(repo=FLEET, installation=SEVEN, sha=sha)
    assert triggers(event, INDEX) == [RepeatChecks(fleet=FLEET, installation=SEVEN, sha=sha)]


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        ({"repository": {"name": {"from": "old"}}}, "acme/old"),
        ({"owner": {"from": {"user": {"login": "ada"}}}}, "ada/new"),
        ({"owner": {"from": {"organization": {"login": "corp"}}}}, "corp/new"),
        ({"default_branch": {"from": "master"}}, None),
        ({}, None),
    ],
)
def test_the_name_before_is_read_from_the_changes(changes: dict[str, object], before: str | None) -> None:
    payload = {"action": "renamed", "repository": {"full_name": NEW}, "installation": {"id": 7}, "changes": changes}
    found = parse_event("repository", json.dumps(payload).encode())
    assert found == RepositoryChanged(
        repo=NEW, installation=SEVEN, action="renamed", before=RepoName(before) if before else None
    )


def test_an_account_that_was_renamed_is_listed_anew() -> None:
    payload = {"action": "renamed", "account": {"login": "new"}, "installation": {"id": 7}}
    found = parse_event("installation_target", json.dumps(payload).encode())
    assert found == InstallationChanged(installation=SEVEN, action="renamed")


@pytest.mark.parametrize(
    ("branch", "may_make", "may_change", "read"),
    [
        ("main", False, False, True),
        ("stable", False, True, True),
        ("stable", True, False, False),
        ("aios-bot/main/server", False, True, False),
    ],
)
def test_a_push_that_may_bring_the_fleet_file_to_a_branch_is_read(
    branch: str, *, may_make: bool, may_change: bool, read: bool
) -> None:
    event = Push(
        repo=FLEET,
        installation=SEVEN,
        branch=BranchName(branch),
        after=CommitSha("a" * 40),
        may_make_fleet=may_make,
        may_change_fleet=may_change,
    )
    wanted = SyncFleet(fleet=FLEET, installation=SEVEN, pushed=event.after)
    assert triggers(event, INDEX) == ([wanted] if read else [])
    made = msgspec.structs.replace(event, repo=NEW)
    assert triggers(made, INDEX) == ([msgspec.structs.replace(wanted, fleet=NEW)] if may_make else [])


def test_the_open_pull_requests_of_what_pins_nothing_any_more_get_no_review() -> None:
    one = ListedPull(number=PullNumber(3), base=MAIN, head=BranchName("x"), commit=CommitSha("1" * 40))
    assert PullsListed.of(FLEET, SEVEN, (one,)) == PullsListed(
        repo=FLEET, installation=SEVEN, numbers=(PullNumber(3),), pulls=(one,)
    )
    assert PullsListed.of(FLEET, SEVEN, (one,), is_fleet=False) == PullsListed(
        repo=FLEET, installation=SEVEN, numbers=(), pulls=(one,)
    )
