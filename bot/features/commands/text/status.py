"""The status of a fleet: what every node runs, which are locked, and whether bumps are on hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.names import NodeName, short
from bot.features.commands.facts.command import CommandFacts, NodeAt, Position
from bot.features.holds.facts import Hold, Lock
from bot.text import markdown as md


def render_status(facts: CommandFacts) -> str:
    """The table of the nodes, then the locks and the hold, then the commits that a rollback may go to."""
    waves = {name: number for number, wave in enumerate(facts.waves, start=1) for name in wave}
    rows = [_row(node, facts.base, waves) for node in facts.nodes]
    parts = [
        md.table(["node", "wave", "runs", "", "order", "lock"], rows) if rows else "The fleet file lists no nodes.",
        _render_hold(facts.hold),
        _render_good(facts.nodes),
    ]
    return "\n\n".join(part for part in parts if part)


def _row(node: NodeAt, base: Position | None, waves: dict[NodeName, int]) -> list[str]:
    runs = md.code(short(node.runs.pin)) if node.runs else "not deployed yet"
    if node.ahead is not None:
        stands = f"**ahead of its pin, for #{node.ahead}**"
    elif base is None or node.runs is None:
        stands = ""
    else:
        stands = "as pinned" if node.runs.pin == base.pin else f"pinned: {md.code(short(base.pin))}"
    newest = next((order for order in node.past if not order.kind.reads_only), None)
    told = f"{newest.kind} {newest.number}: {newest.state.replace('_', ' ') or 'made'}" if newest else ""
    return [
        md.code(node.node.name),
        str(waves.get(node.node.name, "")),
        runs,
        stands,
        md.link(told, newest.log_url) if newest else told,
        render_lock(node.lock) if node.lock else "",
    ]


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
