"""Every page and file that is made from the code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.cli.main import aios_bot
from bot.fleetfile.reference import render_schema
from bot.onboarding.survey.read import workflow_text
from tools.docs.api import render_api
from tools.docs.commands import render_commands
from tools.docs.fleet_file import render_fleet_file
from tools.docs.github_rights import render_rights
from tools.docs.metrics import render_metrics
from tools.docs.node_outcomes import render_outcomes
from tools.docs.observability import render_dashboard, render_rules
from tools.docs.pull_request_commands import render_grammar, render_reasons
from tools.docs.risk_rules import render_risk_rules
from tools.docs.settings import render_settings

PAGES: dict[str, Callable[[], str]] = {
    "docs/examples/deploy.yml": workflow_text,
    "docs/examples/observability/aios-bot-dashboard.json": render_dashboard,
    "docs/examples/observability/aios-bot-rules.yml": render_rules,
    "docs/fleet-file.schema.json": render_schema,
    "docs/reference/api.md": render_api,
    "docs/reference/commands.md": lambda: render_commands(aios_bot),
    "docs/reference/fleet-file.md": render_fleet_file,
    "docs/reference/github-rights.md": render_rights,
    "docs/reference/metrics.md": render_metrics,
    "docs/reference/pull-request-commands.md": render_grammar,
    "docs/reference/reason-codes.md": render_reasons,
    "docs/reference/node-outcomes.md": render_outcomes,
    "docs/reference/settings.md": render_settings,
    "docs/reference/risk-rules.md": render_risk_rules,
}
"""By path from the root of the repository."""


def write_pages(root: Path) -> None:
    """Write every page below `root`."""
    for name, render in PAGES.items():
        (root / name).write_text(render(), encoding="utf-8")
