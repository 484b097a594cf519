"""A new node: it joins, gets its first stacks deployed, and leaves the fleet. Tested from outside."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from bot.domain.errors import ExitCode
from bot.github import manifest
from bot.protocol.agent import AgentRelease
from bot.protocol.invitation import parse_invitation
from bot.settings.environment import child_environment
from sandbox.engine import Engine
from sandbox.github import EmbeddedGitHub
from sandbox.runner import Runner
from sandbox.service import free_port, new_secret, run_service
from sandbox.world import FLEET, IMAGES, NODE, OWNER, PERSON, SERVER, AiosWorld, build_repositories
from tests.acceptance.conftest import Running
from tests.acceptance.outside import Outside, eventually
from tests.openapi import Exchange, complaints, judge_exchange
from tests.releases import serve

BOOTSTRAP = "#!/bin/sh\necho ran >> ../bootstrapped\n"


@pytest.fixture
def empty() -> Iterator[Running]:
    """A fleet without a single node, and its bot."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-")))
        hub = stack.enter_context(EmbeddedGitHub(folder / "github"))
        hub.start()
        token = build_repositories(hub, folder=folder / "people", node_root=None)
        port, secret = free_port(), new_secret()
        app = hub.register_app(
            "aios-bot", manifest.permissions(), manifest.events(), f"http://127.0.0.1:{port}/webhook", secret
        )
        world = AiosWorld(hub, app, hub.install(app, OWNER, [SERVER, FLEET]), token, folder / "people")
        service = stack.enter_context(
            run_service(
                port=port,
                api_url=f"{hub.url}/api/v3",
                app_id=app.id,
                private_key=app.private_key_pem,
                webhook_secret=secret,
                data=folder / "bot",
            )
        )
        stack.callback(end_runner, folder / "node/state/runner/runner.pid")
        yield Running(world, Outside(world), service, secret, folder / "node/aios-supercell", folder)


def end_runner(pid: Path) -> None:
    """What a test that failed half-way left running."""
    if pid.exists():
        with suppress(ProcessLookupError):
            os.killpg(int(pid.read_text()), signal.SIGKILL)


