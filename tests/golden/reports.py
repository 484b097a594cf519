"""Every text that a plan becomes, for plans of every kind. `make docs` writes them again; read the difference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.features.bump.text import render_body, render_title
from bot.plan.model import Plan
from bot.plan.report.check import render_check
from bot.plan.report.links import Links
from bot.plan.report.text import render_text
from tests import plans
from tests.golden.changes import render_changes
from tests.golden.commands import COMMANDS
from tests.golden.features import FEATURES
from tests.golden.risks import render_risks
from tests.golden.rollouts import ROLLOUTS
from tests.golden.sections import render_plan_json, render_problems, render_sections

FOLDER = Path(__file__).parent / "reports"
_BUDGET = 6_000  # characters: an oversize report is shown in less than GitHub's limit, to be read at all


def _check(plan: Plan, limit: int) -> str:
    check = render_check(plan, plans.LINKS, limit=limit)
    notes = [f"{a.level} {a.path}:{a.line} {a.message}" for a in check.annotations]
    return "\n\n".join([f"{check.conclusion}: {check.title}", check.summary, check.text, *notes])


def _body(plan: Plan, limit: int) -> str:
    return f"{render_title(plan)}\n\n{render_body(plan, plans.LINKS, limit=limit)}"


REPORTS: dict[str, Callable[[], str]] = {
    "nothing.md": lambda: _body(plans.nothing(), 65_536),
    "small.md": lambda: _body(plans.small(), 65_536),
    "large.md": lambda: _body(plans.large(), 65_536),
    "large-without-context.md": lambda: _body(plans.large(), 12_000),
    "oversize.md": lambda: _body(plans.oversize(), _BUDGET),
    "hostile.md": lambda: _body(plans.hostile(), 65_536),
    "unreadable.md": lambda: _body(plans.unreadable(), 65_536),
    "small-check.md": lambda: _check(plans.small(), 65_535),
    "oversize-check.md": lambda: _check(plans.oversize(), _BUDGET),
    "hostile-check.md": lambda: _check(plans.hostile(), 65_535),
    "unreadable-check.md": lambda: _check(plans.unreadable(), 65_535),
    "small-without-links.md": lambda: render_body(plans.small(), Links()),
    "small.txt": lambda: render_text(plans.small()),
    "hostile.txt": lambda: render_text(plans.hostile()),
    "sections.md": render_sections,
    "fleet-file-problems.md": render_problems,
    "small.json": render_plan_json,
    "risks.txt": render_risks,
    "changes.txt": render_changes,
    **ROLLOUTS,
    **COMMANDS,
    **FEATURES,
}


def write_reports() -> None:
    """Write every golden report."""
    FOLDER.mkdir(exist_ok=True)
    for name, render in REPORTS.items():
        (FOLDER / name).write_text(render() + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_reports()
