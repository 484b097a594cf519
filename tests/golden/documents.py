"""Every file that is made from the code. `python -m tests.golden.documents` (`make docs`) writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.report.fleet_file import render_reference, render_schema
from bot.report.risk_rules import render_risk_rules

ROOT = Path(__file__).parents[2]

DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/fleet-file.schema.json": render_schema,
    "docs/reference/fleet-file.md": render_reference,
    "docs/reference/risk-rules.md": render_risk_rules,
}


if __name__ == "__main__":
    for name, render in DOCUMENTS.items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(render(), encoding="utf-8")
