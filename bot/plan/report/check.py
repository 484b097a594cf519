"""Render a plan as a check run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.domain.severity import Severity
from bot.domain.values import Value
from bot.fleetfile.problems import Problem
from bot.plan.model import Plan, SourceLine
from bot.plan.report import diffs, sections
from bot.plan.report.links import Links
from bot.plan.report.rows import Totals, count, find_rows, summarise, unreadable_stacks
from bot.text import markdown as md
from bot.text.budget import fit, fixed, within_bytes

CHECK_NAME = "aios/plan"
LIMIT = 65_535  # bytes of a check run's summary, and of its text; docs say characters (github/docs#35252)
_TITLE = 255
_MESSAGE = 2_000  # characters; GitHub takes 64 KB
_MAX_ANNOTATIONS = 250


class Annotation(Value, frozen=True):
    """A remark at a line of a file of the repository that the check is on. `level` is one of GitHub's."""

    path: str
    line: int
    level: str
    message: str

    def as_github(self) -> dict[str, object]:
        """In the shape of the REST API."""
        return {
            "path": self.path,
            "start_line": self.line,
            "end_line": self.line,
            "annotation_level": self.level,
            "message": self.message,
        }


class CheckText(Value, frozen=True):
    """The content of a check run."""

    title: str
    summary: str
    text: str
    conclusion: str
    annotations: tuple[Annotation, ...] = ()


def render_check(plan: Plan, links: Links, *, limit: int = LIMIT) -> CheckText:
    """Render the check run on the head of the bump's branch.

    Only files of the fleet itself are annotated. Files of the submodule do not belong to this repository; their
    lines are linked in the table.
    """
    totals = count(plan)
    own = tuple(one for one in find_annotations([plan]) if not one.path.startswith(f"{plan.submodule}/"))
    return CheckText(
        title=summarise(plan)[:_TITLE],
        summary=within_bytes(lambda most: render_check_summary(plan, links, limit=most), limit),
        text=within_bytes(lambda most: render_check_text(plan, links, limit=most), limit),
        conclusion=_conclusion(totals),
        annotations=own,
    )


def _conclusion(totals: Totals) -> str:
    """A stack that cannot be planned fails the check: nobody can approve what nobody knows."""
    if totals.unreadable:
        return "failure"
    return "neutral" if totals.severities[Severity.RISKY] else "success"


def render_check_summary(plan: Plan, links: Links, *, limit: int) -> str:
    """Render the headline, what could not be analysed, and the table."""
    parts = [
        fixed(sections.headline(plan)),
        sections.errors(plan, links),
        sections.table(plan, links),
        sections.missing(plan),
    ]
    errors, table, missing = range(1, 4)
    return fit(parts, limit, shorten=(errors, missing, *[table] * 3), notice=sections.left_out(links))


def render_check_text(plan: Plan, links: Links, *, limit: int) -> str:
    """Render the diffs of files and services, and which rules fired."""
    parts = [diffs.files(plan), diffs.folds(plan), fixed(_rules(plan))]
    return fit(parts, limit, shorten=(1, 0, 1), notice=sections.left_out(links))


def _rules(plan: Plan) -> str:
    rules = dict.fromkeys(risk.rule for row in find_rows(plan) for risk in row.risks)
    if not rules:
        return ""
    return (
        f"Rules that fired: {', '.join(md.code(rule) for rule in rules)}. Tune them under `risks:` in the fleet file."
    )


_LEVELS = {Severity.RISKY: "warning", Severity.NOTICE: "notice", Severity.INFO: "notice"}


def find_annotations(plans: Sequence[Plan]) -> tuple[Annotation, ...]:
    """Find every risk and cause with a known line, one annotation for each line; paths are those of the checkout."""
    found: dict[tuple[str, int], dict[str, Severity]] = {}
    for plan in plans:
        for severity, line, words in _remarks(plan):
            found.setdefault((line.path, line.line), {}).setdefault(words, severity)
    order = list(_LEVELS)
    annotations = []
    for (path, number), severities in found.items():
        worst = min(severities.values(), key=order.index)
        message = "\n".join(sorted(severities, key=lambda words: order.index(severities[words])))
        annotations.append(
            Annotation(path=path, line=number, level=_LEVELS[worst], message=md.cut(message, _MESSAGE))
        )
    annotations.sort(key=lambda one: (list(_LEVELS.values()).index(one.level), one.path, one.line))
    return tuple(annotations[:_MAX_ANNOTATIONS])


def _remarks(plan: Plan) -> Iterator[tuple[Severity, SourceLine, str]]:
    for _, stack in unreadable_stacks(plan):
        if stack.error_at is not None:
            message = md.one_line(f"{stack.stack} could not be analysed: {stack.error}")
            yield Severity.RISKY, stack.error_at, message
    for row in find_rows(plan):
        for risk in row.risks:
            if risk.where is not None and not risk.where.gone:
                yield risk.severity, risk.where, md.one_line(f"{row.where}: {risk.text} [{risk.rule}]")
        for reason in row.reasons:
            if reason.where is not None and not reason.where.gone:
                yield Severity.INFO, reason.where, md.one_line(f"{row.where}: {row.does}, {reason.text}")


def render_fleet_file_problems(path: str, problems: Sequence[Problem]) -> CheckText:
    """Render the problems of a file of the fleet, each with its line."""
    lines = [f"{path}:{line}: {message}" for line, message in problems]
    kept = lines[:200] + ([f"and {len(lines) - 200} more"] if len(lines) > 200 else [])
    return CheckText(
        title=f"{path}: {len(problems)} problem{'s' * (len(problems) != 1)}",
        summary=md.fence("\n".join(md.cut(line, 300) for line in kept)),
        text="",
        conclusion="failure",
        annotations=tuple(
            Annotation(path=path, line=p.line, level="failure", message=md.cut(p.message, _MESSAGE))
            for p in problems[:_MAX_ANNOTATIONS]
        ),
    )
