"""From a condition that the bot stores to the alert that a person gets. `python -m bench alerts [--shipped]`.

Debian's Prometheus and Alertmanager watch the real service with the shipped rules, and Alertmanager calls a webhook
on loopback. Beside that stands its floor: an alert handed to Alertmanager itself. With `--shipped` the rules keep
their minutes, and one alert is measured, which takes minutes; otherwise they take seconds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bot.domain.notices import Topic
from tests.integration.prometheus.watching import SHIPPED_TIMES, SHORT_TIMES, TOKEN, Watching, ask, watching

ALERTS = {
    Topic.DEPLOY_FAILED: "AiosBotDeployFailed",
    Topic.NOT_DEPLOYED: "AiosBotNotDeployed",
    Topic.PLAN_DIFFERS: "AiosBotPlanDiffers",
    Topic.NODE_OFFLINE: "AiosBotNodeOffline",
    Topic.DRIFT: "AiosBotDrift",
}
LIMIT = 600.0  # seconds


class Way(NamedTuple):
    """Seconds from the stored condition until it is seen there."""

    metrics: float
    prometheus: float
    receiver: float
    over: float  # from its end until the receiver hears that it is over


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench alerts")
    parser.add_argument("--shipped", action="store_true", help="leave the rules the minutes that they wait")
    shipped = parser.parse_args().shipped
    times = SHIPPED_TIMES if shipped else SHORT_TIMES
    topics = list(ALERTS)[:1] if shipped else list(ALERTS)
    with (
        tempfile.TemporaryDirectory(prefix="aios-bench-") as name,
        watching(Path(name), as_shipped=shipped) as watched,
    ):
        _wait(lambda: ask(watched.prometheus, 'up{job="aios-bot"} == 1'))
        ways = [_measure(watched, topic) for topic in topics]
        floors = [_hand_over(watched, f"Floor{number}") for number in range(5)]
    print(f"scraped every {times['scrape_interval']}, rules looked at every {times['evaluation_interval']}, ", end="")
    print(f"firing after {'2m' if shipped else '1s'}; median of {len(ways)}, and the longest\n")
    print(f"{'seconds from a stored condition':46}{'median':>8}{'longest':>9}")
    _print("until the service's metrics have it", [way.metrics for way in ways])
    _print("until Prometheus has it", [way.prometheus for way in ways])
    _print("until the alert is at the receiver", [way.receiver for way in ways])
    _print("from its end until the receiver hears of that", [way.over for way in ways])
    _print("floor: an alert handed to Alertmanager", floors)


def _print(name: str, seconds: list[float]) -> None:
    print(f"{name:46}{statistics.median(seconds):8.2f}{max(seconds):9.2f}")


def _measure(watched: Watching, topic: Topic) -> Way:
    series = f'aios_bot_conditions{{job="aios-bot",topic="{topic}"}}'
    began = time.monotonic()
    watched.raise_condition(topic)
    metrics = _wait(lambda: _has(watched, topic)) - began
    prometheus = _wait(lambda: ask(watched.prometheus, f"{series} > 0")) - began
    receiver = _wait(lambda: watched.find_alert(ALERTS[topic], "firing")) - began
    began = time.monotonic()
    watched.end_condition(topic)
    return Way(metrics, prometheus, receiver, _wait(lambda: watched.find_alert(ALERTS[topic], "resolved")) - began)


def _has(watched: Watching, topic: Topic) -> bool:
    """Whether the service's own metrics count a condition of `topic`."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    text = requests.get(f"{watched.service.url}/metrics", headers=headers, timeout=10).text
    found = (line for line in text.splitlines() if line.startswith("aios_bot_conditions{"))
    return any(f'topic="{topic}"' in line and not line.endswith(" 0.0") for line in found)


def _hand_over(watched: Watching, name: str) -> float:
    began = time.monotonic()
    alert: dict[str, Any] = {"labels": {"alertname": name}, "startsAt": datetime.now(UTC).isoformat()}
    requests.post(f"{watched.alertmanager}/api/v2/alerts", json=[alert], timeout=10).raise_for_status()
    return _wait(lambda: watched.find_alert(name, "firing")) - began


def _wait(condition: Callable[[], object]) -> float:
    """The moment at which `condition` became true. Raises TimeoutError after LIMIT."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if condition():
            return time.monotonic()
        time.sleep(0.02)
    raise TimeoutError(f"not within {LIMIT:.0f} s")


if __name__ == "__main__":
    main()
