"""Read which fleets a person may see, from what GitHub says about both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from bot.domain.names import InstallationId, RepoName
from bot.features.fleets.store import PinStore
from bot.features.visitors.decide import decide_view
from bot.features.visitors.facts import Person, Sight, ViewFacts, VisibleFleet
from bot.features.visitors.questions import PATIENCE, AskGitHub, Key, Questions, RepositoryAccess
from bot.github.app import App
from bot.github.endpoints import people, repository


def ask_as_installation(app: App) -> AskGitHub:
    """Reads a person's access as the installation of the fleet, with no permission but to read metadata."""

    def ask(fleet: VisibleFleet, person: Person) -> RepositoryAccess:
        installation = InstallationId(fleet.installation)
        app.budget(installation).admit()  # not urgent: a visit is no command
        client = app.as_installation(installation, repositories=[fleet.name], permissions={"metadata": "read"})
        found = repository.find_repository(client, fleet.name)
        permission = people.read_permission(client, fleet.name, person.login, account=person.id)
        return RepositoryAccess(private=found is None or found.private, permission=permission)

    return ask


class NotAnsweredYet(Exception):  # noqa: N818 - it says what happened
    """GitHub did not answer in time whether somebody may see this."""


class Sights:
    """Which fleets a person may see. Safe between threads. What cannot be read may not be seen."""

    def __init__(
        self, pins: PinStore, ask: AskGitHub, now: Callable[[], float], *, patience: float = PATIENCE
    ) -> None:
        """`now`: in seconds since the epoch. `patience`: seconds that a visit waits for GitHub."""
        self._pins = pins
        self._questions = Questions(ask, now, patience=patience)

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

    def find_for(self, person: Person, name: str, sight: Sight) -> VisibleFleet | None:
        """The fleet that is called so, if `person` may see this of it. Asks GitHub when it did not say lately.

        For a name that no fleet has, GitHub is asked as much, about another one: neither the answer nor the time that
        it takes tells whether there is such a fleet. Raises NotAnsweredYet.
        """
        fleets, key = self.fleets(), Key(name.lower(), person.id)
        fleet = next((one for one in fleets if one.name.lower() == key.name), None)
        if not fleets:
            return None
        if fleet is None:
            key = key._replace(real=False)
        found = self._questions.find(person, {key: fleet or _stand_in(fleets, key.name)})
        if key not in found:
            raise NotAnsweredYet
        return fleet if fleet is not None and _allows(found[key], fleet, sight) else None

    def may_see(self, person: Person, fleet: VisibleFleet, sight: Sight) -> bool:
        """Whether `person` may see this of `fleet`, which they may not as long as GitHub does not answer."""
        key = Key(fleet.name.lower(), person.id)
        return _allows(self._questions.find(person, {key: fleet}).get(key), fleet, sight)

    def list_for(self, person: Person) -> tuple[tuple[VisibleFleet, ...], bool]:
        """The fleets whose pages `person` may see, as far as is known, and whether GitHub answered for all."""
        about = {Key(fleet.name.lower(), person.id): fleet for fleet in self.fleets()}
        found = self._questions.find(person, about, later=True)
        seen = tuple(fleet for key, fleet in about.items() if _allows(found.get(key), fleet, Sight.FLEET))
        return seen, all(found.get(key) is not None for key in about)


def _stand_in(fleets: tuple[VisibleFleet, ...], name: str) -> VisibleFleet:
    """The fleet that GitHub is asked about in place of one that there is not: always the same for one name."""
    return fleets[int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % len(fleets)]


def _allows(access: RepositoryAccess | None, fleet: VisibleFleet, sight: Sight) -> bool:
    if access is None:
        return False
    facts = ViewFacts(
        sight=sight, private=access.private, permission=access.permission, for_readers=fleet.for_readers
    )
    return decide_view(facts).allows
