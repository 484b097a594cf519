"""Which steps a migration has, with all that they carry; or why it is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.domain.names import BranchName, CommitSha
from bot.onboarding.migrate.decide import decide_migration
from bot.onboarding.migrate.facts import (
    AnyStep,
    CommitChanges,
    Document,
    FolderFacts,
    InitRepository,
    Migration,
    MigrationRequest,
    MoveDocuments,
    PlaceServer,
    PushBranch,
    RegisterSubmodule,
    ServerFacts,
    ServerKind,
    SetRemote,
    Workspace,
    WriteIgnore,
    WriteWorkspace,
)

MAIN, DEV = BranchName("main"), BranchName("dev")
HEAD, PIN = CommitSha("a" * 40), CommitSha("b" * 40)
URL, REMOTE = "https://github.com/o/server.git", "https://github.com/o/fleet.git"
REQUEST = MigrationRequest(root="/r", url=URL, remote=REMOTE)
SUBMODULE = ServerFacts(kind=ServerKind.SUBMODULE, pin=PIN, stanza=True)
DONE = FolderFacts(
    name="fleet",
    is_repository=True,
    ours=False,
    whole=False,
    branch=MAIN,
    identity=True,
    obstacles=(),
    server=SUBMODULE,
    origin=REMOTE,
    documents=(),
    stays=(),
    ignored_lines=(),
    left_out=(),
    staged=(),
    old=(),
    workspaces=(),
    uncommitted=False,
    to_push=False,
)
COMMIT = CommitChanges(
    title="Commit", details=("only what these steps changed",), message="fleet with server as a submodule"
)
PUSH = PushBranch(title="Push main", details=(f"to {REMOTE}",), branch=MAIN)


def with_facts(**changes: Any) -> FolderFacts:
    return msgspec.structs.replace(DONE, **changes)


def request(**changes: Any) -> MigrationRequest:
    return msgspec.structs.replace(REQUEST, **changes)


def registered(
    at: str, *, url: str = URL, branch: BranchName = MAIN, pin: CommitSha | None = None
) -> RegisterSubmodule:
    return RegisterSubmodule(
        title=f"Make server a submodule{at}",
        details=(f".gitmodules: {url}, branch {branch}", "its uncommitted work, branches and stashes are kept"),
        url=url,
        branch=branch,
        pin=pin,
    )


def test_a_finished_folder_needs_nothing() -> None:
    assert decide_migration(DONE, REQUEST) == Migration()


def test_a_plain_folder_gets_every_step_in_order() -> None:
    documents = (
        Document(name="A.md", goes_to="docs/A.md", tracked=False),
        Document(name="B.md", goes_to="docs/B-2.md", tracked=True),
    )
    facts = with_facts(
        is_repository=False,
        whole=True,
        branch=None,
        origin=None,
        server=ServerFacts(kind=ServerKind.ABSENT, head=HEAD),
        documents=documents,
        ignored_lines=(".env", "*.key"),
        staged=("ca.key",),
        workspaces=(Workspace(name="x.code-workspace", text="{}"), Workspace(name="y.code-workspace", problem="bad")),
        left_out=(("ca.key", "a key"),),
        stays=("LINK.md",),
    )
    steps: tuple[AnyStep, ...] = (
        InitRepository(
            title="Make the folder a git repository", details=("git init --initial-branch=main",), branch=MAIN
        ),
        SetRemote(title="Add the remote", details=(f"git remote add origin {REMOTE}",), url=REMOTE),
        MoveDocuments(
            title="Move 2 documents into docs/",
            details=("A.md -> docs/A.md", "B.md -> docs/B-2.md"),
            documents=documents,
        ),
        WriteIgnore(title="Add 2 lines to .gitignore", details=(".env", "*.key"), lines=(".env", "*.key")),
        PlaceServer(
            title="Make server a separate clone",
            details=(f"clone {URL}, branch main",),
            kind=ServerKind.ABSENT,
            url=URL,
            branch=MAIN,
            head=HEAD,
        ),
        registered(" at aaaaaaa"),
        WriteWorkspace(
            title="Point x.code-workspace to the submodule",
            details=("folders: . and ./server", "comments and everything else are kept"),
            name="x.code-workspace",
            text="{}",
        ),
        msgspec.structs.replace(
            COMMIT, details=("everything that is not ignored",), everything=True, without=("ca.key",)
        ),
        PUSH,
    )
    notes = (
        "left out of the commit: ca.key (a key)",
        "LINK.md is a link and is not moved",
        "y.code-workspace is left unchanged: bad",
    )
    assert decide_migration(facts, REQUEST) == Migration(steps=steps, notes=notes)


def test_a_link_is_replaced_by_a_copy() -> None:
    server = ServerFacts(kind=ServerKind.LINK, url=URL, branch=DEV, target="/c/server", head=HEAD, bytes_free=9)
    migration = decide_migration(with_facts(server=server), request(url=None))
    placed = PlaceServer(
        title="Make server a separate clone",
        details=(
            "copy /c/server with its git directory and uncommitted work, and compare every byte",
            "replace the link by the copy; /c/server itself is not touched",
        ),
        kind=ServerKind.LINK,
        url=URL,
        branch=DEV,
        head=HEAD,
        target="/c/server",
    )
    assert migration.steps == (placed, registered(" at aaaaaaa", branch=DEV), COMMIT, PUSH)
    assert migration.notes == ("/c/server is not used any more after this; remove it when you are satisfied",)


@pytest.mark.parametrize(("head", "at"), [(HEAD, "aaaaaaa"), (None, "the newest commit")])
def test_a_plain_copy_gets_a_git_directory(head: CommitSha | None, at: str) -> None:
    server = ServerFacts(kind=ServerKind.FOLDER, head=head, differing=3)
    placed = decide_migration(with_facts(server=server), request(tracked=DEV)).steps[0]
    assert placed == PlaceServer(
        title="Make server a separate clone",
        details=(
            f"add the git directory of a clone of {URL}, at {at}: the commit most like its files",
            "no file is touched; the 3 that differ from it stay as they are, uncommitted",
        ),
        kind=ServerKind.FOLDER,
        url=URL,
        branch=DEV,
        head=head,
    )


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (ServerFacts(kind=ServerKind.REPOSITORY, head=HEAD), registered(" at aaaaaaa")),
        (ServerFacts(kind=ServerKind.REPOSITORY, head=HEAD, pin=PIN), registered(" at bbbbbbb", pin=PIN)),
        (ServerFacts(kind=ServerKind.SUBMODULE, pin=PIN, stanza=False), registered(" at bbbbbbb", pin=PIN)),
        (ServerFacts(kind=ServerKind.SUBMODULE, stanza=True), registered("")),
    ],
)
def test_what_is_a_clone_already_is_only_registered(server: ServerFacts, expected: RegisterSubmodule) -> None:
    assert decide_migration(with_facts(server=server), REQUEST).steps == (expected, COMMIT, PUSH)


@pytest.mark.parametrize(
    ("url", "remote", "written"),
    [
        ("http://git.lan/o/server.git", "http://git.lan/o/fleet.git", "../server.git"),
        ("http://git.lan/o/server.git", "http://git.lan/o/fleet.git/", "../server.git"),
        ("http://git.lan/o/server.git", "http://other.lan/o/fleet.git", "http://git.lan/o/server.git"),
        ("http://git.lan/o/server.git", "https://git.lan/o/fleet.git", "http://git.lan/o/server.git"),
        (URL, REMOTE, URL),
    ],
)
def test_without_tls_the_address_is_relative(url: str, remote: str, written: str) -> None:
    server = ServerFacts(kind=ServerKind.REPOSITORY, head=HEAD)
    steps = decide_migration(with_facts(server=server, origin=remote), request(url=url)).steps
    assert steps[0] == registered(" at aaaaaaa", url=written)


@pytest.mark.parametrize(
    ("facts", "asked", "steps"),
    [
        (with_facts(uncommitted=True), REQUEST, (COMMIT, PUSH)),
        (with_facts(uncommitted=True), request(push=False), (COMMIT,)),
        (with_facts(to_push=True), REQUEST, ()),
        (with_facts(ours=True, to_push=True), REQUEST, (PUSH,)),
        (with_facts(ours=True, to_push=True), request(push=False), ()),
        (with_facts(ours=True), REQUEST, ()),
        (with_facts(uncommitted=True, origin=None), request(remote=None), (COMMIT,)),
    ],
)
def test_only_its_own_changes_are_committed_and_pushed(
    facts: FolderFacts, asked: MigrationRequest, steps: tuple[AnyStep, ...]
) -> None:
    assert decide_migration(facts, asked).steps == steps


def test_the_branch_that_is_checked_out_is_pushed() -> None:
    pushed = decide_migration(with_facts(uncommitted=True, branch=DEV), REQUEST).steps[-1]
    assert pushed == PushBranch(title="Push dev", details=(f"to {REMOTE}",), branch=DEV)


def test_one_document_is_not_called_documents() -> None:
    facts = with_facts(documents=(Document(name="A.md", goes_to="docs/A.md", tracked=True),))
    assert decide_migration(facts, REQUEST).steps[0].title == "Move 1 document into docs/"


@pytest.mark.parametrize(("push", "noted"), [(True, True), (False, False)])
def test_without_a_remote_a_note_says_that_nothing_is_pushed(*, push: bool, noted: bool) -> None:
    notes = decide_migration(with_facts(origin=None), request(remote=None, push=push)).notes
    assert notes == (("nothing is pushed: to push, name the repository with --remote",) if noted else ())


def server_facts(kind: ServerKind, **changes: Any) -> FolderFacts:
    return with_facts(server=ServerFacts(kind=kind, **changes))


LINK = {"target": "/c/server", "url": URL}
REFUSED = [
    (with_facts(obstacles=("a merge",)), REQUEST, "a merge"),
    (server_facts(ServerKind.OTHER, obstacles=("a file",)), REQUEST, "a file"),
    (
        server_facts(ServerKind.ABSENT),
        request(url=None),
        "the repository of server cannot be fetched: it is not known; name it with --server-url",
    ),
    (
        server_facts(ServerKind.ABSENT, remote_problem="no route"),
        REQUEST,
        f"cannot read {URL}: no route; check the address and your access to it",
    ),
    (
        server_facts(ServerKind.REPOSITORY, head=HEAD, shared=False),
        REQUEST,
        (
            f"{URL} does not have aaaaaaa, which is checked out in server, so nobody could fetch the pin: "
            "push it first "
            f"(git -C server push), or check out a commit that {URL} has"
        ),
    ),
    (
        server_facts(ServerKind.LINK, head=HEAD, shared=False, **LINK),
        REQUEST,
        (
            f"{URL} does not have aaaaaaa, which is checked out in /c/server, so nobody could fetch the pin: push it "
            f"first (git -C /c/server push), or check out a commit that {URL} has"
        ),
    ),
    (
        server_facts(ServerKind.ABSENT, leftover=True),
        REQUEST,
        (
            ".git/modules/server is left from an earlier submodule and may have commits that exist nowhere "
            "else: check "
            "it, and move it away"
        ),
    ),
    (
        server_facts(ServerKind.LINK, bytes_needed=3 * 2**30 // 2, bytes_free=2**20, **LINK),
        REQUEST,
        "copying /c/server needs 1.5 GiB, and only 1 MiB are free here",
    ),
    (
        server_facts(ServerKind.LINK, bytes_needed=2**30, bytes_free=5 * 2**20, **LINK),
        REQUEST,
        "copying /c/server needs 1.0 GiB, and only 5 MiB are free here",
    ),
    (
        with_facts(identity=False),
        REQUEST,
        "git has no identity for commits: git config --global user.name NAME, and user.email ADDRESS",
    ),
    (with_facts(remote_problem="it has commits"), REQUEST, "it has commits"),
]


@pytest.mark.parametrize(("facts", "asked", "refusal"), REFUSED)
def test_a_refusal_has_a_cure_and_no_step(facts: FolderFacts, asked: MigrationRequest, refusal: str) -> None:
    assert decide_migration(facts, asked) == Migration(refusals=(refusal,))


def test_every_refusal_is_given_at_once() -> None:
    refusals = decide_migration(with_facts(obstacles=("a", "b"), identity=False), REQUEST).refusals
    assert len(refusals) == 3


@pytest.mark.parametrize(
    ("facts", "asked"),
    [
        (with_facts(remote_problem="it has commits"), request(push=False)),
        (server_facts(ServerKind.LINK, head=HEAD, bytes_needed=5, bytes_free=5, **LINK), REQUEST),
        (server_facts(ServerKind.REPOSITORY, head=HEAD, bytes_needed=5, bytes_free=4), REQUEST),
        (server_facts(ServerKind.ABSENT, shared=False), REQUEST),
        (server_facts(ServerKind.SUBMODULE, pin=PIN, stanza=True), request(url=None)),
    ],
)
def test_what_is_no_reason_to_refuse(facts: FolderFacts, asked: MigrationRequest) -> None:
    assert decide_migration(facts, asked).refusals == ()
