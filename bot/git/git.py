"""Run git over bare mirrors and local checkouts, through its plumbing commands. Nothing else starts git.

Git's own program rather than a library: it knows submodules, partial clones, protocol v2 and every odd repository,
and it is the one that runs on nodes and in people's terminals. Tokens are passed in the environment (GIT_CONFIG_*),
never in a URL, a configuration file or a command line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bot.domain.errors import BotError, ProgramMissingError, RetryLater
from bot.domain.names import CommitSha
from bot.git.answers import parse_fields, parse_git_version, parse_lines, parse_number, parse_sha
from bot.git.reasons import find_reason, find_verb
from bot.git.resolver import Resolver
from bot.settings.environment import child_environment
from bot.settings.inherited import inherited

GITLINK = "160000"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The tree without any file, which git has without being given it; it is read wherever a commit is."""
_READING = {"GIT_ALLOW_PROTOCOL": "none"}
"""What a clone that says it is partial lacks is not fetched: its configuration may name a program for that."""
_TIMEOUT = 600  # seconds for one command; the first clone of a large repository is the longest
_FIELD, _RECORD = "\x1f", "\x1e"


class GitError(BotError):
    """A git command failed; the message holds the line in which it says why."""


class GitUnavailable(GitError, RetryLater):  # noqa: N818 - it is a request to the queue, not a failure
    """The server cannot be reached, or could not do it now. GitHub's API may work all the while."""


class CommitInfo(NamedTuple):
    """One commit, as git prints it; the texts may be hostile."""

    sha: CommitSha
    author_name: str
    author_email: str
    committer_name: str
    subject: str


class TreeEntry(NamedTuple):
    """One line of `git ls-tree`. `kind` is blob, tree or commit (a submodule)."""

    mode: str
    kind: str
    oid: str
    path: str


def _render_path(path: bytes) -> str:
    """A path as text that can be shown and stored: git's paths are bytes, and need not be UTF-8."""
    return path.decode("utf-8", "backslashreplace")


def read_git_version(environment: Mapping[str, str]) -> str:
    """The version of the git on PATH ("2.39.5"), or GitError when there is none, BrokenGitError when it is none."""
    try:
        out = _run(["git", "--version"], environment=environment)
    except (OSError, ProgramMissingError):
        raise GitError("git is not on PATH: install it, and let the runner's user see it") from None
    return parse_git_version(out)


def check_git(path: str | None = None) -> None:
    """Raise ProgramMissingError unless git is on `path` (default: this process's)."""
    if shutil.which("git", path=path) is None:
        raise ProgramMissingError("git is not on PATH: install it (on Debian: apt-get install git)")


def init_bare(git_dir: Path) -> None:
    """Make an empty bare repository, without what a machine's template adds (hooks, excludes), or GitError."""
    _run(["git", "init", "--quiet", "--bare", "--template=", str(git_dir)], environment={})


def run_in_checkout(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, umask: int = -1
) -> bytes:
    """Standard output of one git command in a checkout, or GitError. `umask` is that of this process unless given."""
    return _run(
        ["git", *arguments], environment=_no_further(folder) | dict(environment or {}), folder=folder, umask=umask
    )


