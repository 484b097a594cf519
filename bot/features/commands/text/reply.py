"""The reply to a command, one comment that is edited as its orders progress; the status of a fleet in it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bot.domain.names import NodeName, short
from bot.domain.values import Value
from bot.domain.verbs import PREFIX, Verb, spell_lead, spell_verb
from bot.features.commands.decide.actions import GiveOrders, Refuse, TakeLocks
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.command import CommandFacts, NodeAt, Position
from bot.features.commands.facts.record import CommandRecord
from bot.features.commands.grammar import USAGES, Misread, spell
from bot.features.commands.text.words import WORDS, Tone
from bot.features.holds.facts import Hold, Lock
from bot.text import markdown as md

_STATE_ICON = {"success": "✅", "failure": "❌", "error": "❌", "in_progress": "🔄", "queued": "🕓", "gone": "🚫"}
MOST_DETAILED = 5  # nodes
_ICON = {Tone.DONE: "🚀", Tone.NO: "🚫", Tone.HUH: "🤔"}
_MARKER = re.compile(r"<!-- aios-bot:reply ([A-Za-z0-9:_-]+) ([a-z]+) -->")
_SAFE = re.compile(r"[^A-Za-z0-9:_-]")


class OrderView(Value, frozen=True):
    """How far one node's order is. `state` is GitHub's word, "waiting" or "gone"; the description is hostile."""

    node: NodeName
    state: str
    description: str = ""
    log_url: str = ""
    details: str = ""  # below the table: Markdown of ours


class Extra(Value, frozen=True):
    """What became of a command, beside its orders. The Markdown is ours, and safe."""

    status: str = ""
    plan: str = ""  # the table of a plan
    note: str = ""


def reply_marker(source: str, kind: str) -> str:
    """What tells the reply to one command from all other comments. `kind` is the verb, for finding older ones."""
    return f"<!-- aios-bot:reply {_SAFE.sub('-', source)} {kind} -->"


def parse_reply_marker(body: str) -> tuple[str, str] | None:
    """Source and kind of a reply, or None."""
    found = _MARKER.search(body)
    return (found.group(1), found.group(2)) if found else None


def kind_of(record: CommandRecord) -> str:
    """The kind of a command's reply."""
    return "misread" if isinstance(record.command, Misread) else str(record.command.verb)


def render_reply(record: CommandRecord, orders: tuple[OrderView, ...] = (), extra: Extra | None = None) -> str:
    """The whole comment."""
    words, decision = WORDS[record.decision.reason], record.decision
    about = decision.about if isinstance(decision, Refuse) else ()
    headline = words.headline.format(about=", ".join(md.code(one) for one in about) or "it")
    extra = extra or Extra()
    parts = [
        f"{_ICON[words.tone]} **{headline}** {words.cure.format(lead=spell_lead(record.prefix))}".rstrip(),
        _suggest(record, about),
        _show_locks(record),
        _show_override(record),
        extra.note,
        render_help(record.prefix) if decision.reason is CommandReason.HELP else "",
        extra.status,
        extra.plan or record.shown,
        _render_orders(orders) if orders else "",
        f"Pull request that moves the pin back: {record.link}" if record.link else "",
        _say_unlinked(record),
        _footer(record),
        reply_marker(record.source, kind_of(record)),
    ]
    return "\n\n".join(part for part in parts if part)


def _say_unlinked(record: CommandRecord) -> str:
    if not record.unlinked:
        return ""
    words = md.text(md.cut(" ".join(record.unlinked.split()), 300))
    return f"No pull request moves the pin back: {words}. Move it back by hand, or the next rollout brings it again."


def _footer(record: CommandRecord) -> str:
    line = md.code(spell(record.command, prefix=record.prefix)[:200])
    plan = f" · plan {md.code(record.plan)}" if record.plan else ""
    return f"<sub>{line} by {_actor(record)} · {md.code(record.decision.reason)}{plan}</sub>"


def _suggest(record: CommandRecord, about: tuple[str, ...]) -> str:
    command = record.command
    if isinstance(command, Misread):
        problem = f"{command.problem[0].upper()}{command.problem[1:]}"
        problem += f": {md.code(command.word)}." if command.word else "."
        return f"{problem} Did you mean {md.code(command.suggestion)}?" if command.suggestion else problem
    if record.decision.reason is CommandReason.UNKNOWN_NAME and about:
        near = difflib.get_close_matches(about[0], record.known, n=1, cutoff=0.6)
        return f"Did you mean {md.code(near[0])}?" if near else f"Known: {', '.join(map(md.code, record.known))}."
    return ""


