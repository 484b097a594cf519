"""Debian's Prometheus and Alertmanager watch the real service: every query has data, an alert comes in."""

from __future__ import annotations

import json
from pathlib import Path

from bot.domain.notices import Topic
from tests.acceptance.outside import eventually
from tests.integration.prometheus.programs import EXAMPLES
from tests.integration.prometheus.watching import ask, watching
from tools.docs.observability import find_queries

LIMIT = 120  # seconds, on a loaded machine


def test_every_query_of_the_dashboard_has_data_and_an_alert_comes_in(tmp_path: Path) -> None:
    queries = find_queries(json.loads((EXAMPLES / "aios-bot-dashboard.json").read_text()))
    with watching(tmp_path) as watched:
        missing = list(queries)

        def is_complete() -> bool:
            missing[:] = [query for query in missing if not ask(watched.prometheus, query)]
            return not missing

        eventually("data for every query", is_complete, seconds=LIMIT)
        watched.raise_condition(Topic.DEPLOY_FAILED)
        alert = eventually("the alert", lambda: watched.find_alert("AiosBotDeployFailed", "firing"), seconds=LIMIT)
        assert alert["annotations"]["summary"] == "A deploy failed (1)"
        assert (alert["labels"]["severity"], alert["labels"]["topic"]) == ("urgent", "deploy_failed")
