"""Ask GitHub what people may do, a few questions at a time over the whole process, and keep the answers for a while.

A page waits for GitHub only shortly, and only a few pages wait at once: the others show what is known meanwhile, so
that however slow GitHub is, the service's own threads stay free for webhooks.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bot.domain.errors import BotError
from bot.domain.values import Value
from bot.domain.verdicts import Permission
from bot.features.visitors.facts import Person, VisibleFleet

_LOG = logging.getLogger(__name__)
LASTS = 300  # seconds that an answer of GitHub's counts
FAILED_FOR = 30  # seconds after which a question that failed is sent again
MOST = 20_000  # answers kept
AT_ONCE = 2  # questions that GitHub is sent at a time
WAITERS = 2  # threads that wait for answers at a time
PATIENCE = 3.0  # seconds that one of them waits
STALE = 60.0  # seconds after which nobody waits for an answer any more
MOST_OF_ONE = 300  # questions that one person causes in `LASTS` seconds


class RepositoryAccess(Value, frozen=True):
    """A person's access to one repository, as GitHub says."""

    private: bool
    permission: Permission


AskGitHub = Callable[[VisibleFleet, Person], RepositoryAccess]


class Key(NamedTuple):
    """What an answer is about. `real`: False for a name that no fleet has, whose question is about another's."""

    name: str  # lower case
    person: int
    real: bool = True


class _Question(NamedTuple):
    later: bool  # it is one of a list's, and not a page's own
    number: int
    key: Key
    fleet: VisibleFleet
    person: Person
    since: float


class _Answer(NamedTuple):
    access: RepositoryAccess | None  # None: GitHub did not answer
    until: float


class Questions:
    """GitHub's answers on who may do what. Safe between threads."""

    def __init__(self, ask: AskGitHub, now: Callable[[], float], *, patience: float = PATIENCE) -> None:
        """`now`: in seconds since the epoch. `patience`: seconds for which one visit waits."""
        self._ask = ask
        self._now = now
        self._patience = patience
        self._answers: dict[Key, _Answer] = {}
        self._pending: set[Key] = set()  # in the queue, or in a request to GitHub
        self._queue: list[_Question] = []
        self._sent: dict[int, deque[float]] = {}  # when each person's newest questions were put
        self._count = self._asking = self._waiting = 0
        self._changed = threading.Condition()

    def find(
        self, person: Person, about: Mapping[Key, VisibleFleet], *, later: bool = False
    ) -> dict[Key, RepositoryAccess | None]:
        """What is known after a short wait; None where GitHub did not answer. What is not known yet is left out.

        `later`: other visitors' questions go first.
        """
        with self._changed:
            for key, fleet in about.items():
                if self._find(key) is None and key not in self._pending and self._may_ask(person):
                    self._count += 1
                    self._pending.add(key)
                    heapq.heappush(self._queue, _Question(later, self._count, key, fleet, person, time.monotonic()))
            self._start()
            if self._waiting < WAITERS and not self._pending.isdisjoint(about):
                self._waiting += 1
                try:
                    self._changed.wait_for(lambda: self._pending.isdisjoint(about), self._patience)
                finally:
                    self._waiting -= 1
            return {key: found.access for key in about if (found := self._find(key)) is not None}

    def _find(self, key: Key) -> _Answer | None:
        found = self._answers.get(key)
        return found if found is not None and found.until > self._now() else None

    def _may_ask(self, person: Person) -> bool:
        """Whether this person may cause one more question, which is noted: a stranger shall not spend the budget."""
        now = time.monotonic()
        sent = self._sent.setdefault(person.id, deque())
        while sent and sent[0] <= now - LASTS:
            sent.popleft()
        if len(sent) >= MOST_OF_ONE:
            return False
        sent.append(now)
        return True

    def _start(self) -> None:
        while self._asking < min(AT_ONCE, len(self._pending)):
            self._asking += 1
            threading.Thread(target=self._work, name="visitors", daemon=True).start()

    def _work(self) -> None:
        """Ask until nothing is left."""
        while (question := self._next()) is not None:
            access = self._read(question)
            with self._changed:
                if len(self._answers) >= MOST:
                    self._answers.clear()
                    self._sent.clear()
                lasts = FAILED_FOR if access is None else LASTS
                self._answers[question.key] = _Answer(access, self._now() + lasts)
                self._pending.discard(question.key)
                self._changed.notify_all()

    def _next(self) -> _Question | None:
        with self._changed:
            while self._queue:
                question = heapq.heappop(self._queue)
                if question.since > time.monotonic() - STALE:
                    return question
                self._pending.discard(question.key)
            self._asking -= 1
            self._changed.notify_all()
            return None

    def _read(self, question: _Question) -> RepositoryAccess | None:
        login, fleet = question.person.login, question.fleet.name
        try:
            return self._ask(question.fleet, question.person)
        except BotError as problem:
            _LOG.warning("cannot read whether %s may see %s, which counts as no: %s", login, fleet, problem)
        except Exception as problem:  # noqa: BLE001 - a thread that ended would leave everybody waiting
            _LOG.error("cannot read whether %s may see %s, which counts as no", login, fleet, exc_info=problem)
        return None
