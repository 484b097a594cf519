"""What is decided about commands, kept of them, and replied: every case in full."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec

from bot.domain.names import BranchName, InstallationId, NodeName, RepoName, StackName, SubmodulePath
from bot.features.audit.facts import Audited
from bot.features.commands.decide.actions import GiveOrders, Refuse
from bot.features.commands.decide.command import decide_command
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import CommandFacts, Position
from bot.features.commands.facts.record import (
    CommandRecord,
    OrderRoute,
    audit_command,
    audit_lock,
    compose_locks,
    compose_record,
    compose_restore,
)
from bot.features.commands.grammar import Misread
from bot.features.commands.text.reply import Extra, OrderView, render_reply, render_status
from bot.features.rollout.facts import Stage
from bot.fleetfile import Commands, Fleet, Submodule
from bot.protocol.order import OrderKind
from tests.unit.features.commands import test_decide as cases

AT = 1_790_000_000  # seconds since the epoch
ROUTE = OrderRoute(
    submodule=Submodule(path=SubmodulePath("server")),
    upstream=RepoName("Tecnocrat/server"),
    default_branch=BranchName("trunk"),
)


def _record(given: CommandFacts, *, route: OrderRoute | None = ROUTE, **changes: object) -> CommandRecord:
    made = compose_record(
        given,
        decide_command(given),
        source="comment:1",
        fleet=cases.FLEET,
        installation=InstallationId(7),
        pull=cases.PULL,
        base=BranchName("main"),
        at=AT,
        route=route,
    )
    return msgspec.structs.replace(made, **changes)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def render_decisions() -> str:
    """One line for each case."""
    return "\n".join(f"{name}: {_json(decide_command(given()))}" for name, given, _ in cases.ONE_BY_ONE)


LOCKED = cases.node("PROD", lock=cases.lock("PROD", pull=cases.OTHER_PULL, owner="ann"))


@cache
def records() -> dict[str, CommandRecord]:
    """A record of each kind, made when it is needed: importing this calls nothing of what it is to show."""
    return {
        "a deployment of the head": _record(cases.facts("/deploy LAB ingress")),
        "one that goes nowhere": _record(cases.facts("/deploy"), route=None),
        "after the merge": _record(cases.facts("/deploy", **cases.MERGED)),
        "a rollback of two": _record(
            cases.facts("/rollback A B because fire", **cases.MERGED, nodes=(cases.A, cases.B), fleet=None)
        ),
        "in a fire": _record(cases.at_ops("/deploy LAB because fire", cases.IN_A_FIRE)),
        "another's lock": _record(cases.facts("/deploy PROD", nodes=(cases.node(lock=cases.lock()), LOCKED))),
        "there already, and locked": _record(
            cases.facts("/deploy LAB", nodes=(cases.node(runs=cases.HEAD, ahead=cases.PULL, lock=cases.lock()),))
        ),
        "a lock": _record(cases.facts("/lock PROD mine", nodes=cases.TWO)),
        "an unlock in a fire": _record(cases.at_ops("/unlock PROD because fire", cases.IN_A_FIRE, nodes=(LOCKED,))),
        "misread, with a prefix": _record(
            cases.facts("/depoly", plan=None, fleet=Fleet(commands=Commands(prefix="/aios")))
        ),
    }


def _restore() -> CommandRecord:
    given = cases.facts("/rollback", nodes=(cases.node("A", runs=cases.HEAD, ahead=cases.PULL), cases.B))
    decision = decide_command(given)
    assert isinstance(decision, GiveOrders)
    return compose_restore(
        decision,
        given.nodes,
        source="pull:7",
        fleet=cases.FLEET,
        installation=InstallationId(7),
        pull=cases.PULL,
        base=BranchName("main"),
        at=AT,
        route=ROUTE,
        prefix="/aios",
    )


def render_records() -> str:
    """Each record with the locks that it takes and its lines of the audit trail."""
    lines = []
    for name, record in {**records(), "its pull request was closed": _restore()}.items():
        lines += [f"===== {name}", msgspec.json.format(_json(record))]
        lines += [f"locks: {_json(lock)}" for lock in compose_locks(record, hours=2)]
        lines += [f"audit: {_json(audit_command(record))}"]
        lines += [f"audit: {_json(audit_lock(record, Audited.UNLOCKED, NodeName('PROD')))}"]
    return "\n".join(lines)


STATES = ("success", "failure", "error", "in_progress", "queued", "gone", "waiting")
ORDERS = tuple(
    OrderView(
        node=NodeName(state.upper()),
        state=state,
        description=f"is <b>{state}</b>",
        log_url="" if state == "waiting" else f"https://github.example/runs/{number}",
    )
    for number, state in enumerate(STATES)
)


def _unknown(*about: str, known: tuple[str, ...] = ("LAB", "PROD", "ingress")) -> CommandRecord:
    decision = Refuse(reason=CommandReason.UNKNOWN_NAME, about=about)
    return msgspec.structs.replace(records()["a deployment of the head"], decision=decision, known=known)


def _replies() -> dict[str, str]:
    deployed, lock = records()["a deployment of the head"], records()["a lock"]
    bare = cases.lock("LAB", pull=cases.OTHER_PULL, owner="bob_")
    return {
        "help": render_reply(_record(cases.facts("/help"))),
        "help, with a prefix": render_reply(_record(cases.facts("/help"), prefix="/aios")),
        "orders": render_reply(deployed, ORDERS),
        "all that may stand there": render_reply(
            msgspec.structs.replace(deployed, shown="(the plan as it was shown)", link="https://github.example/9"),
            ORDERS[:1],
            Extra(status="(status)", note="(note)"),
        ),
        "a plan made now": render_reply(
            msgspec.structs.replace(deployed, shown="(the plan as it was shown)"), (), Extra(plan="(plan made now)")
        ),
        "in a fire": render_reply(records()["in a fire"]),
        "two locks in the way": render_reply(
            msgspec.structs.replace(
                records()["another's lock"],
                locks=(
                    *records()["another's lock"].locks,
                    msgspec.structs.replace(bare, reason=""),
                    msgspec.structs.replace(bare, reason="a <b> *test*"),
                ),
            )
        ),
        "a lock": render_reply(lock),
        "misread": render_reply(records()["misread, with a prefix"]),
        "misread, nothing near": render_reply(_record(cases.facts("/deploy " + "x" * 300))),
        "misread, a word and no suggestion": render_reply(
            _record(cases.facts("/depoly", command=Misread(problem="no such command", word="frobnicate")))
        ),
        "a name that is nearly one": render_reply(_unknown("PRD", "zzz")),
        "a name that is none": render_reply(_unknown("zzz")),
        "no name": render_reply(_unknown()),
        "several are known": render_reply(_record(cases.facts(nodes=cases.TWO))),
        "a long one": render_reply(_record(cases.facts("/hold " + "y" * 280))),
        "its pull request was closed": render_reply(_restore()),
        "a strange source": render_reply(msgspec.structs.replace(deployed, source="button:1:x y:--> z_[bot]")),
    }


def render_replies() -> str:
    """Each reply under its name."""
    return "\n\n".join(f"===== {name}\n\n{text}" for name, text in _replies().items())


def render_statuses() -> str:
    """A fleet with nodes of every kind, then one without any."""
    newest = cases.order(cases.HEAD, Stage.RUNNING, number=12)
    told = msgspec.structs.replace(newest, state="in_progress", log_url="https://github.example/runs/1")
    question = cases.order(cases.BASE, Stage.SUCCEEDED, kind=OrderKind.DRIFT, number=13)
    many = tuple(Position(commit=cases.sha(digit), pin=cases.sha(digit)) for digit in "123456")
    why = msgspec.structs.replace(cases.lock("B"), reason="a <b> *test*", expires_at=AT)
    nodes = (
        cases.node("A", runs=None, good=()),
        cases.node("B", past=(question, told), lock=why, good=many),
        cases.node("C", runs=cases.HEAD, ahead=cases.OTHER_PULL, past=(newest,), good=many[:5]),
        cases.node("D", runs=cases.OLDER, lock=msgspec.structs.replace(why, reason="")),
        cases.node("E", past=(question,)),
        cases.node("F", apart={cases.INGRESS: cases.BASE}),
        cases.node("G", apart={cases.INGRESS: cases.HEAD, cases.DATABASE: cases.HEAD, StackName("web"): cases.OLDER}),
    )
    waves = ((NodeName("B"), NodeName("A")), (NodeName("C"),), (NodeName("D"),))
    hold = msgspec.structs.replace(cases.HELD, by="an_n", reason="a <b> *test*")
    given = cases.facts("/status", nodes=nodes, waves=waves, hold=hold)
    shown = [
        given,
        msgspec.structs.replace(given, nodes=nodes[1:2], base=None, hold=cases.HELD),
        msgspec.structs.replace(given, nodes=(), hold=None),
    ]
    return "\n\n".join(render_status(one) for one in shown)


COMMANDS: dict[str, Callable[[], str]] = {
    "command-decisions.txt": render_decisions,
    "command-records.txt": render_records,
    "command-replies.md": render_replies,
    "command-status.md": render_statuses,
}
