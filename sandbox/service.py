"""Run the real service as a separate process, for the demo, the acceptance tests and the benches."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

from bot.domain.errors import BotError
from bot.settings.environment import child_environment

START_LIMIT = 120  # seconds, on a loaded machine
STOP_LIMIT = 30  # seconds; the service itself takes at most ten, longer on a loaded machine


class Service(NamedTuple):
    """A running `aios-bot serve`. `log` is the file with its output."""

    url: str
    process: subprocess.Popen[bytes]
    data: Path
    log: Path

    def stop(self) -> None:
        """Stop it and wait for its end. Kills it and raises TimeoutExpired if it takes too long."""
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def free_port() -> int:
    """A free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_secret() -> str:
    """A webhook secret."""
    return secrets.token_hex(20)


@contextmanager
def run_service(
    *, port: int, api_url: str, app_id: int, private_key: str, webhook_secret: str, data: Path, public: bool = False
) -> Iterator[Service]:
    """Start the service and wait until it is ready; stop it at the end. `public`: reports link its pages.

    Whoever is on this machine sees its pages.
    """
    service = start_service(
        {
            "GITHUB_APP_ID": str(app_id),
            "GITHUB_APP_PRIVATE_KEY": private_key,
            "GITHUB_WEBHOOK_SECRET": webhook_secret,
            "GITHUB_API_URL": api_url,
            "AIOS_BOT_DATA": str(data),
            "PORT": str(port),
            "AIOS_BOT_PAGES": "open",
            "AIOS_BOT_PUBLIC_URL": f"http://127.0.0.1:{port}" if public else "-",
        }
    )
    try:
        yield service
    finally:
        service.stop()


def start_service(settings: Mapping[str, str], *arguments: str) -> Service:
    """Start the service with `settings` and `arguments`, and wait until it is ready."""
    service = launch_service(settings, *arguments)
    wait_until_ready(service)
    return service


def launch_service(settings: Mapping[str, str], *arguments: str) -> Service:
    """Start the service with `settings` and `arguments`, without waiting until it is ready."""
    data = Path(settings["AIOS_BOT_DATA"])
    data.mkdir(parents=True, exist_ok=True)
    log = data / "service.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve", *arguments],
            env=child_environment() | dict(settings),
            stdout=out,
            stderr=out,
        )
    return Service(f"http://127.0.0.1:{settings['PORT']}", process, data, log)


def wait_until_ready(service: Service) -> None:
    """Wait until the service is ready. Raises BotError with the end of its log if it does not get ready."""
    deadline = time.monotonic() + START_LIMIT
    while not _is_ready(service.url):
        if service.process.poll() is not None or time.monotonic() > deadline:
            service.process.kill()
            raise BotError(f"the service did not get ready; the end of its log:\n{service.log.read_text()[-3000:]}")
        time.sleep(0.05)


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=2).ok
    except requests.RequestException:
        return False
