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
import yaml

from bot.domain.notices import Topic
from bot.features.outbox.facts import Condition, Notice
from bot.features.outbox.store import Outbox
from bot.service.database import open_store
from sandbox.github import EmbeddedGitHub
from sandbox.service import Service, free_port, new_secret, start_service
from sandbox.world import FLEET, build_world
from tests.acceptance.outside import eventually
from tests.integration.prometheus.programs import EXAMPLES, run_alertmanager, run_prometheus
from tools.docs.observability import find_queries

TOKEN = "a token of the metrics"
LIMIT = 120  # seconds, on a loaded machine
FAILED = "AiosBotDeployFailed"


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


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """The service of a small AIOS, with a token for its metrics."""
    with EmbeddedGitHub(folder / "github") as hub:
        hub.start()
        port, secret = free_port(), new_secret()
        world = build_world(
            hub,
            folder=folder / "people",
            node_root=folder / "node",
            webhook_url=f"http://127.0.0.1:{port}/webhook",
            webhook_secret=secret,
        )
        service = start_service(
            {
                "GITHUB_APP_ID": str(world.app.id),
                "GITHUB_APP_PRIVATE_KEY": world.app.private_key_pem,
                "GITHUB_WEBHOOK_SECRET": secret,
                "GITHUB_API_URL": f"{hub.url}/api/v3",
                "AIOS_BOT_DATA": str(folder / "bot"),
                "AIOS_BOT_METRICS_TOKEN": TOKEN,
                "PORT": str(port),
            }
        )
        try:
            yield service
        finally:
            service.stop()


def test_every_query_of_the_dashboard_has_data_and_an_alert_comes_in(tmp_path: Path) -> None:
    queries = find_queries(json.loads((EXAMPLES / "aios-bot-dashboard.json").read_text()))
    with (
        serving(tmp_path) as service,
        receiving_alerts() as (webhook, alerts),
        run_alertmanager(tmp_path, webhook) as alertmanager,
        run_prometheus(tmp_path, configure(tmp_path, bot=service.url, alertmanager=alertmanager)) as prometheus,
    ):
        missing = list(queries)

        def is_complete() -> bool:
            missing[:] = [query for query in missing if not ask(prometheus, query)]
            return not missing

        eventually("data for every query", is_complete, seconds=LIMIT)
        database = open_store(f"sqlite:///{service.data / 'aios-bot.sqlite3'}", make=False)
        failed = Notice(topic=Topic.DEPLOY_FAILED, fleet=FLEET, subject="AIOS")
        began = time.monotonic()
        Outbox(database).replace(FLEET, "a scope of this test", (Condition(notice=failed),), now=int(time.time()))
        database.close()
        alert = eventually("the alert", lambda: next((a for a in alerts if is_firing(a)), None), seconds=LIMIT)
        print(f"\n{len(queries)} queries have data; the alert came in after {time.monotonic() - began:.1f} s")
        assert alert["annotations"]["summary"] == "A deploy failed (1)"
        assert (alert["labels"]["severity"], alert["labels"]["topic"]) == ("urgent", "deploy_failed")


def configure(folder: Path, *, bot: str, alertmanager: str) -> str:
    """The shipped rules and scrape configuration, with seconds for minutes and the addresses of this test."""
    rules = (EXAMPLES / "aios-bot-rules.yml").read_text()
    assert '"for": "2m"' in rules
    (folder / "aios-bot-rules.yml").write_text(rules.replace('"for": "2m"', '"for": "1s"'))
    (folder / "token").write_text(TOKEN)
    shipped = yaml.safe_load((EXAMPLES / "prometheus.yml").read_text())
    (scraped,) = shipped["scrape_configs"]
    scraped["authorization"]["credentials_file"] = str(folder / "token")
    scraped["static_configs"] = [{"targets": [bot.removeprefix("http://")]}]
    targets = [{"static_configs": [{"targets": [alertmanager.removeprefix("http://")]}]}]
    # A scrape that takes longer than its interval is lost, on a loaded machine too.
    times = {"scrape_interval": "2s", "evaluation_interval": "1s"}
    return str(yaml.safe_dump({**shipped, "global": times, "alerting": {"alertmanagers": targets}}))


def is_firing(alert: Any) -> bool:
    return bool(alert["labels"]["alertname"] == FAILED and alert["status"] == "firing")


def ask(prometheus: str, query: str) -> list[Any]:
    """The series that a query of the last minute gives."""
    now = time.time()
    found = requests.get(
        f"{prometheus}/api/v1/query_range",
        params={"query": query, "start": f"{now - 60}", "end": f"{now}", "step": "1"},
        timeout=10,
    ).json()
    assert found["status"] == "success", found
    return list(found["data"]["result"])
