"""A Grafana dashboard and Prometheus alert rules, made from the list of the service's metrics.

Every metric has its panel, so that one that is added or renamed is seen at once; an alert names the metric that it
judges, and says what to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bot.domain.notices import NoticeSeverity, Topic
from bot.features.notices.apply.address import NOTICES
from bot.features.notices.apply.conditions import CONDITIONS
from bot.github.connection.metrics import BUDGET, BUDGET_LEFT
from bot.observability.metrics import Counter, Gauge, Histogram
from bot.queue.metrics import DELIVERIES, OLDEST_DUE, RUNS
from bot.service.metrics import REGISTRY

AnyMetric = Counter | Gauge | Histogram

JOB = "aios-bot"  # what the scrape configuration calls it
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_MOMENT = "_reset_seconds"  # ends the name of a time, which is shown as how long it is till then
_WIDTH, _HEIGHT = 12, 8  # of a panel, on Grafana's grid of 24 columns
_HOWTO = "https://github.com/Tecnocrat/aios-bot/blob/main/docs/howto/"


class Alert(NamedTuple):
    """One alert rule: `metric` is what `expr` is about."""

    name: str
    metric: AnyMetric | None
    expr: str
    lasts: str  # how long it has to be so, in Prometheus' notation
    severity: NoticeSeverity
    summary: str
    cure: str


def _of_conditions() -> Iterator[Alert]:
    for topic in Topic:
        yield Alert(
            name="AiosBot" + "".join(word.capitalize() for word in topic.value.split("_")),
            metric=CONDITIONS,
            expr=f'max by (topic) ({CONDITIONS.name}{{job="{JOB}",topic="{topic}"}}) > 0',
            lasts="2m",
            severity=topic.severity,
            summary=f"{topic.words[0].upper()}{topic.words[1:]} ({{{{ $value }}}})",
            cure="notices.md",
        )


ALERTS = (
    Alert(
        name="AiosBotDown",
        metric=None,
        expr=f'up{{job="{JOB}"}} == 0 or absent(up{{job="{JOB}"}})',
        lasts="2m",
        severity=NoticeSeverity.URGENT,
        summary="The bot cannot be reached",
        cure="operate.md",
    ),
    Alert(
        name="AiosBotQueueLate",
        metric=OLDEST_DUE,
        expr=f'max({OLDEST_DUE.name}{{job="{JOB}"}}) > 900',
        lasts="1m",
        severity=NoticeSeverity.URGENT,
        summary="Work has been due for {{ $value | humanizeDuration }}",
        cure="operate.md",
    ),
    Alert(
        name="AiosBotDeliveriesFailed",
        metric=DELIVERIES,
        expr=f'max({DELIVERIES.name}{{job="{JOB}",state="failed"}}) > 0',
        lasts="1m",
        severity=NoticeSeverity.WARNING,
        summary="{{ $value }} deliveries were given up: `aios-bot inbox list --state failed`",
        cure="operate.md",
    ),
    Alert(
        name="AiosBotJobsFailing",
        metric=RUNS,
        expr=f'sum(increase({RUNS.name}{{job="{JOB}",fate="failed"}}[1h])) > 0',
        lasts="0m",
        severity=NoticeSeverity.WARNING,
        summary="Jobs were given up within the last hour",
        cure="operate.md",
    ),
    Alert(
        name="AiosBotBudgetLow",
        metric=BUDGET_LEFT,
        expr=f'min by (installation) ({BUDGET_LEFT.name}{{job="{JOB}"}} / {BUDGET.name}{{job="{JOB}"}}) < 0.1',
        lasts="5m",
        severity=NoticeSeverity.WARNING,
        summary="Installation {{ $labels.installation }} has {{ $value | humanizePercentage }} of its requests left",
        cure="operate.md",
    ),
    Alert(
        name="AiosBotNoticesLost",
        metric=NOTICES,
        expr=f'sum(increase({NOTICES.name}{{job="{JOB}",result="dropped"}}[1d])) > 0',
        lasts="0m",
        severity=NoticeSeverity.WARNING,
        summary="Notices could not be sent for a day, and were dropped",
        cure="notices.md",
    ),
    *_of_conditions(),
)


def render_rules() -> str:
    """The alert rules as a rule file: JSON, which YAML is a superset of, one rule a paragraph."""
    rules = [
        {
            "alert": one.name,
            "expr": one.expr,
            "for": one.lasts,
            "labels": {"severity": str(one.severity)},
            "annotations": {"summary": one.summary, "runbook_url": _HOWTO + one.cure},
        }
        for one in ALERTS
    ]
    head = "# Made from the code by `make docs`. Alerts of aios-bot; JSON is YAML, too.\n"
    return head + json.dumps({"groups": [{"name": "aios-bot", "rules": rules}]}, indent=2) + "\n"


def render_dashboard() -> str:
    """The dashboard, in the format that Grafana imports and provisions."""
    panels = [*_overview(), *(_panel(metric, at) for at, metric in enumerate(REGISTRY.metrics))]
    dashboard = {
        "uid": "aios-bot",
        "title": "aios-bot",
        "description": "Made from the code by `make docs`.",
        "tags": ["aios-bot"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Source"}]
        },
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }
    return json.dumps(dashboard, indent=2) + "\n"


def find_queries(dashboard: Mapping[str, Any]) -> tuple[str, ...]:
    """Every query of a dashboard, with Grafana's variables as it would fill them in."""
    return tuple(
        target["expr"].replace("$__rate_interval", "1m").replace("$__range", "6h")
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    )


