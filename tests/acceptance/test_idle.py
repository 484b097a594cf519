"""A service that has nothing to do does nothing: GitHub hears of it on its schedule only, and it stays small.

AIOS_BOT_IDLE sets how many seconds are watched (default 30; `make soak` watches 900, with three backfills in them).
"""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_bump import bump

SECONDS = float(os.environ.get("AIOS_BOT_IDLE", "30"))
SCHEDULED = {("GET", "/app/hook/deliveries"), ("POST", "/app/installations/{id}/access_tokens")}
LONGEST_PAUSE = 34.0  # seconds; a base branch without a pull request is looked at again after 2, 4, 8, 16 and 32
MOST_MEMORY = 140_000_000  # bytes


def test_a_service_with_nothing_to_do(running: Running) -> None:
    hub = running.world.hub
    bump(running)  # it has worked, so that everything it needs is loaded
    _let_the_look_around_pass()
    eventually("an end of the work", lambda: _is_quiet(running), seconds=200)
    hub.requests.clear()
    cpu_before = _cpu_seconds(running.service.process.pid)
    time.sleep(SECONDS)
    asked = Counter((one.method, one.route) for one in list(hub.requests))
    cpu = _cpu_seconds(running.service.process.pid) - cpu_before
    memory = _memory(running.service.process.pid)
    said = ", ".join(f"{count} x {method} {route}" for (method, route), count in asked.items()) or "none"
    print(f"\nidle for {SECONDS:.0f} s: requests {said}; {memory / 1e6:.0f} MB; {cpu / SECONDS:.1%} of one core")
    assert asked.keys() <= SCHEDULED
    assert asked.total() <= 2 * (1 + SECONDS // 300)
    assert memory < MOST_MEMORY


def _let_the_look_around_pass() -> None:
    """Wait until the look at the whole world, at 17 past every sixth hour, is not within what is watched."""
    now = datetime.now(UTC)
    today = now.replace(hour=0, minute=17, second=0, microsecond=0)
    left = min(
        left for hour in range(0, 30, 6) if (left := (today + timedelta(hours=hour) - now).total_seconds()) > -30
    )
    if left < SECONDS + 60:
        time.sleep(left + 30)


def _is_quiet(running: Running) -> bool:
    """Nothing was asked for a while, which is longer than anything is gathered for."""
    hub = running.world.hub
    before = len(hub.requests)
    time.sleep(LONGEST_PAUSE)
    return hub.wait_for_deliveries(10) and len(hub.requests) == before


def _memory(process: int) -> int:
    """The bytes that it holds now."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