def _no_further(folder: Path) -> dict[str, str]:
    """Keeps git from taking a repository above `folder` for the one that is not there."""
    return {"GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}


class GitRepository:
    """Reads one repository: a bare mirror, or the git directory of a checkout."""

    def __init__(self, git_dir: Path) -> None:
        self.git_dir = git_dir

    @classmethod
    def of_checkout(cls, path: Path) -> GitRepository:
        """The repository whose checkout `path` is (a submodule's lies in its parent's .git), or GitError."""
        found = _run(["git", "-C", str(path), "rev-parse", "--absolute-git-dir"], environment=_no_further(path))
        return cls(Path(os.fsdecode(found).strip()))

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes | None = None) -> bytes:
        """Standard output of one git command in this repository, or GitError. Without `environment` it only reads."""
        command = ["git", "--git-dir", str(self.git_dir), *arguments]
        return _run(command, environment=_READING if environment is None else environment, stdin=stdin)

    def find_locks(self) -> Iterator[Path]:
        """Files by which a running git keeps every other one out, and which a killed one leaves for ever."""
        # The new packed-refs is a lock too: git makes it only where there is none yet.
        for path in (*self.git_dir.rglob("*.lock"), self.git_dir / "packed-refs.new"):
            inside_submodule = path.relative_to(self.git_dir).parts[0] == "modules"
            if path.is_file() and not inside_submodule:
                yield path

    def resolve(self, revision: str) -> CommitSha | None:
        """The commit that `revision` names, or None when there is none here."""
        try:
            out = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except GitError:
            return None
        return parse_sha(out)

    def make_resolver(self) -> Resolver:
        """One process that resolves many names, as `resolve` does."""
        command = ("git", "--git-dir", str(self.git_dir), "cat-file", "--batch-check=%(objectname)")
        return Resolver(command, _environment(_READING), inherited())

    def resolve_all(self, *revisions: str) -> dict[str, CommitSha | None]:
        """The same for several of them, by one process."""
        found: dict[str, CommitSha | None] = dict.fromkeys(revisions)
        names = [revision for revision in found if "\n" not in revision]
        lines = "".join(f"{name}^{{commit}}\n" for name in names)
        try:
            out = self.run("cat-file", "--batch-check=%(objectname)", stdin=lines.encode("utf-8", "surrogateescape"))
        except GitError:  # a damaged object, or one that a partial clone lacks, ends it
            return {revision: self.resolve(revision) for revision in found}
        for name, line in zip(names, parse_lines(out, len(names)), strict=True):
            if b" " not in line:  # "... missing", "... ambiguous"
                found[name] = parse_sha(line)
        return found

    def list_refs(self, *names: str) -> dict[str, CommitSha]:
        """The objects of the refs of these names, and of all refs below a name that ends with a slash."""
        out = self.run("for-each-ref", "--format=%(objectname) %(refname)", *names)
        # A name may hold bytes that are no UTF-8, and letters at which splitlines() ends a line.
        pairs = (line.split(" ", 1) for line in out.decode("utf-8", "surrogateescape").split("\n") if line)
        return {ref: CommitSha(oid) for oid, ref in pairs}

    def read_file(self, commit: str, path: str) -> bytes | None:
        """The content of a regular file at `commit`, or None when there is no such file."""
        entry = self.entry(commit, path)
        return self.run("cat-file", "blob", entry.oid) if entry and entry.kind == "blob" else None

    def entry(self, commit: str, path: str) -> TreeEntry | None:
        """The entry at exactly `path` in `commit`, or None."""
        return next(iter(self.list_tree(commit, path)), None)

    def pin_at(self, commit: str, path: str) -> CommitSha | None:
        """The submodule commit that `commit` pins at `path`, or None when there is no submodule."""
        entry = self.entry(commit, path)
        return CommitSha(entry.oid) if entry and entry.mode == GITLINK else None

    def list_tree(self, commit: str, path: str = "", *, recursive: bool = False) -> tuple[TreeEntry, ...]:
        """Entries of `commit` at `path` (the whole root when empty), submodules included."""
        if commit == EMPTY_TREE:
            return ()
        flags = ["-r", "-t"] if recursive else []
        tail = ["--", path] if path else []
        out = self.run("ls-tree", "-z", "--full-tree", *flags, commit, *tail)
        entries = []
        for line in filter(None, out.split(b"\0")):
            meta, _, name = line.partition(b"\t")
            entries.append(TreeEntry(*parse_fields(meta), _render_path(name)))
        return tuple(entries)

    def tree_of(self, commit: str) -> str:
        """The root tree of `commit`."""
        return self.run("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}").decode().strip()

    def is_ancestor(self, older: CommitSha, newer: CommitSha) -> bool:
        """Whether `newer` descends from `older` (or is it). Both must be here."""
        command = ["git", "--git-dir", str(self.git_dir), "merge-base", "--is-ancestor", older, newer]
        done = subprocess.run(
            command, env=_environment(_READING), capture_output=True, check=False, pass_fds=inherited()
        )
        if done.returncode in (0, 1):
            return done.returncode == 0
        raise GitError(_explain(command, done.stderr))

    def commits_between(self, old: CommitSha | None, new: CommitSha, *, most: int) -> tuple[CommitInfo, ...]:
        """Commits reachable from `new` and not from `old`, newest first, at most `most`."""
        span = f"{old}..{new}" if old else new
        form = _FIELD.join(["%H", "%an", "%ae", "%cn", "%s"]) + _RECORD
        out = self.run("log", f"--max-count={most}", f"--format=tformat:{form}", "--end-of-options", span)
        records = out.decode("utf-8", "replace").split(_RECORD)
        fields = (record.strip("\n").split(_FIELD) for record in records if record.strip("\n"))
        return tuple(CommitInfo(CommitSha(f[0]), f[1], f[2], f[3], _FIELD.join(f[4:])) for f in fields)

    def committed_at(self, commit: str) -> int:
        """When a commit was committed, by its own word, in seconds since the epoch."""
        return parse_number(self.run("log", "-1", "--format=%ct", "--end-of-options", commit) or b"0")

    def last_change(self, commit: str, path: str) -> CommitSha | None:
        """The newest commit that changed `path`, among `commit` and its first parents (merged ones do not count)."""
        out = self.run("log", "--max-count=1", "--first-parent", "--format=%H", commit, "--", path)
        return parse_sha(out) if out.strip() else None

    def changes_since(self, old: CommitSha, new: CommitSha, path: str, *, most: int) -> tuple[CommitSha, ...]:
        """The commits that changed `path`, among `new` and its first parents after `old`, newest first."""
        span = ("--first-parent", "--format=%H", f"{old}..{new}", "--", path)
        out = self.run("log", f"--max-count={most}", *span)
        return tuple(parse_sha(line) for line in out.split())

    def merge_base(self, one: str, other: str) -> CommitSha | None:
        """The best common ancestor of two commits, or None when they have none."""
        try:
            return parse_sha(self.run("merge-base", one, other))
        except GitError:
            return None

    def count_between(self, old: CommitSha | None, new: CommitSha) -> int:
        """How many commits `commits_between` would list without a limit."""
        span = f"{old}..{new}" if old else new
        return parse_number(self.run("rev-list", "--count", "--end-of-options", span))

    def changed_files(self, old: CommitSha | None, new: CommitSha) -> tuple[str, ...]:
        """Paths that differ between two commits, sorted; a rename is both of its paths."""
        out = self.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", old or EMPTY_TREE, new)
        return tuple(sorted(_render_path(p) for p in out.split(b"\0") if p))

    def is_sound(self) -> bool:
        """Whether every object that a branch reaches is here and readable."""
        try:
            self.run("fsck", "--connectivity-only", "--no-dangling", "--no-progress")
        except GitError:
            return False
        return True


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    quiet = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ASKPASS": "",
        "GIT_OPTIONAL_LOCKS": "0",
        # A clone's own configuration names programs: even `diff-tree` starts its watcher, `log` its gpg.
        "GIT_CONFIG_PARAMETERS": "'core.fsmonitor=false' 'log.showSignature=false'",
        "GIT_ALLOW_PROTOCOL": "https:http:file:ssh",
        "GIT_HTTP_LOW_SPEED_LIMIT": "1000",  # bytes a second; slower than that for half a minute is a stall
        "GIT_HTTP_LOW_SPEED_TIME": "30",
        "LC_ALL": "C",
    }
    return child_environment() | quiet | dict(extra)


def _run(
    command: list[str],
    *,
    environment: Mapping[str, str],
    stdin: bytes | None = None,
    folder: Path | None = None,
    umask: int = -1,
) -> bytes:
    try:
        done = subprocess.run(
            command,
            env=_environment(environment),
            input=stdin,
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            umask=umask,
            pass_fds=inherited(),
        )
    except FileNotFoundError:
        check_git(_environment(environment).get("PATH"))
        raise  # the folder is not there
    except subprocess.TimeoutExpired:
        raise GitError(f"git was still running after {_TIMEOUT} seconds") from None
    if done.returncode != 0:
        raise GitError(_explain(command, done.stderr))
    return done.stdout


def _explain(command: list[str], stderr: bytes) -> str:
    return f"git {find_verb(command)} failed: {find_reason(stderr.decode('utf-8', 'replace'))}"
