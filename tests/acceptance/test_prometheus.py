"""Debian's Prometheus and Alertmanager watch the real service: every query has data, an alert comes in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import requests

from bot.domain.notices import Topic
from bot.features.outbox.facts import Condition, Notice
from bot.features.outbox.store import Outbox
from bot.service.database import open_store
from sandbox.service import start_service
from sandbox.world import FLEET
from tests.acceptance.conftest import Running, settings_of
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import bump
from tests.integration.prometheus.programs import EXAMPLES, run_alertmanager, run_prometheus
from tools.docs.observability import find_queries

TOKEN = "a token of the metrics"
LIMIT = 120  # seconds, on a loaded machine
CONFIGURATION = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}
scrape_configs:
  - job_name: aios-bot
    authorization: {{credentials: {token}}}
    static_configs: [{{targets: ['{bot}']}}]
"""


@contextmanager
def receiving_alerts() -> Iterator[tuple[str, list[Any]]]:
    """The address of a webhook, and the alerts that came in there."""
    alerts: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alerts.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", alerts
    finally:
        server.shutdown()
        server.server_close()


def test_every_query_of_the_dashboard_has_data_and_an_alert_comes_in(running: Running, tmp_path: Path) -> None:
    running.service.stop()
    service = start_service(settings_of(running, AIOS_BOT_METRICS_TOKEN=TOKEN))
    try:
        assert requests.get(f"{service.url}/metrics", timeout=10).status_code == 401
        bump(running)
        watch(service.url.removeprefix("http://"), running, tmp_path)
    finally:
        service.stop()


def watch(bot: str, running: Running, folder: Path) -> None:
    rules = folder / "rules.yml"
    rules.write_text((EXAMPLES / "aios-bot-rules.yml").read_text().replace('"for": "2m"', '"for": "1s"'))
    queries = find_queries(json.loads((EXAMPLES / "aios-bot-dashboard.json").read_text()))
    with receiving_alerts() as (webhook, alerts), run_alertmanager(folder, webhook) as alertmanager:
        configuration = CONFIGURATION.format(
            rules=rules, alertmanager=alertmanager.removeprefix("http://"), token=TOKEN, bot=bot
        )
        with run_prometheus(folder, configuration) as prometheus:

            def unanswered() -> list[str]:
                return [query for query in queries if not ask(prometheus, query)]

            # Two scrapes make a rate.
            eventually("data for every query", lambda: not unanswered(), seconds=LIMIT)
            database = open_store(f"sqlite:///{running.service.data / 'aios-bot.sqlite3'}", make=False)
            failed = Notice(topic=Topic.DEPLOY_FAILED, fleet=FLEET, subject="AIOS")
            began = time.monotonic()
            Outbox(database).replace(FLEET, "rollout main server", (Condition(notice=failed),), now=int(time.time()))
            database.close()
            names = eventually(
                "the alert",
                lambda: {one["labels"]["alertname"] for one in alerts} & {"AiosBotDeployFailed"},
                seconds=LIMIT,
            )
            print(f"\n{len(queries)} queries have data; {names} after {time.monotonic() - began:.1f} s")
            (alert,) = [one for one in alerts if one["labels"]["alertname"] == "AiosBotDeployFailed"][:1]
            assert alert["annotations"]["summary"] == "A deploy failed (1)"


def ask(prometheus: str, query: str) -> list[Any]:
    """The series that a query of the last minute gives."""
    now = time.time()
    found = requests.get(
        f"{prometheus}/api/v1/query_range",
        params={"query": query, "start": now - 60, "end": now, "step": "1"},
        timeout=10,
    ).json()
    assert found["status"] == "success", found
    return list(found["data"]["result"])
