"""Fetch an order's commits into a checkout: begun while other things are waited for, or when they are needed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from bot.agent.work_tree import WorkTree
from bot.domain.names import RepoName
from bot.git.safe_git import is_address_of
from bot.protocol.order import Order


class OrderFetch:
    """Fetches into `tree`, the fleet's, and into `within(PATH)`, its submodule's. It changes no file of either."""

    def __init__(self, tree: WorkTree, within: Callable[[str], WorkTree]) -> None:
        self._tree = tree
        self._within = within
        self._begun: Future[bool] | None = None

    def begin(self, order: Order, beside: Executor) -> None:
        """Begin in `beside` what `finish` waits for."""
        self._begun = beside.submit(self._fetch_if_here, order)

    def finish(self, order: Order) -> None:
        """Return when the order's commits were fetched, or raise GitError."""
        if self._begun is None or not self._begun.result():
            self._fetch(order)

    def is_of(self, fleet: RepoName) -> bool:
        """Whether what is here was cloned from the fleet's repository."""
        return is_address_of(self._tree.origin_setting, fleet)

    def fetch_base(self, base: str, *more: str) -> None:
        """Fetch the base branch, and by `more` refspecs; or GitError."""
        self._tree.fetch(f"+refs/heads/{base}:refs/remotes/origin/{base}", *more)

    def _fetch_if_here(self, order: Order) -> bool:
        """Whether it was fetched: not where nothing is cloned yet, and not from another repository."""
        if not self._tree.exists or not self.is_of(order.fleet):
            return False
        self._fetch(order)
        return True

    def _fetch(self, order: Order) -> None:
        pull = [f"+refs/pull/{order.head_of}/head:{head_ref(order)}"] if order.head_of is not None else []
        with ThreadPoolExecutor(1) as beside:
            beside.submit(self._within(order.submodule).fetch_early, order.pin)
            self.fetch_base(order.base, *pull)


def head_ref(order: Order) -> str:
    """Where the head of the order's pull request is kept here."""
    return f"refs/remotes/origin/pull/{order.head_of}"
