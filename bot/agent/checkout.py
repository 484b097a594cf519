"""The node's own checkout, updated in place: never cleaned, never reset over somebody's work.

Data of running stacks lies beside the tracked files (certificates, databases, `.env`), so a file that git does
not track is never written, and a tracked file that a person changed stops everything.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bot.agent.heal import drop_half_written, heal, remove_dead_clone
from bot.agent.safe_git import Access, check_address, git_environment, read_submodules
from bot.agent.work_tree import WorkTree, rewritten_address
from bot.domain.errors import BotError
from bot.domain.names import CommitSha, RepoName, parse_commit_sha, short
from bot.git.git import GitError, run_in_checkout
from bot.git.gitmodules import Stanza
from bot.protocol.order import MismatchPolicy, Order, Refusal, RefusalReason

SHOWN_FILES = 10  # of those that a refusal lists
DEEPEST = 5  # submodules within submodules


class CheckoutError(BotError):
    """The checkout cannot be brought where it should be; nothing of the person's was overwritten."""


class Position(NamedTuple):
    """What a checkout holds: the fleet's commit, and the submodule's (None: not checked out yet)."""

    commit: CommitSha
    pin: CommitSha | None


class Checkout:
    """The checkout at `root`, which may not exist yet."""

    def __init__(self, root: Path, access: Access) -> None:
        self.root = root
        self._access = access
        self._tree = WorkTree(root, access)
        self._inner: dict[str, WorkTree] = {}

    def position(self, submodule: str) -> Position | None:
        """What is checked out now, or None when nothing is."""
        if not self._tree.holds_files:
            return None
        commit = self._tree.head
        return Position(commit, self._within(submodule).head) if commit else None

    def heal(self, submodule: str, commits: Iterable[CommitSha], pins: Iterable[CommitSha]) -> tuple[str, ...]:
        """Undo what a killed process of ours left half done on its way to one of `commits` and `pins`; the files."""
        healed: list[str] = []
        commits = tuple(commits)
        shutil.rmtree(self._unfinished_clone, ignore_errors=True)
        inner = self._within(submodule)
        if self._tree.exists and not inner.exists:
            for stanza in filter(None, (self._stanza(commit, submodule) for commit in commits)):
                remove_dead_clone(self.root / ".git/modules" / stanza.name)
        for tree, targets, prefix in ((self._tree, commits, ""), (inner, pins, f"{submodule}/")):
            if tree.holds_files:
                healed += [prefix + name for name in heal(tree, targets)]
        return tuple(healed)

    def prepare(self, order: Order) -> Refusal | None:
        """Make sure that this is the fleet's checkout and that the order's commits are here; clone it if it is not.

        Refuses what the order may not do. Changes no file of an existing checkout.
        """
        if not self._tree.exists:
            self._clone(order)
        elif not _is_of(self._tree.git("config", "--get", "remote.origin.url"), order.fleet):
            return _no(
                RefusalReason.OTHER_REPOSITORY, f"{self.root} is no checkout of {order.fleet}: its origin is another"
            )
        return (
            self._find_wrong_commit(order)
            or self._find_wrong_pin(order)
            or self._find_work_of_persons(order)
            or self._find_obstacles(order)
        )

    def move(self, order: Order, to: Position) -> None:
        """Check out `to.commit` and the submodule at `to.pin`, in place. `prepare` has found no obstacle.

        Raises GitError or CheckoutError when it cannot be done without overwriting a file; then it may be half done.
        """
        held = self.position(order.submodule)
        if held == to:
            return
        self._tree.check_out(to.commit, branch=self._branch_to_follow(order, to.commit))
        if to.pin is None:
            return
        inner = self._within(order.submodule)
        self._fetch_submodule(order, inner, to.pin)
        blocked = inner.blocking_files(to.pin)
        if blocked:
            raise CheckoutError(_say_blocked(inner.folder, to.pin, blocked))
        if inner.head != to.pin:
            inner.check_out(to.pin)
        self._update_nested(inner, DEEPEST)
        reached = self.position(order.submodule)
        if reached != to:
            raise CheckoutError(f"{self.root} is at {reached}, and not at {to}: somebody else moved it meanwhile")
        # git says that all is well when a file could not be written (seen in 2.39 on a full disk).
        unwritten = self._brought(order.submodule, held, to, self.edited_files(order.submodule))
        if unwritten:
            raise CheckoutError(f"in {self.root} could not be written whole: {listed(unwritten)}; is the disk full?")

    def drop_half_written(self, order: Order) -> None:
        """Make way for `move` after one to the order's commits that failed."""
        for tree, target in ((self._tree, order.commit), (self._within(order.submodule), order.pin)):
            if tree.holds_files and tree.head == target:
                drop_half_written(tree, target)
            elif tree.holds_files:
                heal(tree, (target,))

    @contextmanager
    def laid_out(self, order: Order, place: Path) -> Iterator[Path]:
        """The files of the order's commits in a folder of their own, each untracked file of here linked beside them.

        What compose makes of the order can so be seen while everything runs on as it is. Gone afterwards.
        """
        shutil.rmtree(place, ignore_errors=True)
        try:
            self._tree.lay_out(order.commit, place)
            self._within(order.submodule).lay_out(order.pin, place / order.submodule)
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def bring(self, commit: CommitSha, base: str) -> tuple[str, ...]:
        """Fetch the base branch, as far as GitHub can be reached; what hindered it. GitError without the commit."""
        if not self._tree.exists:
            raise CheckoutError(f"{self.root} is no git checkout")
        problems: tuple[str, ...] = ()
        try:
            self._fetch_base(base)
        except GitError as problem:
            problems = (str(problem),)
        if self._tree.repository.resolve(commit) is None:
            told = f"{self.root} does not have {commit}" + "".join(f" ({problem})" for problem in problems)
            raise CheckoutError(told)
        return problems

    def bring_pin(self, submodule: str, pin: CommitSha) -> bool:
        """Whether the submodule's clone holds `pin`, fetched if need be."""
        return self._within(submodule).fetch_commit(pin)

    def edited_files(self, submodule: str) -> list[str]:
        """Tracked files, in both work trees, that are not as their commit has them; relative to the root."""
        inner = self._within(submodule)
        edited = self._tree.edited_files() if self._tree.holds_files else []
        return edited + [f"{submodule}/{name}" for name in (inner.edited_files() if inner.holds_files else [])]

    def _within(self, submodule: str) -> WorkTree:
        return self._inner.setdefault(submodule, WorkTree(self.root / submodule, self._access))

    def _stanza(self, commit: str, submodule: str) -> Stanza | None:
        if self._tree.repository.resolve(commit) is None:
            return None
        text = self._tree.repository.read_file(commit, ".gitmodules") or b""
        return read_submodules(text.decode("utf-8", "replace")).get(submodule)

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
        origin = rewritten_address(url, self.root.parent, self._access)
        run_in_checkout(
            self.root.parent,
            *("clone", "--quiet", "--no-checkout", "--no-tags", "--branch", order.base, "--", url, str(place)),
            environment=git_environment(self._access, origin=origin),
        )
        if place != self.root:
            place.rename(self.root)

    @property
    def _unfinished_clone(self) -> Path:
        return self.root.with_name(f"{self.root.name}.cloning")

    def _find_wrong_commit(self, order: Order) -> Refusal | None:
        """Bring the order's commit here, by the ref that has to hold it; refuse it when that ref does not."""
        base = f"refs/remotes/origin/{order.base}"
        head = f"refs/remotes/origin/pull/{order.head_of}"
        pull = [f"+refs/pull/{order.head_of}/head:{head}"] if order.head_of is not None else []
        try:
            self._fetch_base(order.base, *pull)
        except GitError:
            if not order.is_by_hand:  # by hand GitHub may be down: what was fetched before has to do
                raise
        repository = self._tree.repository
        if order.head_of is not None:
            if repository.resolve(head) == order.commit:
                return None
            told = f"{order.commit} is not the head of pull request {order.head_of} of {order.fleet}"
            return _no(RefusalReason.WRONG_COMMIT, told)
        tip = parse_commit_sha(self._tree.git("rev-parse", base))
        if repository.resolve(order.commit) is None or not repository.is_ancestor(order.commit, tip):
            return _no(RefusalReason.WRONG_COMMIT, f"{order.commit} is not on branch {order.base} of {order.fleet}")
        return None

    def _fetch_base(self, base: str, *more: str) -> None:
        self._tree.fetch(f"+refs/heads/{base}:refs/remotes/origin/{base}", *more)

    def _find_wrong_pin(self, order: Order) -> Refusal | None:
        if self._tree.repository.pin_at(order.commit, order.submodule) != order.pin:
            return _no(RefusalReason.WRONG_PIN, f"{order.commit} does not pin {order.pin} at {order.submodule}")
        stanza = self._stanza(order.commit, order.submodule)
        if stanza is None:
            raise CheckoutError(f"{short(order.commit)} has no address for {order.submodule} in its .gitmodules")
        check_address(stanza)
        return None

    def _find_work_of_persons(self, order: Order) -> Refusal | None:
        for tree, pinned in ((self._tree, False), (self._within(order.submodule), True)):
            if tree.holds_files and not self._is_published(tree, order, pinned=pinned):
                return _no(
                    RefusalReason.LOCAL_COMMITS,
                    f"{tree.folder} has commits that are on no branch of its remote: push them, or check out "
                    f"{order.base}",
                )
        edited = self.edited_files(order.submodule)
        if order.on_edits is MismatchPolicy.CONTINUE:
            held, to = self.position(order.submodule), Position(order.commit, order.pin)
            edited = self._brought(order.submodule, held, to, edited)
        if edited:
            return _no(
                RefusalReason.LOCAL_EDITS,
                f"changed by hand in {self.root}: {listed(edited)}; commit them upstream, or undo them with "
                "`git restore`",
            )
        return None

    def _brought(self, submodule: str, held: Position | None, to: Position, names: list[str]) -> list[str]:
        """Those of `names` that a move from `held` to `to` writes."""
        if held is None or not names:
            return names
        changed: set[str] = set()
        inner = self._within(submodule)
        for tree, old, new, prefix in (
            (self._tree, held.commit, to.commit, ""),
            (inner, held.pin, to.pin, f"{submodule}/"),
        ):
            if new is not None and tree.holds_files and tree.fetch_commit(new):
                changed |= {prefix + name for name in tree.repository.changed_files(old, new)}
        return [name for name in names if name in changed]

    def _is_published(self, tree: WorkTree, order: Order, *, pinned: bool) -> bool:
        if tree.is_published():
            return True
        # What the fleet pins is upstream's, also when no branch holds it any longer.
        if pinned and self._tree.repository.pin_at("HEAD", order.submodule) == tree.head:
            return True
        tree.fetch()
        return tree.is_published()

    def _find_obstacles(self, order: Order) -> Refusal | None:
        """Untracked files that stand where the order's commits bring files of their own."""
        inner = self._within(order.submodule)
        if inner.exists and not inner.fetch_commit(order.pin):
            raise CheckoutError(f"the remote of {order.submodule} does not hold {order.pin}")
        for tree, commit in ((self._tree, order.commit), (inner, order.pin)):
            blocked = tree.blocking_files(commit)
            if blocked:
                return _no(RefusalReason.IN_THE_WAY, _say_blocked(tree.folder, commit, blocked))
        return None

    def _fetch_submodule(self, order: Order, inner: WorkTree, pin: CommitSha) -> None:
        stanza = self._stanza("HEAD", order.submodule)
        if stanza is not None:
            check_address(stanza)
        self._tree.git("submodule", "--quiet", "init", "--", order.submodule)
        self._tree.git("submodule", "--quiet", "sync", "--", order.submodule)
        if not inner.exists:
            # `update` clones and checks out at once; an untracked file in the way makes it fail, and stays.
            self._tree.git("submodule", "--quiet", "update", "--init", "--checkout", "--", order.submodule)
        elif not inner.fetch_commit(pin):
            raise CheckoutError(f"the remote of {order.submodule} does not hold {pin} any longer")

    def _update_nested(self, tree: WorkTree, depth: int) -> None:
        """Submodules of a submodule. Not by `--recursive`, which goes to any address without a look at it."""
        text = tree.repository.read_file("HEAD", ".gitmodules")
        if text is None:
            return
        if not depth:
            raise CheckoutError(f"{tree.folder} has submodules within submodules, deeper than {DEEPEST}")
        for path, stanza in read_submodules(text.decode("utf-8", "replace")).items():
            if tree.repository.pin_at("HEAD", path) is not None:
                check_address(stanza)
                tree.git("submodule", "--quiet", "update", "--init", "--checkout", "--", path)
                self._update_nested(WorkTree(tree.folder / path, self._access), depth - 1)

    def _branch_to_follow(self, order: Order, commit: CommitSha) -> str | None:
        """The local branch to move along, so that the person who works here stays on it; None: detach.

        Only the base branch, only when it is checked out (or nothing is), and only forward: a rollback leaves it,
        and so does a pull request's head.
        """
        if order.head_of is not None:
            return None
        repository = self._tree.repository
        try:
            current = self._tree.git("symbolic-ref", "--quiet", "--short", "HEAD")
        except GitError:
            current = order.base
        local = repository.resolve(f"refs/heads/{order.base}")
        forward = local is None or repository.is_ancestor(local, commit)
        return order.base if current == order.base and forward else None


def listed(names: list[str]) -> str:
    """The first of `names`, and how many more there are."""
    more = f" and {len(names) - SHOWN_FILES} more" if len(names) > SHOWN_FILES else ""
    return ", ".join(names[:SHOWN_FILES]) + more


def _is_of(url: str, fleet: RepoName) -> bool:
    """Whether a remote's address (https, ssh, scp-like or a path) ends in the fleet's owner and name."""
    path = url.replace("\\", "/").replace(":", "/").rstrip("/").removesuffix(".git").lower()
    return path.split("/")[-2:] == fleet.lower().split("/")


def _say_blocked(folder: Path, commit: CommitSha, blocked: list[str]) -> str:
    there = listed(blocked)
    return f"in {folder}, {short(commit)} brings files that are there already, untracked: {there}; move them away"


def _no(reason: RefusalReason, text: str) -> Refusal:
    return Refusal(reason=reason, text=text)
