"""The reply to a command: one comment, edited as its orders progress."""

from __future__ import annotations

import difflib
import re

from bot.domain.names import NodeName
from bot.domain.values import Value
from bot.domain.verbs import PREFIX, Verb
from bot.features.commands.decide.actions import GiveOrders, Refuse, TakeLocks
from bot.features.commands.decide.reasons import CommandReason
from bot.features.commands.facts.record import CommandRecord
from bot.features.commands.grammar import USAGES, Misread, spell
from bot.features.commands.text.words import WORDS, Tone
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
    said = record.said
    return "misread" if isinstance(said, Misread) else str(said.verb)


def render_reply(record: CommandRecord, orders: tuple[OrderView, ...] = (), extra: Extra | None = None) -> str:
    """The whole comment."""
    words, decision = WORDS[record.decision.reason], record.decision
    about = decision.about if isinstance(decision, Refuse) else ()
    said = words.said.format(about=", ".join(md.code(one) for one in about) or "it")
    extra = extra or Extra()
    parts = [
        f"{_ICON[words.tone]} **{said}** {words.cure}".rstrip(),
        _suggest(record, about),
        _show_locks(record),
        _show_override(record),
        extra.note,
        render_help(record.prefix) if decision.reason is CommandReason.HELP else "",
        extra.status,
        extra.plan or record.shown,
        _render_orders(orders) if orders else "",
        f"Pull request that moves the pin back: {record.link}" if record.link else "",
        _footer(record),
        reply_marker(record.source, kind_of(record)),
    ]
    return "\n\n".join(part for part in parts if part)


def _footer(record: CommandRecord) -> str:
    line = md.code(spell(record.said, prefix=record.prefix)[:200])
    plan = f" · plan {md.code(record.plan)}" if record.plan else ""
    return f"<sub>{line} by {_actor(record)} · {md.code(record.decision.reason)}{plan}</sub>"


def _suggest(record: CommandRecord, about: tuple[str, ...]) -> str:
    said = record.said
    if isinstance(said, Misread):
        problem = f"{said.problem[0].upper()}{said.problem[1:]}" + (f": {md.code(said.word)}." if said.word else ".")
        return f"{problem} Did you mean {md.code(said.suggestion)}?" if said.suggestion else problem
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
    lead = prefix if prefix == PREFIX else f"{prefix} "
    rows = [[md.code(f"{lead}{verb} {USAGES[verb].shape}"), USAGES[verb].does] for verb in Verb]
    told = "Only the first line of a new comment is read; edits are ignored."
    return f"{md.table(['command', 'what it does'], rows)}\n\n{told}"


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
    table = md.table(["", "node", "state", "", ""], rows)
    return "\n\n".join([table, *(order.details for order in orders[:MOST_DETAILED] if order.details)])
