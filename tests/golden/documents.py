"""Every file that is made from the code. `python -m tests.golden.documents` (`make docs`) writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.cli.main import aios_bot
from bot.fleetfile.reference import render_reference, render_schema
from bot.onboarding.survey.read import workflow_text
from tests.golden.reports import FOLDER, REPORTS
from tools.docs.command_reference import render_grammar, render_reasons
from tools.docs.metrics_reference import render_metrics
from tools.docs.node_outcomes import render_outcomes
from tools.docs.reference import render_commands, render_settings
from tools.docs.risk_rules import render_risk_rules

ROOT = Path(__file__).parents[2]

DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/examples/deploy.yml": workflow_text,
    "docs/fleet-file.schema.json": render_schema,
    "docs/reference/commands.md": lambda: render_commands(aios_bot),
    "docs/reference/fleet-file.md": render_reference,
    "docs/reference/metrics.md": render_metrics,
    "docs/reference/pull-request-commands.md": render_grammar,
    "docs/reference/reason-codes.md": render_reasons,
    "docs/reference/node-outcomes.md": render_outcomes,
    "docs/reference/settings.md": render_settings,
    "docs/reference/risk-rules.md": render_risk_rules,
}


def write_all() -> None:
    """Write every document and every golden report."""
    texts = {ROOT / name: render() for name, render in DOCUMENTS.items()}
    texts |= {FOLDER / name: render() + "\n" for name, render in REPORTS.items()}
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_all()
