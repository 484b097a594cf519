"""`commands:` and `locks:` of the fleet file: who may say what in a pull request. Pure."""

from __future__ import annotations

from bot.domain.values import Value
from bot.fleetfile.fields import NamedTexts, Number, Part, Section, Text, Texts
from bot.fleetfile.shapes import PREFIX, PRINCIPAL, VERB

Principals = tuple[str, ...]
"""Any one of them is enough: a permission (`write`), `team:SLUG` or `person:LOGIN`."""

DEFAULT_WHO: Principals = ("write",)


class Commands(Value, frozen=True):
    """Who may say what to the bot. A command that is not named in `who` is for `write` and higher."""

    prefix: str = "/"
    who: dict[str, Principals] = {}
    break_glass: Principals = ()  # empty: nobody

    def who_may(self, verb: str) -> Principals:
        """Whom a command is for."""
        return self.who.get(verb, DEFAULT_WHO)


class Locks(Value, frozen=True):
    """How long a node stays a pull request's."""

    hours: int = 24


COMMANDS = Part(
    "commands",
    "what may be said to the bot in a pull request",
    Section(
        Commands,
        (
            Text("prefix", "what a command begins with; `/aios` makes it `/aios deploy`", PREFIX, "/aios"),
            NamedTexts(
                "who",
                "whom a command is for, any of the list; left out: `write` and higher",
                VERB,
                "deploy",
                PRINCIPAL,
                "maintain",
            ),
            Texts(
                "break_glass",
                "who may pass a lock, a missing review or a failed check by `because REASON`; left out: nobody",
                PRINCIPAL,
                "admin",
            ),
        ),
    ),
)
LOCKS = Part(
    "locks",
    "a pull request's hold on a node",
    Section(Locks, (Number("hours", "how long a lock lasts that nobody gives back", 1, 720, 24),)),
)
