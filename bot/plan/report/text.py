"""Render a plan for a terminal, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec

from bot.domain.names import short
from bot.domain.severity import Severity
from bot.plan.identity import to_builtins
from bot.plan.model import Plan
from bot.plan.report.rows import (
    find_rows,
    missing_variables,
    node_remarks,
    node_warnings,
    remarks,
    summarise,
    unreadable_stacks,
)
from bot.text.markdown import one_line


class Style(StrEnum):
    """What a line is, for a terminal with colours."""

    PLAIN = ""
    HEAD = "bold"
    ACTION = "cyan"
    RISKY = "bold red"
    NOTICE = "yellow"
    FAINT = "dim"
    ADDED = "green"
    REMOVED = "red"


class Line(NamedTuple):
    """A line of the report."""

    text: str
    style: Style = Style.PLAIN


_SEVERITY = {Severity.RISKY: Style.RISKY, Severity.NOTICE: Style.NOTICE}
_GAP = " " * 10


def render_text(plan: Plan) -> str:
    """Render the plan as plain lines, the most severe first."""
    return "\n".join(line.text for line in render_lines(plan)).rstrip()


def render_lines(plan: Plan) -> tuple[Line, ...]:
    """Render the plan as lines, in the words of the pull request: the most severe first, the files' diffs last."""
    head = f"{plan.submodule} {short(plan.old or '')}..{short(plan.new)}: {summarise(plan)}"
    return (Line(head, Style.HEAD), Line(""), *_grave(plan), *_services(plan), *_unknown(plan), *_files(plan))


def _grave(plan: Plan) -> Iterator[Line]:
    for warning, nodes in node_warnings(plan).items():
        yield Line(f"{', '.join(nodes)}: {one_line(warning)}", Style.NOTICE)
    for node_plan, stack in unreadable_stacks(plan):
        where = f"could not analyse {node_plan.node} / {stack.stack}: "
        yield Line(f"{where}{one_line(stack.error or '')}", Style.RISKY)


def _services(plan: Plan) -> Iterator[Line]:
    for row in find_rows(plan):
        yield Line(f"{row.does:<9} {', '.join(row.nodes)} / {row.where}", _SEVERITY.get(row.severity, Style.ACTION))
        for reason in row.reasons:
            yield Line(f"{_GAP}{one_line(reason.text)}")
        for risk in row.risks:
            style = _SEVERITY.get(risk.severity, Style.PLAIN)
            yield Line(f"{_GAP}{risk.severity}: {one_line(risk.text)} [{risk.rule}]", style)


def _unknown(plan: Plan) -> Iterator[Line]:
    for node, names in missing_variables(plan).items():
        for name in names:
            yield Line(f"{node} has no {one_line(name)}, needed by {', '.join(names[name])}", Style.NOTICE)
    for (name, remark), nodes in remarks(plan).items():
        yield Line(f"{', '.join(nodes)} / {name}: {one_line(remark)}", Style.FAINT)
    for remark, nodes in node_remarks(plan).items():
        yield Line(f"{', '.join(nodes)}: {one_line(remark)}", Style.FAINT)


def _files(plan: Plan) -> Iterator[Line]:
    """The changed files that services read, each with its diff."""
    for one in plan.file_diffs:
        yield Line("")
        note = f" ({'and ' if one.diff else ''}{one_line(one.note)})" if one.note else ""
        yield Line(f"{one_line(one.path)} changed{note}", Style.HEAD)
        for line in one.diff.splitlines():
            style = {"+": Style.ADDED, "-": Style.REMOVED}.get(line[:1], Style.FAINT)
            yield Line(f"  {line}", style)


def render_json(plan: Plan) -> str:
    """Render the whole plan as JSON, with every field, in a stable order."""
    return msgspec.json.format(msgspec.json.encode(to_builtins(plan), order="deterministic"), indent=2).decode()
