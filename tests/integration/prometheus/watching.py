"""Debian's Prometheus and Alertmanager around the real service, with the shipped rules; and a webhook for alerts.

For the acceptance test of the dashboard and for `python -m bench alerts`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import requests
import yaml

from bot.domain.notices import Topic
from bot.features.outbox.facts import Condition, Notice
from bot.features.outbox.store import Outbox
from bot.service.database import open_store
from sandbox.github import EmbeddedGitHub
from sandbox.service import Service, free_port, new_secret, start_service
from sandbox.world import FLEET, build_world
from tests.integration.prometheus.programs import EXAMPLES, run_alertmanager, run_prometheus

TOKEN = "a token of the metrics"
MINUTES = '"for": "2m"'
SHIPPED_TIMES = {"scrape_interval": "15s", "evaluation_interval": "1m"}  # as the sample's `server` has them
SHORT_TIMES = {"scrape_interval": "2s", "evaluation_interval": "1s"}  # a scrape that takes longer is lost


class Watching(NamedTuple):
    """What runs, where; and the alerts that have come in."""

    service: Service
    outbox: Outbox
    alertmanager: str
    prometheus: str
    alerts: list[Any]

    def raise_condition(self, topic: Topic) -> None:
        """Store that something is wrong, as a feature does."""
        notice = Notice(topic=topic, fleet=FLEET, subject="AIOS")
        self.outbox.replace(FLEET, f"measured {topic}", (Condition(notice=notice),), now=int(time.time()))

    def end_condition(self, topic: Topic) -> None:
        """Store that it is over."""
        self.outbox.replace(FLEET, f"measured {topic}", (), now=int(time.time()))

    def find_alert(self, name: str, status: str) -> Any | None:
        """The alert `name` as it came in, `firing` or `resolved`; None as long as it has not."""
        found = (one for one in self.alerts if (one["labels"]["alertname"], one["status"]) == (name, status))
        return next(found, None)


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


@contextmanager
def watching(folder: Path, *, as_shipped: bool = False) -> Iterator[Watching]:
    """The service, watched. `as_shipped`: with the rules' own minutes; otherwise they take seconds."""
    with (
        serving(folder) as service,
        receiving_alerts() as (webhook, alerts),
        run_alertmanager(folder, webhook) as alertmanager,
        run_prometheus(folder, _configure(folder, service.url, alertmanager, as_shipped=as_shipped)) as prometheus,
    ):
        store = open_store(f"sqlite:///{service.data / 'aios-bot.sqlite3'}", make=False)
        try:
            yield Watching(service, Outbox(store), alertmanager, prometheus, alerts)
        finally:
            store.close()


def _configure(folder: Path, bot: str, alertmanager: str, *, as_shipped: bool) -> str:
    """The shipped rules and scrape configuration, with the addresses of this machine and the intervals."""
    rules = (EXAMPLES / "aios-bot-rules.yml").read_text()
    assert MINUTES in rules
    (folder / "aios-bot-rules.yml").write_text(rules if as_shipped else rules.replace(MINUTES, '"for": "1s"'))
    (folder / "token").write_text(TOKEN)
    shipped = yaml.safe_load((EXAMPLES / "prometheus.yml").read_text())
    (scraped,) = shipped["scrape_configs"]
    scraped["authorization"]["credentials_file"] = str(folder / "token")
    scraped["static_configs"] = [{"targets": [bot.removeprefix("http://")]}]
    targets = [{"static_configs": [{"targets": [alertmanager.removeprefix("http://")]}]}]
    times = SHIPPED_TIMES if as_shipped else SHORT_TIMES
    return str(yaml.safe_dump({**shipped, "global": times, "alerting": {"alertmanagers": targets}}))


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
