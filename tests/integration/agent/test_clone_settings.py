"""A container wrote into the `.git` of a checkout: no git command of the node starts what it names there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from bot.agent.doctor import run_checks
from bot.agent.file_checks import check_attributes
from bot.agent.interrupted import undo_interrupted
from bot.agent.state import Identity, NodeState
from bot.agent.submodules import fetch_submodule, update_nested
from bot.agent.work_tree import CheckoutError, WorkTree
from bot.domain.errors import BotError
from bot.domain.names import CommitSha, NodeName, RepoName, SubmodulePath
from bot.engine.docker import Docker
from bot.git.safe_git import GitAccess
from tests.gitworld import commit, git, new_repository
from tests.redirects import serving

ACCESS = GitAccess("https://github.com", "ghs_token")
SSH = {"remote.origin.url": "ssh://git@127.0.0.1:1/o/f", "core.sshCommand": "EVIL"}
PARTIAL = {"extensions.partialClone": "origin", "core.repositoryFormatVersion": "1", "remote.origin.promisor": "true"}
FILTER = {f"filter.evil.{part}": "EVIL" for part in ("clean", "smudge", "process")}
TRAPS: Mapping[str, Mapping[str, str]] = {
    "a filter": FILTER,
    "a filter that must not fail": FILTER | {"filter.evil.required": "true"},
    "a program for ssh": SSH,
    "a program at the other end": {"remote.origin.uploadpack": "EVIL"},
    "objects that the remote's program brings": PARTIAL | {"remote.origin.uploadpack": "EVIL"},
    "objects that come by ssh": PARTIAL | SSH,
    "a transport of commands": {"remote.origin.url": "ext::EVIL", "protocol.ext.allow": "always"},
    "a judge of signatures": {"log.showSignature": "true", "gpg.program": "EVIL"},
    "a watcher and hooks": {"core.fsmonitor": "EVIL", "core.hooksPath": "/proc/self/cwd/hooks"},
    "an update of a submodule": {"submodule.server.update": "!EVIL"},
}


class Trapped:
    """A checkout with a submodule, a newer commit at its origin, and a program that leaves a mark when it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.mark = folder, folder / "root", folder / "mark"
        self.evil = folder / "evil"
        self.evil.write_text(f'#!/bin/sh\necho "$0 $@" >> {self.mark}\nexit 1\n')
        self.evil.chmod(0o755)
        server, self.fleet = new_repository(folder / "o/server"), new_repository(folder / "o/fleet")
        self.pin = commit(server, {"x": "1", ".gitattributes": "* filter=evil\n"})
        modules = '[submodule "server"]\n\tpath = server\n\turl = ../server\n'
        commit(
            self.fleet,
            {".gitmodules": modules, "a": "1", ".gitattributes": "* filter=evil\n"},
            pins={"server": self.pin},
        )
        signed = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
        raw = git(self.fleet, "cat-file", "commit", "HEAD").replace("\n\n", f"\n{signed}\n\n", 1)
        (folder / "raw").write_text(f"{raw}\n")
        git(
            self.fleet,
            "update-ref",
            "HEAD",
            git(self.fleet, "hash-object", "-t", "commit", "-w", str(folder / "raw")),
        )
        options = ("-c", "protocol.file.allow=always", "clone", "--quiet", "--recurse-submodules")
        git(folder, *options, str(self.fleet), str(self.root))
        self.new = commit(self.fleet, {"a": "2"})

    def set(self, settings: Mapping[str, str]) -> None:
        for name, value in settings.items():
            for place in (".git/config", ".git/modules/server/config"):
                git(self.folder, "config", "-f", str(self.root / place), name, value.replace("EVIL", str(self.evil)))
        for name in ("a", "server/x"):
            os.utime(self.root / name, (1, 1))  # git has to look at the file again
        self.mark.unlink(missing_ok=True)

    def commands(self) -> list[Callable[[], object]]:
        """What a node does to a checkout, from looking at it to making the submodule again."""
        tree, inner = WorkTree(self.root, ACCESS), WorkTree(self.root / "server", ACCESS)
        server, missing = SubmodulePath("server"), CommitSha("9" * 40)
        state = NodeState(self.folder / "state")
        state.folder.mkdir(exist_ok=True)
        identity = Identity(fleet=RepoName("o/fleet"), node=NodeName("LAB"), root=str(self.root))
        (state.folder / "node.json").write_bytes(msgspec.json.encode(identity))
        docker = Docker({}, secrets=(), log=lambda _: None)
        return [
            lambda: run_checks(state, docker, ACCESS, self.root),
            tree.edited_files,
            inner.edited_files,
            tree.untracked,
            lambda: tree.repository.resolve(missing),
            lambda: tree.repository.committed_at("HEAD"),
            lambda: tree.repository.commits_between(None, CommitSha("HEAD"), most=2),
            lambda: tree.repository.read_file("HEAD", "a"),
            tree.fetch,
            lambda: tree.fetch_commit(missing),
            lambda: inner.fetch_commit(missing),
            tree.is_published,
            lambda: tree.has_large_files,
            lambda: tree.blocking_files(self.new),
            lambda: tree.export(self.new, self.folder / "exported"),
            lambda: tree.check_out(self.new, branch="main"),
            lambda: fetch_submodule(tree, inner, server, self.pin),
            lambda: update_nested(inner, ACCESS),
            lambda: undo_interrupted(tree, (self.new,)),
            lambda: shutil.rmtree(self.root / "server"),  # its clone, with the trap, is kept below .git/modules
            lambda: fetch_submodule(tree, WorkTree(self.root / "server", ACCESS), server, self.pin),
        ]