def run_as_person(running: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`aios-bot ARGUMENTS` of the person whose token it has."""
    environment = child_environment() | {
        "GITHUB_TOKEN": running.world.token,
        "GITHUB_API_URL": f"{running.world.hub.url}/api/v3",
        "AIOS_BOT_DATA": str(running.service.data),
    }
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def as_person(running: Running, *arguments: str) -> str:
    """What it prints where it succeeds."""
    done = run_as_person(running, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def paste(running: Running, engine: Engine, command: str) -> str:
    """What the node's terminal shows when a user who lets the runner be root pastes `command`."""
    done = paste_into_shell(running, engine, command, {"RUNNER_ALLOW_RUNASROOT": "1"})
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{running.service.log.read_text()[-2000:]}"
    return done.stdout + done.stderr


def paste_into_shell(
    running: Running, engine: Engine, command: str, own: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """The shell of the node's user, whose environment has `own` too, after `command` was pasted into it."""
    home = running.folder / "node/home"
    home.mkdir(parents=True, exist_ok=True)
    environment = child_environment() | dict(engine.environment)
    environment |= {
        "HOME": str(home),
        "AIOS_BOT_NODE_STATE": str(running.folder / "node/state"),
        "AIOS_BOT_NODE_WATCH": "1",
    }
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.run(
        ["setsid", "sh"], input=command, env=environment | own, cwd=home, capture_output=True, text=True, check=False
    )


def works_in(folder: Path) -> list[str]:
    """The processes whose working directory is, or was, `folder`."""
    return [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (entry / "cwd").is_symlink() and where(entry).startswith(str(folder))
    ]


def where(entry: Path) -> str:
    with suppress(OSError):
        return str((entry / "cwd").readlink())
    return ""


def runners(running: Running) -> dict[str, tuple[str, list[str]]]:
    """The fleet's runners as its administrator sees them: name to status and labels."""
    found = running.outside.get(f"/repos/{FLEET}/actions/runners")["runners"]
    return {one["name"]: (one["status"], [label["name"] for label in one["labels"]]) for one in found}


def assert_refused_as_root(empty: Running, engine: Engine, command: str) -> None:
    refused = paste_into_shell(empty, engine, command, {})
    assert "GitHub's runner refuses to run as root" in refused.stderr
    assert refused.returncode == ExitCode.FAILED
    assert not (empty.folder / "node/state/node.json").exists(), "refused before anything was changed"
    assert not empty.node_root.exists()


def assert_handed_on_to_jobs(empty: Running, engine: Engine) -> None:
    """What was set when the node joined is in the file from which the runner makes the environment of its jobs."""
    settings = (empty.folder / "node/state/runner/.env").read_text().splitlines()
    assert f"AIOS_BOT_NODE_STATE={empty.folder / 'node/state'}" in settings
    assert f"DOCKER_HOST={engine.host}" in settings
    assert any(line.startswith("LANG=") for line in settings), "what the runner itself wrote stays"


def test_a_new_node_joins_deploys_and_leaves(empty: Running, engine: Engine) -> None:
    for image, version in IMAGES.items():
        engine.make_image(image, version=version)
    world, outside = empty.world, empty.outside
    hub = world.hub
    pinned = world.git(world.checkouts / "aios-win", "rev-parse", "HEAD")  # pushed directly: nobody approved it yet
    world.push(FLEET, {"scripts/bootstrap.sh": BOOTSTRAP}, "What a new machine needs")

    root = str(empty.node_root)
    add = ["node", "add", NODE, "--fleet", FLEET, "--root", root, "--bootstrap", "scripts/bootstrap.sh"]
    add += ["--agent", "installed"]
    command = as_person(empty, *add)
    (proposed,) = outside.pulls(FLEET)
    assert proposed["title"] == f"Add the node {NODE}"
    (changed,) = outside.get(f"/repos/{FLEET}/pulls/{proposed['number']}/files")
    assert changed["filename"] == ".github/aios-bot.yml"
    as_person(empty, *add)
    assert len(outside.pulls(FLEET)) == 1, "the same pull request again"
    hub.merge_pull(FLEET, proposed["number"], by=PERSON)

    assert_refused_as_root(empty, engine, command)

    empty.node_root.mkdir(parents=True)  # as the person was told to, before
    shown = paste(empty, engine, command)
    assert f"this is {NODE} of {FLEET}" in shown
    assert "scripts/bootstrap.sh" in shown
    eventually("the runner", lambda: runners(empty) == {NODE: ("online", ["self-hosted", NODE])})
    assert_handed_on_to_jobs(empty, engine)
    again = paste(empty, engine, command)
    assert "registered already" in again
    assert "in the background already" in again
    assert (empty.node_root.parent / "bootstrapped").read_text() == "ran\n", "a bootstrap script runs once"

    _, labels = runners(empty)[NODE]
    with Runner(
        hub,
        labels=labels,
        state=empty.folder / "node/state",
        environment=engine.environment,
        folder=empty.folder / "node/work",
    ):
        eventually(
            "traefik on the new node",
            lambda: engine.docker("ps", "--filter", "ancestor=traefik:v3.1", "--format", "{{.Names}}"),
            seconds=120,
        )
        eventually(
            "the end of the first deployment",
            lambda: outside.deployment_states(FLEET, pinned).get(NODE, [])[-1:] == ["success"],
            seconds=120,
        )
    head = world.git(empty.node_root / "server", "rev-parse", "HEAD")
    assert head == outside.pin(FLEET, "main")

    def reported() -> bool:
        return any("</code> runs server `" in one["body"] for one in outside.comments(FLEET, proposed["number"]))

    eventually("the comment that it runs", reported)

    mistyped = run_as_person(empty, "node", "remove", f"{NODE}S", "--fleet", FLEET)
    assert (mistyped.returncode, mistyped.stdout) == (ExitCode.FAILED, "")
    assert f"has no node {NODE}S, and no runner of that name; its nodes are {NODE}." in mistyped.stderr
    as_person(empty, "node", "remove", NODE, "--fleet", FLEET)
    (leaving,) = outside.pulls(FLEET)
    hub.merge_pull(FLEET, leaving["number"], by=PERSON)
    assert runners(empty) == {}
    left = paste(empty, engine, "aios-bot node leave\n")
    assert "accepts no orders any more" in left
    assert empty.node_root.exists()
    assert not (empty.folder / "node/state/node.json").exists()
    eventually("the end of the runner", lambda: not works_in(empty.folder / "node/state/runner"))
    complained = complaints(
        judge_exchange(Exchange(one.method, one.path, one.status, one.body))
        for one in hub.requests
        if one.kind == "rest" and ("/runners" in one.path or "/git/" in one.path)
    )
    assert not complained, complained


def test_a_user_without_admin_gets_the_address_of_the_token(empty: Running) -> None:
    empty.world.hub.set_permission(FLEET, PERSON, "write")
    add = ["node", "add", "LAB2", "--platform", "windows", "--fleet", FLEET, "--agent", "installed"]
    shown = run_as_person(empty, *add)
    assert shown.returncode == 0, shown.stderr
    assert f"{empty.world.hub.url}/{FLEET}/settings/actions/runners/new" in shown.stderr
    assert shown.stdout.startswith("& ([scriptblock]::Create(@'")
    (proposed,) = empty.outside.pulls(FLEET)
    assert proposed["title"] == "Add the node LAB2"
    assert requests.get(proposed["html_url"], timeout=10).ok


def test_an_agent_is_proposed_and_invited_by_the_hash_of_its_lock(empty: Running, tmp_path: Path) -> None:
    lock = "aios-bot==9.8.7 \\\n    --hash=sha256:00\n"
    (tmp_path / "agent.txt").write_text(lock)
    digest = hashlib.sha256(lock.encode()).hexdigest()
    with serve(tmp_path) as place:
        shown = as_person(empty, "fleet", "agent", "--fleet", FLEET, "--agent", place.url)
        again = as_person(empty, "fleet", "agent", "--fleet", FLEET, "--agent", place.url)
        command = as_person(empty, "node", "add", "LAB3", "--fleet", FLEET, "--agent", place.url)
    (proposed,) = [one for one in empty.outside.pulls(FLEET) if one["title"] == "Run aios-bot 9.8.7 on every node"]
    assert shown == again == f"opened: {proposed['html_url']}\n"
    file = empty.outside.get(f"/repos/{FLEET}/contents/.github/aios-bot.yml", ref=proposed["head"]["ref"])
    text = base64.b64decode(file["content"]).decode()
    assert f"agent: 9.8.7@sha256:{digest}\n" in text
    assert f"agent_from: {place.url}\n" in text
    assert digest in proposed["body"]
    agent = parse_invitation(command.split()[3]).agent
    assert agent == AgentRelease(version="9.8.7", url=place.url, lock=digest)
    assert "Install the agent that a lock names" in command, "the installer is in the command, to be read first"
    refused = run_as_person(empty, "node", "add", "LAB4", "--fleet", FLEET, "--agent", place.url)
    assert refused.returncode == 1
    assert f"{place.url}/agent.txt cannot be read" in refused.stderr
    assert "Add the node LAB4" not in [one["title"] for one in empty.outside.pulls(FLEET)], "nobody could join it"
