"""What was decided about a command, as it is kept: decided once, carried out until its orders have ended. Pure."""

from __future__ import annotations

from bot.domain.names import BranchName, InstallationId, NodeName, PlanId, PullNumber, RepoName, SubmodulePath
from bot.domain.values import StoredValue, Value
from bot.domain.verbs import Verb
from bot.domain.verdicts import Permission
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.commands.decide.actions import Decision, GiveOrders, Refuse, TakeLocks
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import CommandFacts, NodeAt
from bot.features.commands.grammar import Command, Misread, spell
from bot.features.holds.facts import Lock
from bot.fleetfile import Submodule
from bot.plan.order import OrderRequest
from bot.protocol.order import OrderKind
from bot.text.times import iso_time


class OrderRoute(Value, frozen=True):
    """Where the orders of one pin go, and where they come from."""

    submodule: Submodule
    upstream: RepoName
    default_branch: BranchName


class CommandRecord(StoredValue, frozen=True, rename={"command": "said"}):
    """One command and what was decided about it. `source` is its id; what has it is the same command."""

    source: str
    fleet: RepoName
    installation: InstallationId
    pull: PullNumber
    base: BranchName
    actor: str  # a login; "" for what nobody asked for: the end of the pull request itself
    permission: Permission
    command: Command | Misread
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
    unlinked: str = ""  # why there is no link, in GitHub's words


def compose_record(
    facts: CommandFacts,
    decision: Decision,
    *,
    source: str,
    fleet: RepoName,
    installation: InstallationId,
    pull: PullNumber,
    base: BranchName,
    at: int,
    route: OrderRoute | None,
) -> CommandRecord:
    """What is kept of a decision. `route` says where the orders go; without it there are none."""
    stood = decision.about if isinstance(decision, Refuse) and decision.reason is CommandReason.LOCKED else ()
    names = [*(node.node.name for node in facts.nodes), *(sorted(facts.plan.stacks) if facts.plan else ())]
    gives = decision if isinstance(decision, GiveOrders) else None
    return CommandRecord(
        source=source,
        fleet=fleet,
        installation=installation,
        pull=pull,
        base=base,
        actor=facts.actor.login,
        permission=facts.actor.permission,
        command=facts.command,
        decision=decision,
        at=at,
        submodule=route.submodule.path if route else None,
        orders=_compose_orders(facts.nodes, gives, source, fleet, base, pull, route) if gives and route else (),
        plan=gives.plan if gives else None,
        prefix=facts.fleet.commands.prefix if facts.fleet else "/",
        known=tuple(names),
        locks=tuple(node.lock for node in facts.nodes if node.lock and node.node.name in stood),
    )


def _compose_orders(  # noqa: PLR0917 - one caller, just above
    at: tuple[NodeAt, ...],
    gives: GiveOrders,
    source: str,
    fleet: RepoName,
    base: BranchName,
    pull: PullNumber,
    route: OrderRoute,
) -> tuple[OrderRequest, ...]:
    nodes = {node.node.name: node.node for node in at}
    return tuple(
        OrderRequest(
            kind=gives.kind,
            fleet=fleet,
            node=nodes[target.node],
            base=base,
            default_branch=route.default_branch,
            submodule=route.submodule,
            upstream=route.upstream,
            commit=target.to.commit,
            pin=target.to.pin,
            marker=source,
            pull=pull,
            head_of=pull if gives.of_head else None,
            approved=gives.plan,
            stacks=gives.stacks,
            replaces_queued=gives.kind in (OrderKind.ROLLBACK, OrderKind.RESTORE),
        )
        for target in gives.targets
    )


def compose_restore(
    decision: GiveOrders,
    nodes: tuple[NodeAt, ...],
    *,
    source: str,
    fleet: RepoName,
    installation: InstallationId,
    pull: PullNumber,
    base: BranchName,
    at: int,
    route: OrderRoute,
    prefix: str,
) -> CommandRecord:
    """What is kept of returning nodes to their base because their pull request was closed."""
    return CommandRecord(
        source=source,
        fleet=fleet,
        installation=installation,
        pull=pull,
        base=base,
        actor="",
        permission=Permission.NONE,
        command=Command(verb=Verb.ROLLBACK),
        decision=decision,
        at=at,
        submodule=route.submodule.path,
        orders=_compose_orders(nodes, decision, source, fleet, base, pull, route),
        prefix=prefix,
        known=tuple(node.node.name for node in nodes),
    )


def compose_locks(record: CommandRecord, *, hours: int) -> tuple[Lock, ...]:
    """The locks that a command takes: asked for, or because it puts a pull request's head on nodes."""
    decision = record.decision
    if isinstance(decision, TakeLocks):
        nodes, reason = decision.nodes, decision.text
    elif isinstance(decision, GiveOrders) and decision.locks:
        nodes, reason = tuple(target.node for target in decision.targets), ""
    else:
        return ()
    return tuple(
        Lock(
            fleet=record.fleet,
            node=node,
            pull=record.pull,
            owner=record.actor,
            reason=reason,
            taken_at=record.at,
            expires_at=record.at + hours * 3600,
        )
        for node in nodes
    )


def audit_command(record: CommandRecord) -> AuditRecord:
    """The line of the audit trail that says what was asked and decided."""
    return AuditRecord(
        what=Audited.ASKED,
        fleet=record.fleet,
        at=iso_time(record.at),
        actor=record.actor,
        pull=record.pull,
        source=record.source,
        said=spell(record.command, prefix=record.prefix),
        permission=record.permission,
        reason=record.decision.reason,
        plan=record.plan or "",
        override_reason=getattr(record.decision, "override_reason", ""),
    )


def audit_lock(record: CommandRecord, what: Audited, node: NodeName) -> AuditRecord:
    """A lock that a command took or ended."""
    return AuditRecord(
        what=what,
        fleet=record.fleet,
        at=iso_time(record.at),
        actor=record.actor,
        pull=record.pull,
        source=record.source,
        node=node,
        override_reason=getattr(record.decision, "override_reason", ""),
    )
