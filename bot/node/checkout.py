"""The node's own checkout, updated in place: never cleaned, never reset over somebody's work.

Data of running stacks lies beside the tracked files (certificates, databases, `.env`), so a file that git does
not track is never written, and a tracked file that a person changed stops everything.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bot.effects.git import GitError, GitRepository, run_in_checkout, token_environment
from bot.errors import BotError
from bot.names import CommitSha, RepoName, parse_commit_sha, short
from bot.node.heal import heal, remove_dead_clone
from bot.node.order import Order, Refusal, RefusalReason
from bot.settings import docker_environment

SHOWN_FILES = 10  # of those that a refusal lists


class CheckoutError(BotError):
    """The checkout cannot be brought where it should be; nothing of the person's was overwritten."""


class Position(NamedTuple):
    """What a checkout holds: the fleet's commit, and the submodule's (None: not checked out yet)."""

    commit: CommitSha
    pin: CommitSha | None


class Access(NamedTuple):
    """Where the fleet's GitHub is, and the token that reads it (None: git's own credentials do)."""

    web_url: str  # "https://github.com"
    token: str | None


class Checkout:
    """The checkout at `root`, which may not exist yet."""

    def __init__(self, root: Path, access: Access) -> None:
        self.root = root
        self._access = access

    def position(self, submodule: str) -> Position | None:
        """What is checked out now, or None when nothing is."""
        commit = self._head(self.root)
        if commit is None or self._is_fresh(self.root):
            return None
        return Position(commit, self._head(self.root / submodule))

    def heal(self, submodule: str, commits: Iterable[CommitSha], pins: Iterable[CommitSha]) -> tuple[str, ...]:
        """Undo what a killed process of ours left half done on its way to one of `commits` and `pins`; the files."""
        healed: list[str] = []
        shutil.rmtree(self._unfinished_clone, ignore_errors=True)
        if (self.root / ".git").exists() and not (self.root / submodule / ".git").exists():
            remove_dead_clone(self.root / ".git/modules" / submodule)
        for folder, targets, prefix in ((self.root, commits, ""), (self.root / submodule, pins, f"{submodule}/")):
            if self._head(folder) is not None and not self._is_fresh(folder):
                git = partial(self._git, folder=folder, strip=False)
                healed += [prefix + name for name in heal(folder, targets, git)]
        return tuple(healed)

    def prepare(self, order: Order) -> Refusal | None:
        """Make sure that this is the fleet's checkout and that the order's commits are here; clone it if it is not.

        Refuses what the order may not do. Changes no file of an existing checkout.
        """
        if not (self.root / ".git").exists():
            self._clone(order)
        elif not _is_of(self._git("config", "--get", "remote.origin.url"), order.fleet):
            return _no(
                RefusalReason.OTHER_REPOSITORY, f"{self.root} is no checkout of {order.fleet}: its origin is another"
            )
        refusal = self._fetch_commit(order)
        if refusal:
            return refusal
        repository = GitRepository.of_checkout(self.root)
        if repository.pin_at(order.commit, order.submodule) != order.pin:
            return _no(RefusalReason.WRONG_PIN, f"{order.commit} does not pin {order.pin} at {order.submodule}")
        return self._find_work_of_persons(order) or self._find_obstacles(order)

    def move(self, order: Order, to: Position) -> None:
        """Check out `to.commit` and the submodule at `to.pin`, in place. `prepare` has found no obstacle.

        Raises GitError or CheckoutError when it cannot be done without overwriting a file; then it may be half done.
        """
        self._check_out(self.root, to.commit, branch=self._branch_to_follow(order, to.commit))
        if to.pin is None:
            return
        folder = self.root / order.submodule
        self._fetch_submodule(order, folder, to.pin)
        blocked = self._blocking_files(folder, to.pin)
        if blocked:
            raise CheckoutError(_say_blocked(folder, to.pin, blocked))
        if self._head(folder) != to.pin:
            self._check_out(folder, to.pin, branch=None)
        if (folder / ".gitmodules").exists():
            self._git("submodule", "--quiet", "update", "--init", "--recursive", folder=folder)
        reached = self.position(order.submodule)
        if reached != to:
            raise CheckoutError(f"{self.root} is at {reached}, and not at {to}: somebody else moved it meanwhile")

    def _fetch_commit(self, order: Order) -> Refusal | None:
        """Bring the order's commit here, by the ref that has to hold it; refuse it when that ref does not."""
        base = f"refs/remotes/origin/{order.base}"
        refs = [f"+refs/heads/{order.base}:{base}"]
        head = f"refs/remotes/origin/pull/{order.head_of}"
        if order.head_of is not None:
            refs.append(f"+refs/pull/{order.head_of}/head:{head}")
        self._git("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "origin", *refs)
        repository = GitRepository.of_checkout(self.root)
        if order.head_of is not None:
            if repository.resolve(head) != order.commit:
                told = f"{order.commit} is not the head of pull request {order.head_of} of {order.fleet}"
                return _no(RefusalReason.WRONG_COMMIT, told)
            return None
        if repository.resolve(order.commit) is None or not repository.is_ancestor(
            order.commit, parse_commit_sha(self._git("rev-parse", base))
        ):
            return _no(RefusalReason.WRONG_COMMIT, f"{order.commit} is not on branch {order.base} of {order.fleet}")
        return None

    def _clone(self, order: Order) -> None:
        if self.root.exists() and any(self.root.iterdir()):
            raise CheckoutError(
                f"{self.root} is not empty and no git checkout: move it away, or name another root in the fleet file"
            )
        self.root.parent.mkdir(parents=True, exist_ok=True)
        url = f"{self._access.web_url}/{order.fleet}.git"
        # A clone that is killed leaves a ruin; it becomes the checkout only when it is whole.
        place = self.root if self.root.exists() else self._unfinished_clone
        shutil.rmtree(self._unfinished_clone, ignore_errors=True)
        self._git(
            *("clone", "--quiet", "--no-checkout", "--no-tags", "--branch", order.base, "--", url, str(place)),
            folder=self.root.parent,
        )
        if place != self.root:
            place.rename(self.root)

    @property
    def _unfinished_clone(self) -> Path:
        return self.root.with_name(f"{self.root.name}.cloning")

    def _find_work_of_persons(self, order: Order) -> Refusal | None:
        edited: list[str] = []
        for folder, prefix in ((self.root, ""), (self.root / order.submodule, f"{order.submodule}/")):
            if self._head(folder) is None or not (folder / ".git").exists() or self._is_fresh(folder):
                continue
            edited += [prefix + name for name in self._edited_files(folder)]
            if not self._is_on_a_remote_branch(folder, order, pinned=prefix != ""):
                return _no(
                    RefusalReason.LOCAL_COMMITS,
                    f"{folder} has commits that are on no branch of its remote: push them, or check out {order.base}",
                )
        if edited:
            more = f" and {len(edited) - SHOWN_FILES} more" if len(edited) > SHOWN_FILES else ""
            listed = ", ".join(edited[:SHOWN_FILES]) + more
            return _no(
                RefusalReason.LOCAL_EDITS,
                f"changed by hand in {self.root}: {listed}; commit them upstream, or undo them with `git restore`",
            )
        return None

    def _edited_files(self, folder: Path) -> list[str]:
        out = self._git(
            *("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all"),
            folder=folder,
            strip=False,
        )
        return sorted(entry[3:] for entry in out.split("\0") if entry)

    def _is_on_a_remote_branch(self, folder: Path, order: Order, *, pinned: bool) -> bool:
        def contained() -> bool:
            return bool(self._git("branch", "--remotes", "--contains", "HEAD", folder=folder))

        if contained():
            return True
        head = self._head(folder)
        # What the fleet pins is upstream's, also when no branch holds it any longer.
        if pinned and GitRepository.of_checkout(self.root).pin_at("HEAD", order.submodule) == head:
            return True
        self._git("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "origin", folder=folder)
        return contained()

    def _find_obstacles(self, order: Order) -> Refusal | None:
        """Untracked files that stand where the order's commits bring files of their own."""
        folder = self.root / order.submodule
        if (folder / ".git").exists():
            self._fetch_pin(folder, order.pin)
        for place, commit in ((self.root, order.commit), (folder, order.pin)):
            blocked = self._blocking_files(place, commit)
            if blocked:
                return _no(RefusalReason.IN_THE_WAY, _say_blocked(place, commit, blocked))
        return None

    def _fetch_submodule(self, order: Order, folder: Path, pin: CommitSha) -> None:
        self._git("submodule", "--quiet", "init", "--", order.submodule)
        self._git("submodule", "--quiet", "sync", "--", order.submodule)
        if not (folder / ".git").exists():
            # `update` clones and checks out at once; an untracked file in the way makes it fail, and stays.
            self._git("submodule", "--quiet", "update", "--init", "--checkout", "--", order.submodule)
        elif not self._fetch_pin(folder, pin):
            raise CheckoutError(f"the remote of {order.submodule} does not hold {pin} any longer")

    def _fetch_pin(self, folder: Path, pin: CommitSha) -> bool:
        """Whether the submodule's clone holds `pin`, fetched if need be."""
        repository = GitRepository.of_checkout(folder)
        for what in ((), (pin,)):  # its branches, then the commit by its name
            if repository.resolve(pin) is None:
                with contextlib.suppress(GitError):
                    self._git(
                        "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "origin", *what, folder=folder
                    )
        return repository.resolve(pin) is not None

    def _branch_to_follow(self, order: Order, commit: CommitSha) -> str | None:
        """The local branch to move along, so that the person who works here stays on it; None: detach.

        Only the base branch, only when it is checked out (or nothing is), and only forward: a rollback leaves it,
        and so does a pull request's head.
        """
        if order.head_of is not None:
            return None
        repository = GitRepository.of_checkout(self.root)
        try:
            current = self._git("symbolic-ref", "--quiet", "--short", "HEAD")
        except GitError:
            current = order.base
        local = repository.resolve(f"refs/heads/{order.base}")
        forward = local is None or repository.is_ancestor(local, commit)
        return order.base if current == order.base and forward else None

    def _check_out(self, folder: Path, commit: CommitSha, *, branch: str | None) -> None:
        where = ["-B", branch, "--no-track"] if branch else ["--detach"]
        # An ignored file is somebody's data too: git overwrites those unless it is told not to.
        self._git("checkout", "--quiet", "--no-overwrite-ignore", *where, commit, "--", folder=folder)

    def _blocking_files(self, folder: Path, commit: CommitSha) -> list[str]:
        if not (folder / ".git").exists() or self._is_fresh(folder):
            return []
        repository = GitRepository.of_checkout(folder)
        if repository.resolve(commit) is None:
            return []
        coming = {entry.path for entry in repository.list_tree(commit, recursive=True) if entry.kind == "blob"}
        folders = {"/".join(name.split("/")[:end]) for name in coming for end in range(1, name.count("/") + 1)}
        untracked = set(filter(None, self._git("ls-files", "--others", "-z", folder=folder, strip=False).split("\0")))
        return sorted(n for n in untracked if n in coming or n in folders or _is_below_one_of(coming, n))

    def _is_fresh(self, folder: Path) -> bool:
        """Whether nothing was ever checked out: a clone of ours that has no index yet."""
        return not (GitRepository.of_checkout(folder).git_dir / "index").exists()

    def _head(self, folder: Path) -> CommitSha | None:
        if not (folder / ".git").exists():  # else git would answer for the repository around it
            return None
        return GitRepository.of_checkout(folder).resolve("HEAD")

    def _git(self, *arguments: str, folder: Path | None = None, strip: bool = True) -> str:
        out = run_in_checkout(folder or self.root, *arguments, environment=self._environment())
        text = out.decode("utf-8", "surrogateescape")
        return text.strip() if strip else text

    def _environment(self) -> Mapping[str, str]:
        # A person's checkout is read with the person's settings (line ends on Windows), and that person's
        # credentials serve where the token does not reach; nothing may wait for an answer.
        own = {"GIT_CONFIG_NOSYSTEM": "0", "GCM_INTERACTIVE": "never"}
        return docker_environment() | own | token_environment(self._access.token, server=self._access.web_url)


def _is_of(url: str, fleet: RepoName) -> bool:
    """Whether a remote's address (https, ssh, scp-like or a path) ends in the fleet's owner and name."""
    path = url.replace("\\", "/").replace(":", "/").rstrip("/").removesuffix(".git").lower()
    return path.split("/")[-2:] == fleet.lower().split("/")


def _is_below_one_of(coming: set[str], name: str) -> bool:
    """Whether a file comes where `name` needs a folder."""
    parts = name.split("/")
    return any("/".join(parts[:end]) in coming for end in range(1, len(parts)))


def _say_blocked(folder: Path, commit: CommitSha, blocked: list[str]) -> str:
    listed = ", ".join(blocked[:SHOWN_FILES])
    return f"in {folder}, {short(commit)} brings files that are there already, untracked: {listed}; move them away"


def _no(reason: RefusalReason, text: str) -> Refusal:
    return Refusal(reason=reason, text=text)
