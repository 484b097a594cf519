"""What follows a command that was carried out: a look at the merges that waited, unless it changed nothing."""

from __future__ import annotations

from typing import cast

import pytest

from bot.domain.names import BranchName, InstallationId, NodeName, PullNumber, RepoName
from bot.domain.verbs import Verb
from bot.domain.verdicts import Permission
from bot.features.commands import run
from bot.features.commands.apply.command import DecidedCommand
from bot.features.commands.decide.actions import Answer, Decision, GiveLocksBack, MakePlan, Refuse
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.record import CommandRecord
from bot.features.commands.grammar import Command
from bot.features.commands.jobs import RunCommand
from bot.features.commands.run import CommandTools
from bot.features.fleets.jobs import NodesFreed
from bot.github.client import Client

FLEET, SEVEN = RepoName("acme/fleet"), InstallationId(7)
JOB = RunCommand(
    fleet=FLEET,
    installation=SEVEN,
    actor="mia",
    command=Command(verb=Verb.STATUS),
    source="comment:1",
    number=PullNumber(1),
)
FREED = NodesFreed(fleet=FLEET, installation=SEVEN)


@pytest.mark.parametrize(
    ("decision", "follows"),
    [
        (Answer(reason=CommandReason.STATUS), ()),
        (Answer(reason=CommandReason.HELP), ()),
        (Refuse(reason=CommandReason.NOT_ALLOWED), ()),
        (GiveLocksBack(reason=CommandReason.UNLOCKED, nodes=(NodeName("DESK"),)), (FREED,)),
        (MakePlan(reason=CommandReason.PLANNED), (FREED,)),
    ],
)
def test_only_what_changed_something_has_the_merges_looked_at(
    decision: Decision, follows: tuple[NodesFreed, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = CommandRecord(
        source=JOB.source,
        fleet=FLEET,
        installation=SEVEN,
        pull=PullNumber(1),
        base=BranchName("main"),
        actor="mia",
        permission=Permission.WRITE,
        command=JOB.command,
        decision=decision,
        at=0,
    )
    monkeypatch.setattr(run, "decide_if_heard", lambda *_: DecidedCommand(record, None))
    monkeypatch.setattr(run, "apply_command", lambda *_: ())
    nothing = cast("CommandTools", None), cast("Client", None)
    assert run.run_command(*nothing, JOB) == follows
