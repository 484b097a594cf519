"""How the bot is run: Dockerfile, compose.yaml and the systemd unit, held to what they promise."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.engine.programs import OLDEST_COMPOSE, find_compose
from bot.settings.environment import child_environment
from bot.settings.service import ServiceVariables

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [
    re.sub(r"\s+", " ", line.replace("\\\n", " ")).strip()
    for line in re.split(r"(?<!\\)\n", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    if line.strip()
]


def last_stage() -> list[str]:
    start = max(i for i, line in enumerate(INSTRUCTIONS) if line.startswith("FROM "))
    return INSTRUCTIONS[start:]


def test_every_base_image_is_pinned_by_a_tag_that_does_not_move_far() -> None:
    images = [line.partition("=")[2] for line in INSTRUCTIONS if re.match("ARG [A-Z]+_IMAGE=", line)]
    stages = [line.split()[1] for line in INSTRUCTIONS if line.startswith("FROM ")]
    assert set(stages) == {"${DOCKER_IMAGE}", "${COMPOSE_IMAGE}", "${PYTHON_IMAGE}"}
    assert images
    for image in images:
        assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+[\w.-]*", image), image


def test_compose_inside_is_one_that_the_bot_uses() -> None:
    found = re.search(r"COMPOSE_IMAGE=docker/compose-bin:v([\d.]+)", DOCKERFILE)
    assert found
    assert tuple(int(part) for part in found.group(1).split(".")) >= OLDEST_COMPOSE
    assert any("cli-plugins/docker-compose" in line for line in last_stage())
    assert any(line.endswith("/usr/local/bin/docker") for line in last_stage())


def test_it_runs_as_nobody_in_particular_and_says_whether_it_lives() -> None:
    stage = last_stage()
    users = [line for line in stage if line.startswith("USER ")]
    assert users == ["USER 10001"]
    assert [line for line in stage if line.startswith("HEALTHCHECK ") and "/healthz" in line]
    assert 'ENTRYPOINT ["aios-bot"]' in stage
    assert "sudo" not in DOCKERFILE
    after = stage[stage.index("USER 10001") :]
    assert not [line for line in after if line.startswith("RUN ")]


@pytest.mark.parametrize("line", [line for line in INSTRUCTIONS if line.startswith("RUN ")])
def test_what_is_installed_is_exact_and_leaves_nothing_behind(line: str) -> None:
    if "apt-get install" in line:
        assert "--no-install-recommends" in line
        assert "rm -rf /var/lib/apt/lists/*" in line
    for install in re.findall(r"pip install [^&]*", line):
        assert "--no-cache-dir" in install
        assert "--require-hashes" in install or "--no-deps" in install
    assert "curl" not in line


def test_only_what_the_image_is_made_of_goes_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert "*" in ignored
    for copied in re.findall(r"(?m)^COPY (?!--from)(.*)$", DOCKERFILE):
        for source in copied.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source.split('/')[0]}" in ignored


def rendered(settings: dict[str, str]) -> dict[str, Any]:
    """The bot's service, as the real compose reads it."""
    done = subprocess.run(
        [str(find_compose().path), "--file", str(ROOT / "compose.yaml"), "config", "--format", "json"],
        env=child_environment() | settings,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    service: dict[str, Any] = json.loads(done.stdout)["services"]["bot"]
    return service


def test_the_stack_needs_no_rights_and_no_settings() -> None:
    bot = rendered({})
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert [port["host_ip"] for port in bot["ports"]] == ["127.0.0.1"]
    assert [volume["target"] for volume in bot["volumes"]] == ["/var/lib/aios-bot"]
    assert "docker.sock" not in (ROOT / "compose.yaml").read_text()


def test_every_setting_of_the_stack_is_one_that_the_service_reads() -> None:
    known = {field.alias for field in ServiceVariables.model_fields.values()}
    assert set(rendered({})["environment"]) <= known


def test_the_unit_starts_the_service_without_rights() -> None:
    unit = (ROOT / "docs/examples/aios-bot.service").read_text()
    assert re.search(r"(?m)^ExecStart=\S+/aios-bot serve$", unit)
    for line in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="):
        assert re.search(rf"(?m)^{line}$", unit), line
    stop = re.search(r"(?m)^TimeoutStopSec=(\d+)$", unit)
    assert stop
    assert int(stop.group(1)) > 10, "the service promises to end within ten seconds"
