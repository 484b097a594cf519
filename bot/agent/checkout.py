"""Update the node's checkout in place: it is never cleaned, and no work in it is ever overwritten.

Data of running stacks lies beside the tracked files (certificates, databases, `.env`), so a file that git does
not track is never written, and a tracked file that was changed by hand stops everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bot.agent.file_checks import check_files
from bot.agent.installer import remove
from bot.agent.interrupted import remove_begun_clone, remove_partial_files, undo_first_checkout, undo_interrupted
from bot.agent.order_fetch import OrderFetch, head_ref
from bot.agent.orders import changed_stacks
from bot.agent.submodules import fetch_submodule, find_stanza, mend_clones, update_nested
from bot.agent.work_tree import CheckoutError, WorkTree, render_list
from bot.domain.names import CommitSha, short
from bot.git.git import GitError, GitRepository
from bot.git.safe_clone import clone
from bot.git.safe_git import GitAccess, check_address
from bot.protocol.order import MismatchPolicy, Order, Refusal, RefusalReason


class CheckoutPosition(NamedTuple):
    """What a checkout holds: the fleet's commit, and the submodule's (None: not checked out yet)."""

    commit: CommitSha
    pin: CommitSha | None


class Checkout:
    """The checkout at `root`, which may not exist yet."""

    def __init__(self, root: Path, access: GitAccess) -> None:
        self.root = root
        self._access = access
        self._tree = WorkTree(root, access)
        self._inner = inner = dict[str, WorkTree]()

        def within(submodule: str) -> WorkTree:  # no method: its own parts would keep this object, and files open
            return inner.setdefault(submodule, WorkTree(root / submodule, access))

        self._within = within
        self.fetch = OrderFetch(self._tree, self._within)  # may be begun before `prepare`, which ends it
        self.found_edited: list[str] = []  # by `prepare`

    def close(self) -> None:
        """End what holds files of it open."""
        for tree in (self._tree, *self._inner.values()):
            tree.close()

    def repositories(self, submodule: str) -> tuple[GitRepository, GitRepository]:
        """The fleet's and the submodule's, which are both here."""
        return self._tree.repository, self._within(submodule).repository

    def position(self, submodule: str) -> CheckoutPosition | None:
        """What is checked out now, or None when nothing is."""
        commit = self._tree.files_of
        return CheckoutPosition(commit, self._within(submodule).files_of) if commit else None

    def undo_interrupted(
        self, submodule: str, commits: Iterable[CommitSha], pins: Iterable[CommitSha]
    ) -> tuple[str, ...]:
        """Undo an interrupted move to one of `commits` and `pins`; the files that were restored."""
        restored: list[str] = []
        commits = tuple(commits)
        remove(self._unfinished_clone)
        remove_begun_clone(self.root)
        inner = self._within(submodule)
        mend_clones(self._tree, commits, self._access)
        for tree, targets, prefix in ((self._tree, commits, ""), (inner, pins, f"{submodule}/")):
            if tree.holds_files:
                restored += [prefix + name for name in undo_interrupted(tree, targets)]
            elif tree.head is not None:
                undo_first_checkout(tree, targets)
        return tuple(restored)

    def prepare(self, order: Order, *, when_fetched: Callable[[], object] = lambda: None) -> Refusal | None:
        """Fetch the order's commits, and clone the fleet if there is no checkout; the refusal, if there is one.

        Changes no file of an existing checkout. `when_fetched` is called once the fleet's commits are here.
        """
        if not self._tree.exists:
            self._clone(order)
        elif not self.fetch.is_of(order.fleet):
            return _refuse(
                RefusalReason.OTHER_REPOSITORY, f"{self.root} is no checkout of {order.fleet}: its origin is another"
            )
        refusal = (
            self._find_wrong_commit(order, when_fetched)
            or self._find_wrong_pin(order)
            or self._find_local_changes(order)
            or self._find_blocking_files(order)
        )
        if refusal is None:
            self._check_files(order)
        return refusal

    def move(self, order: Order, to: CheckoutPosition) -> None:
        """Check out `to.commit` and the submodule at `to.pin`, in place, after `prepare` refused nothing.

        Raises GitError or CheckoutError when it cannot be done without overwriting a file; then it may be half done.
        """
        held = self.position(order.submodule)
        if held == to:
            return
        branch = self._tree.branch_to_follow(order.base, to.commit) if order.head_of is None else None
        self._tree.check_out(to.commit, branch=branch)
        if to.pin is None:
            return
        inner = self._within(order.submodule)
        fetch_submodule(self._tree, inner, order.submodule, to.pin, before=held.commit if held else None)
        blocked = inner.blocking_files(to.pin)
        if blocked:
            raise CheckoutError(_render_blocked(inner.folder, to.pin, blocked))
        if inner.head != to.pin or inner.is_fresh:
            inner.check_out(to.pin)
        update_nested(inner, self._access)
        reached = self.position(order.submodule)
        if reached != to:
            raise CheckoutError(f"{self.root} is at {reached}, and not at {to}: something else moved it meanwhile")
        # git reports success when a file could not be written (seen in 2.39 on a full disk).
        unwritten = self._changed_by_move(order.submodule, held, to, self.edited_files(order.submodule))
        if unwritten:
            raise CheckoutError(
                f"in {self.root} could not be written completely: {render_list(unwritten)}; is the disk full?"
            )

    def remove_partial_files(self, order: Order) -> None:
        """Clean up after a `move` to the order's commits that failed, so that another one is possible."""
        for tree, target in ((self._tree, order.commit), (self._within(order.submodule), order.pin)):
            if tree.holds_files and tree.head == target:
                remove_partial_files(tree, target)
            elif tree.holds_files:
                undo_interrupted(tree, (target,))

    @contextmanager
    def exported(self, order: Order, place: Path) -> Iterator[Path]:
        """Write the files of the order's commits to `place`, with links to the untracked files of this checkout.

        So compose can read the order's stacks while everything keeps running. The folder is removed afterwards.
        """
        remove(place)
        try:
            self._tree.export(order.commit, place)
            self._within(order.submodule).export(order.pin, place / order.submodule)
            yield place
        finally:
            remove(place)

    def fetch_base(self, commit: CommitSha, base: str) -> tuple[str, ...]:
        """Fetch the base branch; what went wrong, if GitHub cannot be reached. CheckoutError without the commit."""
        if not self._tree.exists:
            raise CheckoutError(f"{self.root} is no git checkout")
        problems: tuple[str, ...] = ()
        try:
            self.fetch.fetch_base(base)
        except GitError as problem:
            problems = (str(problem),)
        if self._tree.repository.resolve(commit) is None:
            raise CheckoutError(" ".join([f"{self.root} does not have {commit}", *(f"({one})" for one in problems)]))
        return problems

    def fetch_pin(self, submodule: str, pin: CommitSha) -> bool:
        """Whether the submodule's clone holds `pin`, fetched if need be."""
        return self._within(submodule).fetch_commit(pin)

    def edited_files(self, submodule: str) -> list[str]:
        """Tracked files, in both work trees, that are not as their commit has them; relative to the root."""
        inner = self._within(submodule)
        edited = self._tree.edited_files() if self._tree.holds_files else []
        return edited + [f"{submodule}/{name}" for name in (inner.edited_files() if inner.holds_files else [])]

    def _clone(self, order: Order) -> None:
        if self.root.exists() and any(self.root.iterdir()):
            raise CheckoutError(
                f"{self.root} is not empty and no git checkout: move it away, or name another root in the fleet file"
            )
        self.root.parent.mkdir(parents=True, exist_ok=True)
        url = f"{self._access.web_url}/{order.fleet}.git"
        # An interrupted clone must not pass for the checkout: it is renamed only when it is complete. A folder that
        # is there already may be a mount, or in one that is not ours to write.
        place = self.root if self.root.exists() else self._unfinished_clone
        remove(self._unfinished_clone)
        clone(url, place, branch=order.base, access=self._access)
        if place != self.root:
            place.rename(self.root)

    @property
    def _unfinished_clone(self) -> Path:
        return self.root.with_name(f"{self.root.name}.cloning")

    def _find_wrong_commit(self, order: Order, when_fetched: Callable[[], object]) -> Refusal | None:
        """Fetch the order's commit by the ref that has to hold it; refuse it when that ref does not."""
        try:
            self.fetch.finish(order)
        except GitError:
            if not order.is_by_hand:  # by hand GitHub may be down: what was fetched before is used
                raise
        when_fetched()
        repository = self._tree.repository
        if order.head_of is not None:
            if repository.resolve(head_ref(order)) == order.commit:
                return None
            text = f"{order.commit} is not the head of pull request {order.head_of} of {order.fleet}"
            return _refuse(RefusalReason.WRONG_COMMIT, text)
        tip = repository.resolve(f"refs/remotes/origin/{order.base}")
        if tip is None or repository.resolve(order.commit) is None or not repository.is_ancestor(order.commit, tip):
            return _refuse(
                RefusalReason.WRONG_COMMIT, f"{order.commit} is not on branch {order.base} of {order.fleet}"
            )
        return None

    def _find_wrong_pin(self, order: Order) -> Refusal | None:
        if self._tree.repository.pin_at(order.commit, order.submodule) != order.pin:
            return _refuse(RefusalReason.WRONG_PIN, f"{order.commit} does not pin {order.pin} at {order.submodule}")
        stanza = find_stanza(self._tree, order.commit, order.submodule)
        if stanza is None:
            raise CheckoutError(f"{short(order.commit)} has no address for {order.submodule} in its .gitmodules")
        check_address(stanza)
        return None

    def _find_local_changes(self, order: Order) -> Refusal | None:
        for tree, pinned in ((self._tree, False), (self._within(order.submodule), True)):
            if tree.holds_files and not self._is_published(tree, order, pinned=pinned):
                return _refuse(
                    RefusalReason.LOCAL_COMMITS,
                    f"{tree.folder} has commits that are on no branch of its remote: push them, or check out "
                    f"{order.base}",
                )
        edited = self.found_edited = self.edited_files(order.submodule)
        if order.on_edits is MismatchPolicy.CONTINUE:
            held, to = self.position(order.submodule), CheckoutPosition(order.commit, order.pin)
            edited = self._changed_by_move(order.submodule, held, to, edited)
        if edited:
            return _refuse(
                RefusalReason.LOCAL_EDITS,
                f"changed by hand in {self.root}: {render_list(edited)}; commit them upstream, or undo them with "
                "`git restore`",
            )
        return None

    def _changed_by_move(
        self, submodule: str, held: CheckoutPosition | None, to: CheckoutPosition, names: list[str]
    ) -> list[str]:
        """Those of `names` that a move from `held` to `to` changes."""
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
        # What the fleet pins was published, also when no branch holds it any longer.
        if pinned and self._tree.repository.pin_at("HEAD", order.submodule) == tree.head:
            return True
        tree.fetch()
        return tree.is_published()

    def _find_blocking_files(self, order: Order) -> Refusal | None:
        """Untracked files that stand where the order's commits bring files of their own."""
        inner = self._within(order.submodule)
        if inner.exists and not inner.fetch_commit(order.pin):
            raise CheckoutError(f"the remote of {order.submodule} does not hold {order.pin}")
        for tree, commit in ((self._tree, order.commit), (inner, order.pin)):
            blocked = tree.blocking_files(commit)
            if blocked:
                return _refuse(RefusalReason.IN_THE_WAY, _render_blocked(tree.folder, commit, blocked))
        return None

    def _check_files(self, order: Order) -> None:
        """CheckoutError unless every file that changes can be written as the order's commits have it."""
        inner, held = self._within(order.submodule), self.position(order.submodule)
        moves = [(self._tree, held.commit if held else None, order.commit, "")]
        if inner.exists:  # else git clones it, after this
            moves.append((inner, held.pin if held else None, order.pin, f"{order.submodule}/"))
        folders = [stack.folder for stack in changed_stacks(order)]
        for tree, old, new, prefix in moves:
            check_files(tree, old, new, [f.removeprefix(prefix) for f in folders if f.startswith(prefix)])


def _render_blocked(folder: Path, commit: CommitSha, blocked: list[str]) -> str:
    files = render_list(blocked)
    return f"in {folder}, {short(commit)} adds files that exist there already, untracked: {files}; move them away"


def _refuse(reason: RefusalReason, text: str) -> Refusal:
    return Refusal(reason=reason, text=text)
