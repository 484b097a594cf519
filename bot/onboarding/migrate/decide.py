"""Decide which migration steps a folder still needs, or why it must not be touched. Pure."""

from __future__ import annotations

import posixpath
from urllib.parse import urlsplit

from bot.domain.names import BranchName, short
from bot.onboarding.migrate.facts import (
    AnyStep,
    CommitChanges,
    FolderFacts,
    InitRepository,
    Migration,
    MigrationRequest,
    MoveDocuments,
    PlaceServer,
    PushBranch,
    RegisterSubmodule,
    ServerKind,
    SetRemote,
    WriteIgnore,
    WriteWorkspace,
)

MESSAGE = "{name} with {submodule} as a submodule"


def decide_migration(facts: FolderFacts, request: MigrationRequest) -> Migration:
    """The steps that are left, in order; or refusals."""
    refusals = _refusals(facts, request)
    if refusals:
        return Migration(refusals=tuple(refusals))
    steps: list[AnyStep] = []
    _repository(facts, request, steps)
    _contents(facts, steps)
    _server(facts, request, steps)
    details = (f"folders: . and ./{request.submodule}", "comments and everything else are kept")
    steps += [
        WriteWorkspace(title=f"Point {one.name} to the submodule", details=details, name=one.name, text=one.text)
        for one in facts.workspaces
        if not one.problem
    ]
    _publish(facts, request, steps)
    return Migration(steps=tuple(steps), notes=tuple(_notes(facts, request)))


def _refusals(facts: FolderFacts, request: MigrationRequest) -> list[str]:
    server = facts.server
    refusals = [*facts.obstacles, *server.obstacles]
    url = request.url or server.url
    if server.kind is not ServerKind.SUBMODULE and url is None:
        why = f"its origin {server.local} is a folder of this machine" if server.local else "it is not known"
        refusals.append(f"the repository of {request.submodule} cannot be fetched: {why}; name it with --server-url")
    elif server.remote_problem:
        refusals.append(f"cannot read {url}: {server.remote_problem}; check the address and your access to it")
    elif not server.shared and server.head is not None:
        at = server.target or request.submodule
        refusals.append(
            f"{url} does not have {short(server.head)}, which is checked out in {at}, so nobody could fetch the pin: "
            f"push it first (git -C {at} push), or check out a commit that {url} has"
        )
    if server.leftover:
        refusals.append(
            f".git/modules/{request.submodule} is left from an earlier submodule and may have commits that exist "
            "nowhere else: check it, and move it away"
        )
    if server.kind is ServerKind.LINK and server.bytes_needed > server.bytes_free:
        needed, free = _size(server.bytes_needed), _size(server.bytes_free)
        refusals.append(f"copying {server.target} needs {needed}, and only {free} are free here")
    if not facts.identity:
        refusals.append("git has no identity for commits: git config --global user.name NAME, and user.email ADDRESS")
    if request.push and facts.remote_problem:
        refusals.append(facts.remote_problem)
    return refusals


def _repository(facts: FolderFacts, request: MigrationRequest, steps: list[AnyStep]) -> None:
    if not facts.is_repository:
        details = (f"git init --initial-branch={request.branch}",)
        steps.append(InitRepository(title="Make the folder a git repository", details=details, branch=request.branch))
    if request.remote and facts.origin is None:
        details = (f"git remote add origin {request.remote}",)
        steps.append(SetRemote(title="Add the remote", details=details, url=request.remote))


def _contents(facts: FolderFacts, steps: list[AnyStep]) -> None:
    if facts.documents:
        details = tuple(f"{document.name} -> {document.goes_to}" for document in facts.documents)
        title = f"Move {len(facts.documents)} document{'s' * (len(facts.documents) != 1)} into docs/"
        steps.append(MoveDocuments(title=title, details=details, documents=facts.documents))
    if facts.ignored_lines:
        steps.append(
            WriteIgnore(
                title=f"Add {len(facts.ignored_lines)} lines to .gitignore",
                details=facts.ignored_lines,
                lines=facts.ignored_lines,
            )
        )


def _server(facts: FolderFacts, request: MigrationRequest, steps: list[AnyStep]) -> None:
    server, name = facts.server, request.submodule
    url = request.url or server.url or ""
    branch = request.tracked or server.branch or BranchName("main")
    details: tuple[str, ...] | None
    match server.kind:
        case ServerKind.ABSENT:
            details = (f"clone {url}, branch {branch}",)
        case ServerKind.LINK:
            details = (
                f"copy {server.target} with its git directory and uncommitted work, and compare every byte",
                f"replace the link by the copy; {server.target} itself is not touched",
            )
        case ServerKind.FOLDER:
            head = short(server.head) if server.head else "the newest commit"
            details = (
                f"add the git directory of a clone of {url}, at {head}: the commit most like its files",
                f"no file is touched; the {server.differing} that differ from it stay as they are, uncommitted",
            )
        case _:
            details = None
    if details is not None:
        steps.append(
            PlaceServer(
                title=f"Make {name} a separate clone",
                details=details,
                kind=server.kind,
                url=url,
                branch=branch,
                head=server.head,
                target=server.target,
            )
        )
    if server.kind is not ServerKind.SUBMODULE or server.pin is None or not server.stanza:
        known = server.pin or server.head
        at = f" at {short(known)}" if known else ""
        written = _address(url, facts.origin or request.remote)
        steps.append(
            RegisterSubmodule(
                title=f"Make {name} a submodule{at}",
                details=(
                    f".gitmodules: {written}, branch {branch}",
                    "its uncommitted work, branches and stashes are kept",
                ),
                url=written,
                branch=branch,
                pin=server.pin,
            )
        )


def _address(url: str, remote: str | None) -> str:
    """The address for .gitmodules. Without TLS, nodes accept one only if it is relative to the repository's own."""
    there, here = urlsplit(url), urlsplit(remote or "")
    if there.scheme != "http" or (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return url
    return posixpath.relpath(there.path, here.path.rstrip("/"))


def _publish(facts: FolderFacts, request: MigrationRequest, steps: list[AnyStep]) -> None:
    branch = facts.branch or request.branch
    if steps or facts.uncommitted:
        everything = facts.whole
        what = "everything that is not ignored" if everything else "only what these steps changed"
        steps.append(
            CommitChanges(
                title="Commit",
                details=(what,),
                message=MESSAGE.format(name=facts.name, submodule=request.submodule),
                everything=everything,
                without=facts.staged,
            )
        )
    remote = facts.origin or request.remote
    # Commits made since then are for their author to push.
    if request.push and remote is not None and (steps or (facts.ours and facts.to_push)):
        steps.append(PushBranch(title=f"Push {branch}", details=(f"to {remote}",), branch=branch))


def _notes(facts: FolderFacts, request: MigrationRequest) -> list[str]:
    notes = [f"left out of the commit: {path} ({why})" for path, why in facts.left_out]
    notes += [f"{name} is a link and is not moved" for name in facts.stays]
    notes += [f"{one.name} is left unchanged: {one.problem}" for one in facts.workspaces if one.problem]
    if facts.server.kind is ServerKind.LINK:
        notes.append(f"{facts.server.target} is not used any more after this; remove it when you are satisfied")
    if request.push and facts.origin is None and request.remote is None:
        notes.append("nothing is pushed: to push, name the repository with --remote")
    return notes


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{max(1, number >> 20)} MiB"