@pytest.fixture
def trapped(tmp_path: Path) -> Trapped:
    return Trapped(tmp_path)


@pytest.mark.parametrize("trap", TRAPS)
def test_no_command_starts_what_the_clones_configuration_names(trap: str, trapped: Trapped) -> None:
    trapped.set(TRAPS[trap])
    for number, command in enumerate(trapped.commands()):
        with contextlib.suppress(BotError):
            command()
        assert not trapped.mark.exists(), (trap, number, trapped.mark.read_text())


def test_the_traps_work_on_git_as_it_is(trapped: Trapped) -> None:
    """Else the test above would show nothing."""
    trapped.set({"filter.evil.clean": "EVIL"})
    git(trapped.root, "status")
    assert trapped.mark.exists()


def test_a_helper_for_credentials_is_not_started(trapped: Trapped) -> None:
    """The server asks for credentials: the node's token is for another."""
    with serving() as place:
        place.repositories["/o/fleet.git"] = trapped.fleet
        trapped.set({"remote.origin.url": f"{place.url}/o/fleet.git", "credential.helper": f"!{trapped.evil}"})
        trapped.set({f"credential.{place.url}.helper": f"!{trapped.evil}"})
        with contextlib.suppress(BotError):
            WorkTree(trapped.root, ACCESS).fetch()
        assert [verb for verb, _, _ in place.seen] == ["GET"], "the server was not asked"
    assert not trapped.mark.exists()


def test_a_program_of_the_remote_is_refused_with_the_cure(trapped: Trapped) -> None:
    trapped.set({"remote.origin.uploadpack": "EVIL"})
    with pytest.raises(CheckoutError, match=r"`git config --unset remote\.origin\.uploadpack` there"):
        WorkTree(trapped.root, ACCESS).fetch()


@pytest.mark.parametrize(
    "line", ["* eol=crlf", "* text eol=crlf", "* crlf", "* \x0c# filter=x", "*\tident", "[attr]m ident"]
)
def test_attributes_of_the_clone_that_change_files_are_refused(line: str, trapped: Trapped) -> None:
    path = trapped.root / ".git/info/attributes"
    path.write_text(f"# a comment: filter=x\n{line}\n")
    with pytest.raises(CheckoutError, match="changes files while git writes them"):
        check_attributes(WorkTree(trapped.root, ACCESS))
    path.write_text("# a comment: filter=x\n \t# another ident\n*.png binary\n")
    check_attributes(WorkTree(trapped.root, ACCESS))
