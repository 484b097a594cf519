"""The sections of a plan's report, each with fuller and shorter variants. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from bot.domain.names import NodeName
from bot.domain.severity import Severity
from bot.plan.model import Plan, SourceLine
from bot.plan.report.links import Links
from bot.plan.report.rows import (
    Row,
    Totals,
    count,
    find_rows,
    missing_variables,
    new_variables,
    node_remarks,
    node_warnings,
    remarks,
    source_of,
    unreadable_stacks,
)
from bot.protocol.action import Action
from bot.text import markdown as md
from bot.text.budget import Section, Variant
from bot.text.counts import plural

ICONS = {Severity.RISKY: "🔴", Severity.NOTICE: "🟡", Severity.INFO: "⚪"}
NOTHING = Section((lambda _budget: Variant(""),))
_HEADER = ("", "service", "what happens", "why it matters")
_ROWS_ABOUT = "the causes in the table"
_MAX_REASONS = 4
_MAX_LINE = 240  # characters of one reason or risk
_SHORT_LINE = 80
_MAX_NODES = 3
_MAX_VARIABLES = 10


def headline(plan: Plan) -> str:
    """Render the first line: what could not be analysed, what happens, how severe it is, and what is unchanged."""
    totals = count(plan)
    unread = f"{plural(totals.unreadable, 'stack')} could not be analysed" if totals.unreadable else ""
    if totals.restarts:
        nodes = f" on {totals.nodes} of {totals.all_nodes} nodes" if totals.all_nodes > 1 else ""
        first = "First deploy: " if plan.old is None else ""
        lead = f"**{first}{plural(totals.services, 'service')} {_actions(totals)}{nodes}**"
        lead = f"⛔ **{unread}** · {_not_deployed(plan)} · {lead}" if unread else lead
    elif unread:
        lead = f"⛔ **{unread}; nothing else restarts** · {_not_deployed(plan)}"
    else:
        lead = "**Nothing restarts**"
        lead += f" · {plural(totals.services, 'service')} reloaded" if totals.services else ""
    marks = [
        f"{ICONS[severity]} {totals.severities[severity]} {words}"
        for severity, words in ((Severity.RISKY, "risky"), (Severity.NOTICE, "to look at"))
        if totals.severities[severity]
    ]
    same = [f"{totals.unchanged} unchanged"] if totals.unchanged else []
    warned = [
        f"⚠️ {nodes_in_words(nodes)}: {one_line(warning, _MAX_LINE)}."
        for warning, nodes in node_warnings(plan).items()
    ]
    return joined([" · ".join([lead, *marks, *same]), *warned])


def _not_deployed(plan: Plan) -> str:
    """The nodes that a merge does not touch, because nobody knows all that it would do there."""
    nodes = tuple(dict.fromkeys(node.node for node, _ in unreadable_stacks(plan)))
    return f"merging will not deploy to {nodes_in_words(nodes)}"


_WORDS = {
    Action.REMOVE: "removed",
    Action.REBUILD: "rebuilt",
    Action.RECREATE: "recreated",
    Action.CREATE: "created",
    Action.RESTART: "restarted",
    Action.RELOAD: "reloaded",
}


def _actions(totals: Totals) -> str:
    counts = [(totals.actions[action], word) for action, word in _WORDS.items() if totals.actions[action]]
    if len(counts) == 1:
        return counts[0][1]
    return f"changed ({', '.join(f'{number} {word}' for number, word in counts)})"


# The table.


def table(plan: Plan, links: Links) -> Section:
    """Render the table, the most severe first. It always stays: shortened rows, then names, then a count."""
    rows = find_rows(plan)
    if not rows:
        return NOTHING
    return Section(
        (
            lambda _budget: Variant(md.table(_HEADER, [_full(row, plan, links) for row in rows])),
            lambda _budget: Variant(
                md.table(_HEADER, [_shortened(row) for row in rows]), "details of the table's rows"
            ),
            lambda _budget: Variant(md.table(_HEADER, _names(rows)), _ROWS_ABOUT),
            partial(_counted, _names(rows)),
        )
    )


def _full(row: Row, plan: Plan, links: Links) -> list[str]:
    most = len(row.reasons) if row.severity is Severity.RISKY else _MAX_REASONS
    reasons = [one_line(reason.text, _MAX_LINE) for reason in row.reasons[:most]]
    if len(row.reasons) > most:
        reasons.append(f"and {len(row.reasons) - most} more")
    if row.note:
        reasons.append(one_line(row.note, _MAX_LINE))
    line = source_of(row)
    where = _where(row)
    if line is not None:
        where += f" · {_linked(plan, links, line)}"
    several = len({risk.severity for risk in row.risks}) > 1
    risks = [f"{ICONS[r.severity]} " * several + one_line(r.text, _MAX_LINE) for r in row.risks]
    return [ICONS[row.severity], where, "<br>".join([_does(row), *reasons]), "<br>".join(risks)]


def _shortened(row: Row) -> list[str]:
    reasons = [one_line(reason.text, _SHORT_LINE) for reason in row.reasons[:1]]
    risks = [one_line(risk.text, _SHORT_LINE) for risk in row.risks[:1]]
    return [ICONS[row.severity], _where(row), "<br>".join([_does(row), *reasons]), "".join(risks)]


def _names(rows: Sequence[Row]) -> list[list[str]]:
    """Rows without their causes; rows that are then equal are merged."""
    found: dict[tuple[str, ...], list[NodeName]] = {}
    for row in rows:
        found.setdefault((ICONS[row.severity], _name(row), _does(row)), []).extend(row.nodes)
    return [
        [icon, f"{name} {nodes_in_words(list(dict.fromkeys(nodes)))}", does, ""]
        for (icon, name, does), nodes in found.items()
    ]


def _does(row: Row) -> str:
    return f"**{md.text(row.does)}**" if row.action is not Action.NONE or row.service is None else "unchanged"


def _where(row: Row) -> str:
    return f"{_name(row)} {nodes_in_words(row.nodes)}"


def _name(row: Row) -> str:
    return f"**{md.text(row.service or row.stack)}**<br>" + (f"{md.text(row.stack)} on" if row.service else "on")


def _counted(rows: Sequence[Sequence[str]], budget: int) -> Variant:
    tail = "\n\n… and {} more rows"
    head = len(md.table(_HEADER, [])) + len(tail) + 8
    kept = len(list(take_within((" | ".join(["", *row, ""]) for row in rows), budget - head)))
    if kept == len(rows):
        return Variant(md.table(_HEADER, rows), _ROWS_ABOUT)
    left_out = f"{plural(len(rows) - kept, 'row')} of the table"
    if not kept:
        return Variant(f"{plural(len(rows), 'row')} do not fit here.", left_out)
    return Variant(md.table(_HEADER, rows[:kept]) + tail.format(len(rows) - kept), left_out)


def _linked(plan: Plan, links: Links, line: SourceLine) -> str:
    return links.source(plan, line, f"line\u00a0{line.line}")  # the number stays beside its word


def nodes_in_words(nodes: Sequence[NodeName]) -> str:
    shown = ", ".join(md.text(node) for node in nodes[:_MAX_NODES])
    return shown if len(nodes) <= _MAX_NODES else f"{shown} and {len(nodes) - _MAX_NODES} more"


def one_line(hostile: str, most: int) -> str:
    return md.text(md.cut(hostile, most))


# What needs attention although nothing may restart.


def errors(plan: Plan, links: Links) -> Section:
    """Render the stacks that could not be analysed, each message once, with its line."""
    found: dict[tuple[str, str, SourceLine | None], list[NodeName]] = {}
    for node, stack in unreadable_stacks(plan):
        found.setdefault((stack.stack, stack.error or "", stack.error_at), []).append(node.node)
    blocks = []
    for (name, error, where), nodes in found.items():
        at = f" ({_linked(plan, links, where)})" if where else ""
        blocks.append(f"**Could not analyse** {md.code(name)} on {nodes_in_words(nodes)}{at}:\n\n{md.fence(error)}")
    stacks = len({name for name, _, _ in found})
    return _blocks(blocks, "messages about stacks", f"**Could not analyse** {plural(stacks, 'stack')}.")


def missing(plan: Plan) -> Section:
    """Render the variables that stacks need and nodes do not declare, a line for each node; and what is not known."""
    lines, number = [], 0
    for node, names in missing_variables(plan).items():
        listed = ", ".join(md.code(md.cut(name, 80)) for name in names)
        stacks = ", ".join(md.text(stack) for stack in dict.fromkeys(s for users in names.values() for s in users))
        cure = "declare it in the fleet file, or set it on the node if it is secret"
        lines.append(f"⚠️ **{md.text(node)} has no {listed}** (used by {stacks}): {cure}.")
        number += len(names)
    fresh = [
        f"{md.code(md.cut(name, 80))} ({', '.join(md.text(stack) for stack in stacks)})"
        for name, stacks in new_variables(plan).items()
    ]
    if fresh:
        more = f" and {len(fresh) - _MAX_VARIABLES} more" if len(fresh) > _MAX_VARIABLES else ""
        lines.append(f"New variables, each with a value or a default: {', '.join(fresh[:_MAX_VARIABLES])}{more}.")
    lines += [
        f"{md.text(stack)} on {nodes_in_words(nodes)}: {one_line(remark, _MAX_LINE)}."
        for (stack, remark), nodes in remarks(plan).items()
    ]
    lines += [
        f"{nodes_in_words(nodes)}: {one_line(remark, _MAX_LINE)}." for remark, nodes in node_remarks(plan).items()
    ]
    return _blocks(lines, "variables", f"⚠️ **{plural(number, 'variable')} missing** on nodes." if number else "")


def _blocks(blocks: Sequence[str], what: str, least: str) -> Section:
    """Render all blocks, or `least` and as many as fit."""

    def some(budget: int) -> Variant:
        kept = list(take_within(blocks, budget - len(least) - 2))
        return (
            Variant(joined(kept)) if len(kept) == len(blocks) else Variant(joined(filter(None, [least, *kept])), what)
        )

    return Section((lambda _budget: Variant(joined(blocks)), some)) if blocks else NOTHING


def joined(blocks: Iterable[str]) -> str:
    return "\n\n".join(blocks)


def left_out(links: Links) -> Callable[[tuple[str, ...]], str]:
    """Render the sentence that says what was left out."""

    def notice(what: tuple[str, ...]) -> str:
        whole = f" See {links.whole('the whole plan')}." if links.details else ""
        return f"_Left out for length: {', '.join(what)}._{whole}"

    return notice


def take_within(blocks: Iterable[str], budget: int) -> Iterable[str]:
    """The first of `blocks` that fit into `budget` characters, with two more for each."""
    for block in blocks:
        budget -= len(block) + 2
        if budget < 0:
            return
        yield block
