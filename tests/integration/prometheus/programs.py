"""Debian's Prometheus and Alertmanager, unpacked by tools/setup, as programs of a test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from sandbox.service import free_port
from tests.acceptance.outside import eventually

ROOT = Path(__file__).parents[3]
DEBIAN = ROOT / ".tools/debian"
EXAMPLES = ROOT / "docs/examples/observability"


def promtool(*arguments: str | Path, text: bytes | None = None) -> str:
    """What promtool prints; it has to be content."""
    done = subprocess.run(
        [str(DEBIAN / "usr/bin/promtool"), *map(str, arguments)], input=text, capture_output=True, check=False
    )
    printed = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, printed
    return printed


@contextmanager
def run_prometheus(folder: Path, configuration: str) -> Iterator[str]:
    """Prometheus with `configuration`; its address."""
    file = folder / "prometheus.yml"
    file.write_text(configuration)
    program = [str(DEBIAN / "usr/bin/prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    # An alert that fires before Alertmanager is found, seconds after the start, would be sent again in a minute.
    program += ["--rules.alert.resend-delay=1s"]
    with _running(
        lambda port: [*program, f"--web.listen-address=127.0.0.1:{port}"], folder / "prometheus.log"
    ) as url:
        yield url


@contextmanager
def run_alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    """Alertmanager that sends every alert to `webhook` at once; its address."""
    file = folder / "alertmanager.yml"
    file.write_text(
        "route: {receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
    )
    # It reads its templates where the package would have installed them.
    share = ["--tmpfs", "/usr/share", "--ro-bind", str(DEBIAN / "usr/share/prometheus"), "/usr/share/prometheus"]
    program = ["bwrap", "--dev-bind", "/", "/", *share, "--die-with-parent"]
    program += [str(DEBIAN / "usr/bin/prometheus-alertmanager"), f"--config.file={file}"]
    program += [f"--storage.path={folder / 'alerts'}", "--cluster.listen-address="]
    log = folder / "alertmanager.log"
    with _running(lambda port: [*program, f"--web.listen-address=127.0.0.1:{port}"], log) as url:
        yield url


@contextmanager
def _running(command: Callable[[int], list[str]], log: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as out, subprocess.Popen(command(port), stdout=out, stderr=out) as process:
        try:
            eventually(
                f"{log.name}: ready", lambda: process.poll() is None and _answers(f"{url}/-/ready"), seconds=60
            )
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.ConnectionError:
        return False
