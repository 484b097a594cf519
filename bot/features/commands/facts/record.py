"""What was decided about a command, as it is kept: decided once, carried out until its orders have ended. Pure."""

from __future__ import annotations

from bot.domain.names import BranchName, InstallationId, NodeName, PlanId, PullNumber, RepoName, SubmodulePath
from bot.domain.values import StoredValue, Value
from bot.features.audit.facts import Audited, Record
from bot.features.commands.decide.actions import Decision, GiveOrders, Refuse, TakeLocks
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import CommandFacts
from bot.features.commands.grammar import Command, Misread, spell
from bot.features.holds.facts import Lock
from bot.fleetfile import Submodule
from bot.github.shapes import Permission
from bot.plan.order import OrderRequest
from bot.text.times import iso_time


class Way(Value, frozen=True):
    """Where the orders of one pin go, and where they come from."""

    submodule: Submodule
    upstream: RepoName
    default_branch: BranchName


class Asked(StoredValue, frozen=True):
    """One command and what was decided about it. `source` is its id; what has it is the same command."""

    source: str
    fleet: RepoName
    installation: InstallationId
    pull: PullNumber
    base: BranchName
    actor: str
    permission: Permission
    said: Command | Misread
    decision: Decision
    at: int  # seconds since the epoch
    submodule: SubmodulePath | None = None
    orders: tuple[OrderRequest, ...] = ()
    plan: PlanId | None = None
    prefix: str = "/"
    known: tuple[str, ...] = ()  # names that might have been meant, for a suggestion
    locks: tuple[Lock, ...] = ()  # those that stood in the way
    link: str = ""  # of the pull request that makes the record follow
    shown: str = ""  # the plan that was shown before it acts, as Markdown of ours


def compose_asked(
    facts: CommandFacts,
    decision: Decision,
    *,
    source: str,
    fleet: RepoName,
    installation: InstallationId,
    pull: PullNumber,
    base: BranchName,
    at: int,
    way: Way | None,
) -> Asked:
    """What is kept of a decision. `way` says where the orders go; without it there are none."""
    stood = decision.about if isinstance(decision, Refuse) and decision.reason is CommandReason.LOCKED else ()
    names = [*(node.node.name for node in facts.nodes), *(sorted(facts.plan.stacks) if facts.plan else ())]
    gives = decision if isinstance(decision, GiveOrders) else None
    return Asked(
        source=source,
        fleet=fleet,
        installation=installation,
        pull=pull,
        base=base,
        actor=facts.actor.login,
        permission=facts.actor.permission,
        said=facts.said,
        decision=decision,
        at=at,
        submodule=way.submodule.path if way else None,
        orders=_compose_orders(facts, gives, source, fleet, base, pull, way) if gives and way else (),
        plan=gives.plan if gives else None,
        prefix=facts.fleet.commands.prefix if facts.fleet else "/",
        known=tuple(names),
        locks=tuple(node.lock for node in facts.nodes if node.lock and node.node.name in stood),
    )


def _compose_orders(  # noqa: PLR0917 - one caller, just above
    facts: CommandFacts,
    gives: GiveOrders,
    source: str,
    fleet: RepoName,
    base: BranchName,
    pull: PullNumber,
    way: Way,
) -> tuple[OrderRequest, ...]:
    nodes = {node.node.name: node.node for node in facts.nodes}
    return tuple(
        OrderRequest(
            kind=gives.kind,
            fleet=fleet,
            node=nodes[target.node],
            base=base,
            default_branch=way.default_branch,
            submodule=way.submodule,
            upstream=way.upstream,
            commit=target.to.commit,
            pin=target.to.pin,
            marker=source,
            pull=pull,
            head_of=pull if gives.of_head else None,
            approved=gives.plan,
            stacks=gives.stacks,
        )
        for target in gives.targets
    )


def compose_locks(asked: Asked, *, hours: int) -> tuple[Lock, ...]:
    """The locks that a command takes: asked for, or because it puts a pull request's head on nodes."""
    decision = asked.decision
    if isinstance(decision, TakeLocks):
        nodes, reason = decision.nodes, decision.text
    elif isinstance(decision, GiveOrders) and decision.locks:
        nodes, reason = tuple(target.node for target in decision.targets), ""
    else:
        return ()
    return tuple(
        Lock(
            fleet=asked.fleet,
            node=node,
            pull=asked.pull,
            owner=asked.actor,
            reason=reason,
            taken_at=asked.at,
            expires_at=asked.at + hours * 3600,
        )
        for node in nodes
    )


def record_of(asked: Asked) -> Record:
    """The line of the audit trail that says what was asked and decided."""
    return Record(
        what=Audited.ASKED,
        fleet=asked.fleet,
        at=iso_time(asked.at),
        actor=asked.actor,
        pull=asked.pull,
        source=asked.source,
        said=spell(asked.said, prefix=asked.prefix),
        permission=asked.permission,
        reason=asked.decision.reason,
        plan=asked.plan or "",
        glass=getattr(asked.decision, "glass", ""),
    )


def lock_record(asked: Asked, what: Audited, node: NodeName) -> Record:
    """A lock that a command took or ended."""
    return Record(
        what=what,
        fleet=asked.fleet,
        at=iso_time(asked.at),
        actor=asked.actor,
        pull=asked.pull,
        source=asked.source,
        node=node,
        glass=getattr(asked.decision, "glass", ""),
    )