def _show_locks(record: CommandRecord) -> str:
    if isinstance(record.decision, TakeLocks):
        listed = ", ".join(md.code(node) for node in record.decision.nodes)
        return f"{listed}: {md.text(record.decision.text)}"
    lines = [
        f"- {md.code(lock.node)} is locked for #{lock.pull} by {md.text(lock.owner)}"
        + (f": {md.text(lock.reason)}" if lock.reason else ", who deployed to it")
        for lock in record.locks
    ]
    return "\n".join(lines)


def _actor(record: CommandRecord) -> str:
    return md.text(record.actor) if record.actor else "closing this pull request"


def _show_override(record: CommandRecord) -> str:
    decision = record.decision
    if not isinstance(decision, GiveOrders) or not decision.override_reason:
        return ""
    return f"⚠️ **{_actor(record)} overrode the rules**, because {md.text(decision.override_reason)}"


def render_help(prefix: str = PREFIX) -> str:
    """Every command, with its shape."""
    rows = [[md.code(spell_verb(verb, USAGES[verb].shape, prefix=prefix)), USAGES[verb].does] for verb in Verb]
    note = "Only the first line of a new comment is read; edits are ignored."
    return f"{md.table(['command', 'what it does'], rows)}\n\n{note}"


def _render_orders(orders: tuple[OrderView, ...]) -> str:
    rows = [
        [
            _STATE_ICON.get(order.state, "⏳"),
            md.code(order.node),
            order.state.replace("_", " "),
            md.text(order.description),
            md.link("log", order.log_url) if md.is_linkable(order.log_url) else "",
        ]
        for order in orders
    ]
    table = md.table(["", "node", "state", "details", "log"], rows)
    return "\n\n".join([table, *(order.details for order in orders[:MOST_DETAILED] if order.details)])


def render_status(facts: CommandFacts) -> str:
    """The table of the nodes, then the locks and the hold, then the commits that a rollback may go to."""
    waves = {name: number for number, wave in enumerate(facts.waves, start=1) for name in wave}
    rows = [_row(node, facts.base, waves) for node in facts.nodes]
    parts = [
        md.table(["node", "wave", "runs", "against its pin", "order", "lock"], rows)
        if rows
        else "The fleet file lists no nodes.",
        _render_hold(facts.hold),
        _render_good(facts.nodes),
    ]
    return "\n\n".join(part for part in parts if part)


def _row(node: NodeAt, base: Position | None, waves: dict[NodeName, int]) -> list[str]:
    runs = ", ".join(_runs(node))
    if node.ahead is not None:
        stands = f"**ahead of its pin, for #{node.ahead}**"
    elif base is None or node.runs is None:
        stands = ""
    else:
        there = all(position.pin == base.pin for position in (node.runs, *node.apart.values()))
        stands = "as pinned" if there else f"pending: {md.code(short(base.pin))}"
    newest = next((order for order in node.past if not order.kind.reads_only), None)
    order = f"{newest.kind} {newest.number}: {newest.state.replace('_', ' ') or 'made'}" if newest else ""
    return [
        md.code(node.node.name),
        str(waves.get(node.node.name, "")),
        runs,
        stands,
        md.link(order, newest.log_url) if newest else order,
        render_lock(node.lock) if node.lock else "",
    ]


def _runs(node: NodeAt) -> Iterator[str]:
    yield md.code(short(node.runs.pin)) if node.runs else "not deployed yet"
    for pin in dict.fromkeys(position.pin for position in node.apart.values()):
        own = [md.code(stack) for stack, position in node.apart.items() if position.pin == pin]
        yield f"{', '.join(own)} alone: {md.code(short(pin))}"


def render_lock(lock: Lock) -> str:
    """A lock in a few words."""
    why = f": {md.text(lock.reason)}" if lock.reason else ""
    until = datetime.fromtimestamp(lock.expires_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"#{lock.pull}, {md.text(lock.owner)}{why} (until {until})"


def _render_hold(hold: Hold | None) -> str:
    if hold is None:
        return ""
    why = f": {md.text(hold.reason)}" if hold.reason else ""
    return f"Bumps are on hold, by {md.text(hold.by)}{why}."


def _render_good(nodes: Sequence[NodeAt]) -> str:
    lines = [
        f"- {md.code(node.node.name)}: " + ", ".join(md.code(short(one.pin)) for one in node.good[:5])
        for node in nodes
        if node.good
    ]
    return "Deployed successfully before:\n\n" + "\n".join(lines) if lines else ""
