"""The plan as a check run. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.plan.model import Plan
from bot.report import markdown as md
from bot.report.pull_request import render_diffs, render_errors, render_summary, summarise
from bot.values import Value
from bot.yaml_lines import Problem

CHECK_NAME = "aios/plan"
LIMIT = 65_535


class Annotation(Value, frozen=True):
    """A remark at a line of a file."""

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
    """What a check run says."""

    title: str
    summary: str
    text: str
    conclusion: str
    annotations: tuple[Annotation, ...] = ()


def render_check(plan: Plan) -> CheckText:
    """The check run on the head of the bump's branch."""
    unread = any(s.error for n in plan.nodes for s in n.stacks)
    text = "\n\n".join(filter(None, [render_errors(plan), *render_diffs(plan)]))
    summary = render_summary(plan)
    return CheckText(
        title=summarise(plan)[:255],
        summary=summary if len(summary) <= LIMIT else f"**{summarise(plan)}**",
        text=text if len(text) <= LIMIT else "The diffs do not fit here; see the pull request.",
        conclusion="neutral" if unread else "success",
    )


def render_fleet_file_problems(path: str, problems: Sequence[Problem]) -> CheckText:
    """What is wrong in a file of the fleet, each with its line."""
    lines = "\n".join(f"{path}:{line}: {message}" for line, message in problems)
    return CheckText(
        title=f"{path}: {len(problems)} problem{'s' * (len(problems) != 1)}",
        summary=md.fence(lines),
        text="",
        conclusion="failure",
        annotations=tuple(Annotation(path=path, line=p.line, level="failure", message=p.message) for p in problems),
    )
