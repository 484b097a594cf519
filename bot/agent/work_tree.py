"""Read and move one work tree of a node's checkout: the fleet's, or a submodule's."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from bot.domain.errors import BotError
from bot.domain.names import CommitSha
from bot.git.clone_settings import find_forbidden, find_overridden, find_value
from bot.git.git import GitError, GitRepository, run_in_checkout
from bot.git.moves import RedirectError, follow_renames
from bot.git.own_settings import OwnSettings, list_below
from bot.git.remembered import RememberingRepository
from bot.git.safe_clone import UMASK, rewritten_address
from bot.git.safe_git import GitAccess, git_environment

_FETCH_OPTIONS = ("--quiet", "--no-tags", "--no-recurse-submodules")
MAX_LISTED = 10  # files that a message names
MAX_COPY = 1024**2  # bytes; an untracked file or folder where no link can be made


class CheckoutError(BotError):
    """The checkout cannot be moved to where it should be; no work in it was overwritten."""


class WorkTree:
    """The work tree at `folder`, which need not be there yet."""

    def __init__(self, folder: Path, access: GitAccess) -> None:
        self.folder = folder
        self._access = access
        self._own = OwnSettings(folder)

    @property
    def exists(self) -> bool:
        """Whether a repository is here; where it is not, git would answer for the one around it."""
        return (self.folder / ".git").exists()

    @cached_property
    def repository(self) -> RememberingRepository:
        """The repository of this work tree. Only when it `exists`."""
        return RememberingRepository(GitRepository.of_checkout(self.folder).git_dir)

    def close(self) -> None:
        """Let go of the repository's files."""
        if "repository" in self.__dict__:  # it was read
            self.repository.close()

    @property
    def head(self) -> CommitSha | None:
        """The commit that is checked out, also when no file of it is (see `is_fresh`)."""
        return self.repository.resolve("HEAD") if self.exists else None

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was ever checked out: a clone of ours that has no index yet."""
        return not (self.repository.git_dir / "index").exists()

    @property
    def files_of(self) -> CommitSha | None:
        """The commit whose files are here; None when none of any are."""
        return None if not self.exists or self.is_fresh else self.head

    @property
    def holds_files(self) -> bool:
        """Whether a commit's files are here."""
        return self.files_of is not None

    @cached_property
    def origin(self) -> str:
        """Where this is fetched from, as git rewrites it by its user's settings."""
        return rewritten_address("origin", self.folder, self._access)

    def git(self, *arguments: str, strip: bool = True, extra: Mapping[str, str] | None = None) -> str:
        """Output of one git command here, or GitError."""
        environment = git_environment(self._access, origin=self.origin, overridden=self._overridden(arguments))
        environment |= extra or {}
        out = follow_renames(
            lambda found: run_in_checkout(self.folder, *arguments, environment=found, umask=UMASK),
            environment,
            token=self._access.token,
            server=self._access.web_url,
        )
        text = out.decode("utf-8", "surrogateescape")
        return text.strip() if strip else text

    def _overridden(self, arguments: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Looked at before each command: a container may write the clone's configuration at any time."""
        listed = self._own.list(environment=self._environment)
        if "submodule" in arguments:  # runs git in the clones below, by their configurations
            listed += list_below(self.folder, self.repository.git_dir, environment=self._environment)
        forbidden = find_forbidden(listed)
        if forbidden:
            raise CheckoutError(
                f"the configuration of the clone in {self.folder} names a program for its remote "
                f"({render_list(list(forbidden))}): `git config --unset {forbidden[0]}` there; if a container "
                "wrote it, look what else it wrote"
            )
        return find_overridden(listed)

    @property
    def _environment(self) -> dict[str, str]:
        return git_environment(self._access, origin=self._access.web_url)

    @property
    def origin_setting(self) -> str:
        """The origin's address as the settings have it, or CheckoutError."""
        found = find_value(self._own.list(environment=self._environment), "remote.origin.url")
        if not found:
            raise CheckoutError(f"{self.folder} is a repository without a remote `origin`: move it away")
        return found

    @property
    def has_large_files(self) -> bool:
        """Whether the user of this node has Git LFS, so that git itself writes the content of its files."""
        try:
            return bool(self.git("config", "--get", "filter.lfs.process") and self.git("lfs", "version"))
        except GitError:
            return False

    def edited_files(self) -> list[str]:
        """Tracked files that differ from the commit, sorted."""
        out = self.git(
            *("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all"),
            strip=False,
        )
        return sorted(entry[3:] for entry in out.split("\0") if entry)

    def blocking_files(self, commit: CommitSha) -> list[str]:
        """Untracked files, ignored ones too, where `commit` brings a file or a folder of its own."""
        if not self.exists or self.is_fresh:
            return []
        repository = self.repository
        if repository.resolve(commit) is None:
            return []
        coming = {entry.path for entry in repository.list_tree(commit, recursive=True) if entry.kind == "blob"}
        folders = {"/".join(name.split("/")[:end]) for name in coming for end in range(1, name.count("/") + 1)}
        # An untracked folder is listed as one name: it may be a database of a million files. Its files are listed one
        # by one only where the commit adds something in it, or in its place: an empty one, which the engine makes for
        # a mounted file that is missing, is in nobody's way.
        found = set(self.untracked())
        for name in [name for name in found if name.endswith("/") and name.rstrip("/") in folders | coming]:
            found.discard(name)
            inside = _split(self.git("ls-files", "--others", "-z", "--", f":(literal){name}", strip=False))
            found |= inside if name.rstrip("/") in folders else {name} if inside else set()
        names = {name.rstrip("/") for name in found}
        return sorted(n for n in names if n in coming or n in folders or _is_below_one_of(coming, n))

    def untracked(self) -> list[str]:
        """What git does not track, ignored or not; a folder that holds nothing else is one name that ends in "/"."""
        return sorted(_split(self.git("ls-files", "--others", "--directory", "-z", strip=False)))

    def is_published(self) -> bool:
        """Whether the commit that is checked out is on a branch of the remote, as far as was fetched."""
        return bool(self.git("branch", "--remotes", "--contains", "HEAD"))

    def fetch(self, *refspecs: str) -> None:
        """Fetch from the origin, or GitError."""
        self.git("fetch", *_FETCH_OPTIONS, "origin", *refspecs)

    def fetch_commit(self, commit: CommitSha) -> bool:
        """Whether `commit` is here, fetched if need be."""
        repository = self.repository
        for what in ((), (commit,)):  # the branches, then the commit by its name
            if repository.resolve(commit) is None:
                try:
                    self.fetch(*what)
                except RedirectError:
                    raise  # not the same as a remote without the commit
                except GitError:
                    continue
        return repository.resolve(commit) is not None

    def fetch_early(self, commit: CommitSha) -> None:
        """Fetch `commit` beside other work; what goes wrong is met again, and reported, when the commit is needed."""
        with suppress(BotError):
            if self.holds_files:
                self.fetch_commit(commit)

    def check_out(self, commit: CommitSha, *, branch: str | None = None) -> None:
        """Make the files those of `commit`, in place; never an untracked one, ignored or not."""
        where = ["-B", branch, "--no-track"] if branch else ["--detach"]
        # An ignored file is data too: git overwrites those unless this option stops it.
        self.git("checkout", "--quiet", "--no-overwrite-ignore", *where, commit, "--")

    def branch_to_follow(self, base: str, commit: CommitSha) -> str | None:
        """The local branch to move to `commit`, so that whoever works here stays on it; None: detach.

        Only the base branch, only when it is checked out (or nothing is), and only forward: a rollback leaves it
        where it is.
        """
        try:
            current = self.git("symbolic-ref", "--quiet", "--short", "HEAD")
        except GitError:
            current = base
        local = self.repository.resolve(f"refs/heads/{base}")
        forward = local is None or self.repository.is_ancestor(local, commit)
        return base if current == base and forward else None

    def export(self, commit: CommitSha, place: Path) -> None:
        """Write the files of `commit` below `place`, with a link to everything untracked that is here."""
        place.mkdir(parents=True, exist_ok=True)
        index = {"GIT_INDEX_FILE": str(place.with_name(f"{place.name}.index"))}
        self.git("read-tree", commit, extra=index)
        self.git("checkout-index", "--all", "--quiet", f"--prefix={place.as_posix()}/", extra=index)
        Path(index["GIT_INDEX_FILE"]).unlink()
        _link(self.untracked(), self.folder, place)


def render_list(names: list[str]) -> str:
    """The first of `names`, and how many more there are."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def _link(names: Iterable[str], source: Path, place: Path) -> None:
    for name in (name.rstrip("/") for name in names):
        there, here = place / name, source / name
        if there.exists() or there.is_symlink() or not here.exists():
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        try:
            there.symlink_to(here, target_is_directory=here.is_dir())
        except OSError:  # Windows wants a privilege for links: what compose reads are small files
            if _size_of(here) <= MAX_COPY:
                shutil.copytree(here, there) if here.is_dir() else shutil.copyfile(here, there)


def _size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; more than MAX_COPY for what is not to be read through."""
    if not path.is_dir():
        return path.stat().st_size if path.is_file() else MAX_COPY + 1
    total = 0
    for entry in path.rglob("*"):
        total += entry.stat().st_size if entry.is_file() else 0
        if total > MAX_COPY:
            break
    return total


def _split(listed: str) -> set[str]:
    return set(filter(None, listed.split("\0")))


def _is_below_one_of(coming: set[str], name: str) -> bool:
    """Whether a file comes where `name` needs a folder."""
    parts = name.split("/")
    return any("/".join(parts[:end]) in coming for end in range(1, len(parts)))
