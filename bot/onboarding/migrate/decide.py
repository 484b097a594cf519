"""Which steps a folder still needs, or why it must not be touched. Pure: facts in, a Migration out."""

from __future__ import annotations

import posixpath
from urllib.parse import urlsplit

from bot.domain.names import BranchName, short
from bot.onboarding.migrate.model import (
    AnyStep,
    Commit,
    FolderFacts,
    Initialise,
    Migration,
    MoveDocuments,
    PlaceServer,
    Push,
    Register,
    ServerKind,
    SetRemote,
    Wish,
    WriteIgnore,
    WriteWorkspace,
)

MESSAGE = "{name} with {submodule} as a submodule"


def decide_migration(facts: FolderFacts, wish: Wish) -> Migration:
    """The steps in their order, none that is done already; or refusals."""
    refusals = _refusals(facts, wish)
    if refusals:
        return Migration(refusals=tuple(refusals))
    steps: list[AnyStep] = []
    _repository(facts, wish, steps)
    _contents(facts, steps)
    _server(facts, wish, steps)
    said = (f"folders: . and ./{wish.submodule}", "comments and everything else stay")
    steps += [
        WriteWorkspace(title=f"Lead {one.name} to the submodule", says=said, name=one.name, text=one.text)
        for one in facts.workspaces
        if not one.problem
    ]
    _publish(facts, wish, steps)
    return Migration(steps=tuple(steps), notes=tuple(_notes(facts, wish)))


def _refusals(facts: FolderFacts, wish: Wish) -> list[str]:
    server = facts.server
    said = [*facts.obstacles, *server.obstacles]
    url = wish.url or server.url
    if server.kind is not ServerKind.SUBMODULE and url is None:
        said.append(f"nothing says where {wish.submodule} comes from: name it with --server-url")
    elif server.remote_problem:
        said.append(f"{url} cannot be read: {server.remote_problem}; check the address and your access to it")
    elif not server.shared and server.head is not None:
        at = server.target or wish.submodule
        said.append(
            f"{url} does not hold {short(server.head)}, which {at} has checked out, so nobody could fetch the pin: "
            f"push it first (git -C {at} push), or check out a commit that is there"
        )
    if server.leftover:
        said.append(
            f".git/modules/{wish.submodule} is left from an earlier submodule, and may hold commits that are nowhere "
            "else: look at it, and move it away"
        )
    if server.kind is ServerKind.LINK and server.bytes_needed > server.bytes_free:
        needed, free = _size(server.bytes_needed), _size(server.bytes_free)
        said.append(f"copying {server.target} needs {needed}, and {free} are free here")
    if not facts.identity:
        said.append("git does not know who you are: git config --global user.name NAME, and user.email ADDRESS")
    if wish.push and facts.remote_problem:
        said.append(facts.remote_problem)
    return said


def _repository(facts: FolderFacts, wish: Wish, steps: list[AnyStep]) -> None:
    if not facts.is_repository:
        said = (f"git init --initial-branch={wish.branch}",)
        steps.append(Initialise(title="Make the folder a git repository", says=said, branch=wish.branch))
    if wish.remote and facts.origin is None:
        said = (f"git remote add origin {wish.remote}",)
        steps.append(SetRemote(title="Name its remote", says=said, url=wish.remote))


def _contents(facts: FolderFacts, steps: list[AnyStep]) -> None:
    if facts.documents:
        said = tuple(f"{document.name} -> {document.goes_to}" for document in facts.documents)
        title = f"Move {len(facts.documents)} document{'s' * (len(facts.documents) != 1)} below docs/"
        steps.append(MoveDocuments(title=title, says=said, documents=facts.documents))
    if facts.ignored_lines:
        steps.append(
            WriteIgnore(
                title=f"Add {len(facts.ignored_lines)} lines to .gitignore",
                says=facts.ignored_lines,
                lines=facts.ignored_lines,
            )
        )


def _server(facts: FolderFacts, wish: Wish, steps: list[AnyStep]) -> None:
    server, name = facts.server, wish.submodule
    url = wish.url or server.url or ""
    branch = wish.tracked or server.branch or BranchName("main")
    said: tuple[str, ...] | None
    match server.kind:
        case ServerKind.ABSENT:
            said = (f"clone {url}, branch {branch}",)
        case ServerKind.LINK:
            said = (
                f"copy {server.target} with its git directory, uncommitted work and all; check every byte",
                f"put the copy in place of the link; {server.target} itself is not touched",
            )
        case ServerKind.FOLDER:
            head = short(server.head) if server.head else "the newest commit"
            said = (
                f"put a git directory of {url} into it, at {head}: the commit nearest to its files",
                f"no file is touched; {server.differing} differ from that commit and stay as they are, uncommitted",
            )
        case _:
            said = None
    if said is not None:
        steps.append(
            PlaceServer(
                title=f"Make {name} a clone of its own",
                says=said,
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
        written = _address(url, facts.origin or wish.remote)
        steps.append(
            Register(
                title=f"Make {name} a submodule{at}",
                says=(
                    f".gitmodules: {written}, branch {branch}",
                    "its uncommitted work, branches and stashes stay in it",
                ),
                url=written,
                branch=branch,
                pin=server.pin,
            )
        )


def _address(url: str, remote: str | None) -> str:
    """What .gitmodules says. Without TLS nodes take an address only when it is relative to the repository's own."""
    there, here = urlsplit(url), urlsplit(remote or "")
    if there.scheme != "http" or (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return url
    return posixpath.relpath(there.path, here.path.rstrip("/"))


def _publish(facts: FolderFacts, wish: Wish, steps: list[AnyStep]) -> None:
    branch = facts.branch or wish.branch
    if steps or facts.uncommitted:
        everything = facts.whole
        what = "everything that .gitignore does not name" if everything else "what these steps changed, nothing else"
        steps.append(
            Commit(
                title="Commit",
                says=(what,),
                message=MESSAGE.format(name=facts.name, submodule=wish.submodule),
                everything=everything,
                without=facts.staged,
            )
        )
    remote = facts.origin or wish.remote
    # What a person committed later is that person's to push.
    if wish.push and remote is not None and (steps or (facts.ours and facts.to_push)):
        steps.append(Push(title=f"Push {branch}", says=(f"to {remote}",), branch=branch))


def _notes(facts: FolderFacts, wish: Wish) -> list[str]:
    said = [f"left out of the commit: {path} ({why})" for path, why in facts.left_out]
    said += [f"{name} is a link and stays where it is" for name in facts.stays]
    said += [f"{one.name} is left as it is: {one.problem}" for one in facts.workspaces if one.problem]
    if facts.server.kind is ServerKind.LINK:
        said.append(f"{facts.server.target} is no longer used afterwards; remove it yourself, when you are satisfied")
    if wish.push and facts.origin is None and wish.remote is None:
        said.append("nothing is pushed: name the repository with --remote")
    return said


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{max(1, number >> 20)} MiB"