def _overview() -> list[dict[str, Any]]:
    """The first row: what needs somebody, at one glance."""
    figures = [
        ("Reachable", f'min(up{{job="{JOB}"}})', "none", 1.0),
        ("Needs somebody", f'sum(max by (topic) ({CONDITIONS.name}{{job="{JOB}"}}))', "none", None),
        ("Oldest work that is due", f'max({OLDEST_DUE.name}{{job="{JOB}"}})', "s", None),
        (
            "Budget left",
            f'min({BUDGET_LEFT.name}{{job="{JOB}"}} / {BUDGET.name}{{job="{JOB}"}})',
            "percentunit",
            None,
        ),
    ]
    return [
        {
            "type": "stat",
            "title": title,
            "datasource": DATASOURCE,
            "gridPos": {"x": at * 6, "y": 0, "w": 6, "h": 4},
            "fieldConfig": {"defaults": {"unit": unit} | ({"max": most} if most else {}), "overrides": []},
            "targets": [{"refId": "A", "expr": expr, "datasource": DATASOURCE}],
        }
        for at, (title, expr, unit, most) in enumerate(figures)
    ]


def _panel(metric: AnyMetric, at: int) -> dict[str, Any]:
    x, y = at % 2 * _WIDTH, 4 + at // 2 * _HEIGHT
    return {
        "type": "timeseries",
        "title": metric.help.rstrip("."),
        "description": f"`{metric.name}`",
        "datasource": DATASOURCE,
        "gridPos": {"x": x, "y": y, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": _unit(metric), "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": "A",
                "expr": _query(metric),
                "legendFormat": " ".join(f"{{{{{label}}}}}" for label in metric.labels) or metric.name,
                "datasource": DATASOURCE,
            }
        ],
    }


def _query(metric: AnyMetric) -> str:
    labels, of = ", ".join(metric.labels), f'{{job="{JOB}"}}'
    if isinstance(metric, Histogram):
        by = ", ".join(("le", *metric.labels))
        return f"histogram_quantile(0.95, sum by ({by}) (rate({metric.name}_bucket{of}[$__rate_interval])))"
    if isinstance(metric, Counter):
        return f"sum by ({labels}) (rate({metric.name}{of}[$__rate_interval]))"
    left = " - time()" if metric.name.endswith(_MOMENT) else ""
    return f"max by ({labels}) ({metric.name}{of}){left}"


def _unit(metric: AnyMetric) -> str:
    if metric.name.endswith("_bytes"):
        return "bytes"
    if isinstance(metric, Counter):
        return "cps"
    return "s" if metric.name.endswith("_seconds") else "short"
