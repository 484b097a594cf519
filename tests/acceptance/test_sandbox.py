"""`python -m sandbox serve` prints all that a bot needs, and a push by a person's git becomes a pull request."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bot.settings.environment import child_environment
from sandbox.service import free_port, start_service
from tests.acceptance.outside import eventually


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The printed settings of a running sandbox."""
    port = str(free_port())
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", "--folder", str(tmp_path / "world")]
    command += ["--like", "ghes-3.19"]
    process = subprocess.Popen(
        [*command, "--bot-port", port],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        printed = {}
        for line in process.stdout:
            name, _, value = line.removeprefix("export ").strip().partition("=")
            printed[name] = value.strip("'")
            if name == "PORT":
                break
        yield printed
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_bot_with_the_printed_settings_proposes_a_push(sandbox: dict[str, str], tmp_path: Path) -> None:
    service = start_service(sandbox)
    try:
        clone = tmp_path / "world/people/server"
        compose = clone / "stacks/ingress/docker-compose.yml"
        compose.write_text(compose.read_text().replace("traefik:v3.1", "traefik:v3.2"))
        git = ["git", "-C", str(clone)]
        subprocess.run([*git, "commit", "--quiet", "--all", "--message", "Traefik 3.2"], check=True)
        token = next(iter(clone.parent.parent.glob("token"))).read_text()
        helper = f"!f() {{ echo username=x-access-token; echo password={token}; }}; f"
        subprocess.run([*git, "-c", f"credential.helper={helper}", "push", "--quiet"], check=True)
        api = sandbox["GITHUB_API_URL"]
        headers = {"Authorization": f"Bearer {token}"}
        pulls = eventually(
            "the pull request",
            lambda: requests.get(f"{api}/repos/Tecnocrat/aios-win/pulls", headers=headers, timeout=10).json(),
        )
        assert "traefik" in pulls[0]["body"]
    finally:
        service.stop()


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "serve", "--folder", str(tmp_path)],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
