"""Reads nothing but mirrors: whether a command's author may use it in no base of the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.verbs import Verb
from bot.domain.verdicts import Permission
from bot.features.commands.decide.command import refuse_person
from bot.features.commands.facts.command import Actor, CommandFacts
from bot.features.commands.grammar import Command
from bot.features.commands.jobs import RunCommand
from bot.features.commands.read.command import CommandContext, read_age
from bot.features.fleets import read as fleets_read
from bot.features.fleets.read import NotAFleet
from bot.fleetfile.problems import YamlFileError
from bot.git.git import GitError

if TYPE_CHECKING:
    from bot.features.commands.run import CommandTools


def load_stranger_context(tools: CommandTools, job: RunCommand, permission: Permission) -> CommandContext | None:
    """The facts of a command that its author may use in no base of the fleet; None when that takes more to tell.

    Nothing is asked of GitHub, or fetched: what people without permission write is to cost as little as it can.
    """
    actor = Actor(login=job.actor, permission=permission)
    if permission.reaches(Permission.WRITE) or job.is_button:
        return None
    found: list[CommandContext] = []
    for base in dict.fromkeys(pin.base for pin in tools.fleets.pins.pins_of(job.fleet)):
        try:
            at = fleets_read.read_fleet(tools.fleets, job.fleet, base)
        except (NotAFleet, YamlFileError, GitError):
            return None
        facts = CommandFacts(
            command=job.command, actor=actor, age=read_age(tools, job), fleet=at.file, bound=job.bound
        )
        verb = job.command.verb if isinstance(job.command, Command) else Verb.HELP
        by_team = any(one.startswith("team:") for one in at.file.commands.who_may(verb))
        if by_team or refuse_person(facts) is None:
            return None
        found.append(CommandContext(facts, at, None, None))
    return next(iter(found), None)
