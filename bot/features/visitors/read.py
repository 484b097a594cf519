"""Read what GitHub says about a person and a fleet, as the installation, and keep the answer for a few minutes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from bot.domain.errors import BotError
from bot.domain.names import InstallationId, RepoName
from bot.domain.values import Value
from bot.domain.verdicts import Permission
from bot.features.fleets.store import PinStore
from bot.features.visitors.decide import decide_view
from bot.features.visitors.facts import Person, Sight, ViewFacts, VisibleFleet
from bot.github.app import App
from bot.github.endpoints import people, repository

_LOG = logging.getLogger(__name__)
LASTS = 300  # seconds that an answer of GitHub's counts
MOST = 20_000  # answers kept


class _Answer(NamedTuple):
    private: bool
    permission: Permission
    until: float


class RepositoryAccess(Value, frozen=True):
    """A person's access to one repository, as GitHub says."""

    private: bool
    permission: Permission


AskGitHub = Callable[[VisibleFleet, Person], RepositoryAccess]


def ask_as_installation(app: App) -> AskGitHub:
    """Reads a person's access as the installation of the fleet, with no permission but to read metadata."""

    def ask(fleet: VisibleFleet, person: Person) -> RepositoryAccess:
        installation = InstallationId(fleet.installation)
        app.budget(installation).admit(urgent=True)
        client = app.as_installation(installation, repositories=[fleet.name], permissions={"metadata": "read"})
        found = repository.find_repository(client, fleet.name)
        permission = people.read_permission(client, fleet.name, person.login, account=person.id)
        return RepositoryAccess(private=found is None or found.private, permission=permission)

    return ask


class Sights:
    """Which fleets a person may see. Safe between threads. What cannot be read may not be seen."""

    def __init__(self, pins: PinStore, ask: AskGitHub, now: Callable[[], float]) -> None:
        """`now`: in seconds since the epoch."""
        self._pins = pins
        self._ask = ask
        self._now = now
        self._answers: dict[tuple[str, int], _Answer] = {}
        self._lock = threading.Lock()

    def find_fleet(self, name: str) -> VisibleFleet | None:
        """The fleet that is called so, in any case of letters."""
        return next((one for one in self.fleets() if one.name.lower() == name.lower()), None)

    def fleets(self) -> tuple[VisibleFleet, ...]:
        """Every fleet of the service, by name."""
        rows = self._pins.snapshot().rows()
        found: dict[RepoName, VisibleFleet] = {}
        for row in rows:
            before = found.get(row.fleet)
            opened = row.page_for_readers and (before is None or before.for_readers)
            found[row.fleet] = VisibleFleet(
                name=row.fleet,
                installation=row.installation,
                for_readers=opened,
                prefix=row.prefix,
                pins=(before.pins if before else frozenset()) | {(row.base, row.submodule)},
            )
        return tuple(found[name] for name in sorted(found, key=str.lower))

    def may_see(self, person: Person, fleet: VisibleFleet, sight: Sight) -> bool:
        """Whether `person` may see this of `fleet`. Asks GitHub when the last answer is over `LASTS` seconds old."""
        answer = self._find(person, fleet) or self._read(person, fleet)
        if answer is None:
            return False
        facts = ViewFacts(
            sight=sight, private=answer.private, permission=answer.permission, for_readers=fleet.for_readers
        )
        return decide_view(facts).allows

    def is_known(self, person: Person, fleet: VisibleFleet) -> bool:
        """Whether the question can be answered without asking GitHub."""
        return self._find(person, fleet) is not None

    def _find(self, person: Person, fleet: VisibleFleet) -> _Answer | None:
        with self._lock:
            answer = self._answers.get((fleet.name.lower(), person.id))
        return answer if answer is not None and answer.until > self._now() else None

    def _read(self, person: Person, fleet: VisibleFleet) -> _Answer | None:
        try:
            access = self._ask(fleet, person)
        except BotError as problem:
            _LOG.warning(
                "cannot read whether %s may see %s, which counts as no: %s", person.login, fleet.name, problem
            )
            return None
        answer = _Answer(access.private, access.permission, self._now() + LASTS)
        with self._lock:
            if len(self._answers) >= MOST:
                self._answers.clear()
            self._answers[fleet.name.lower(), person.id] = answer
        return answer
