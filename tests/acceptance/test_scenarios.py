"""The mission, from a plain folder to a node that runs a change: migration steps 1 to 5, then scenarios 2 and 3.

What a person types is typed here; everything else is the bot's. Seen from outside: files, GitHub, containers.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot.agent.state import NodeState
from bot.cli.main import aios_bot
from bot.domain.names import NodeName, RepoName
from bot.storage.keyfiles import ORDERS_PUBLIC
from sandbox.engine import Engine
from sandbox.runner import Runner
from sandbox.world import OWNER, PERSON, SERVER
from tests.acceptance.conftest import Running
from tests.acceptance.outside import eventually
from tests.acceptance.test_deploy import MERGE_SECONDS, containers, images
from tests.gitworld import git

__all__ = ["images"]

CELL = RepoName(f"{OWNER}/aios-cell")
LAB = NodeName("LAB")
PROMETHEUS = "stacks/observability/docker-compose.yml"


@pytest.fixture
def person(running: Running, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's machine: git knows who they are and what GitHub knows them by; a folder and a linked server."""
    home = running.folder / "home"
    home.mkdir()
    basic = base64.b64encode(f"x-access-token:{running.world.token}".encode()).decode()
    (home / ".gitconfig").write_text(
        f"[user]\n\tname = {PERSON}\n\temail = {PERSON}@example.com\n"
        f'[http "{running.world.hub.url}/"]\n\textraHeader = Authorization: Basic {basic}\n'
    )
    monkeypatch.setenv("HOME", str(home))
    root, elsewhere = running.folder / "aios supercell", running.folder / "users/server"
    root.mkdir()
    elsewhere.parent.mkdir()
    git(running.folder, "clone", "--quiet", f"{running.world.hub.url}/{SERVER}.git", str(elsewhere))
    (elsewhere / "stacks/ingress/dynamic/mine.yml").write_text("# not committed\n")
    (root / "server").symlink_to(elsewhere)
    (root / "AIOS-KNOWLEDGE-BASE.md").write_text("# All we know\n")
    (root / "README.md").write_text("# The cell\n")
    (root / "config").mkdir()
    node_root = running.folder / "lab/aios"
    (root / "config/hosts.yaml").write_text(f"hosts:\n  {LAB}:\n    os: Debian 12\n    root: {node_root}\n")
    workspace = '{\n  // the cell\n  "folders": [{ "path": "." }, { "path": "%s" }]\n}\n'
    (root / "cell.code-workspace").write_text(workspace % elsewhere)
    return root


def typed(*arguments: str) -> str:
    done = CliRunner().invoke(aios_bot, ["fleet", *arguments])
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    return done.output


def proposal(running: Running, pushed: str) -> Any:
    """The open pull request of the cell that pins `pushed`, once its plan is there."""
    for pull in running.outside.pulls(CELL):
        head = pull["head"]["sha"]
        if running.outside.pin(CELL, head) == pushed and "aios/plan" in running.outside.checks(CELL, head):
            return running.outside.get(f"/repos/{CELL}/pulls/{pull['number']}")
    return None


@pytest.mark.usefixtures("images")
def test_from_a_plain_folder_to_a_node_that_runs_a_change(running: Running, person: Path, engine: Engine) -> None:
    hub, outside = running.world.hub, running.outside
    hub.create_repository(CELL)
    hub.set_permission(CELL, PERSON, "admin")
    url = f"{hub.url}/{CELL}.git"

    # Migration, steps 1 to 5: a dry run, then for real; the second time there is nothing to do.
    planned = typed("migrate", str(person), "--remote", url)
    assert "dry run" in planned
    assert not (person / ".git").exists()
    typed("migrate", str(person), "--remote", url, "--apply")
    assert "nothing to do" in typed("migrate", str(person), "--remote", url, "--apply")
    start = git(person / "server", "rev-parse", "HEAD")
    assert outside.pin(CELL, "main") == start
    assert (person / "docs/AIOS-KNOWLEDGE-BASE.md").read_text() == "# All we know\n"
    assert (person / "server/stacks/ingress/dynamic/mine.yml").read_text() == "# not committed\n"
    assert '{ "path": "./server" }' in (person / "cell.code-workspace").read_text()

    # It becomes a fleet by one command and one push, once the App may see it.
    typed("init", str(person), "--write")
    git(person, "add", "--all")
    git(person, "commit", "--quiet", "--message", "A fleet")
    hub.add_to_installation(running.world.installation, [CELL])
    git(person, "push", "--quiet")
    assert running.world.hub.wait_for_deliveries()

    # Scenario 3: a stack is improved in the submodule, and pushed.
    git(person / "server", "checkout", "--quiet", "main")
    compose = person / "server" / PROMETHEUS
    text = compose.read_text()
    alerts = "  alertmanager:\n    image: grafana/loki:3.1.0\n    networks: [observability]\n\n"
    compose.write_text(text.replace("  grafana:\n", f"{alerts}  grafana:\n", 1))
    git(person / "server", "add", PROMETHEUS)
    git(person / "server", "commit", "--quiet", "--message", "Add Alertmanager to observability stack")
    git(person / "server", "push", "--quiet", "origin", "main")
    pushed = git(person / "server", "rev-parse", "HEAD")

    # Scenario 2: the bot moves the pin, a person reads what that does, and approves.
    pull = eventually("the pull request with its plan", lambda: proposal(running, pushed), seconds=60)
    assert "alertmanager" in pull["body"]
    assert "Add Alertmanager to observability stack" in pull["body"]
    state = NodeState(running.folder / "lab/state")
    state.trust(running.service.data / "keys" / ORDERS_PUBLIC, fleet=CELL, node=LAB, root=None)
    runner = Runner(
        hub,
        labels=("self-hosted", LAB),
        state=state.folder,
        environment=engine.environment,
        folder=running.folder / "lab/runner",
    )
    with runner:
        merged = hub.merge_pull(CELL, pull["number"], by=PERSON)

        def ended() -> Any:
            states = outside.deployment_states(CELL, merged).get(LAB, [])
            return states if states and states[-1] in ("success", "failure", "error") else None

        states = eventually("the deployment", ended, seconds=MERGE_SECONDS)
    assert states[-1] == "success", sorted(runner.logs.iterdir())[-1].read_text()[-3000:]
    node_root = running.folder / "lab/aios"
    assert git(node_root, "rev-parse", "HEAD") == merged
    assert git(node_root / "server", "rev-parse", "HEAD") == pushed
    assert containers(engine)["observability-alertmanager-1"]["State"]["Running"]

    # The person's own checkout follows as the mission has it, and their uncommitted file is still there.
    git(person, "pull", "--quiet")
    git(person, "submodule", "--quiet", "update", "server")
    assert git(person / "server", "rev-parse", "HEAD") == pushed
    assert (person / "server/stacks/ingress/dynamic/mine.yml").read_text() == "# not committed\n"


def test_a_fleet_is_proposed_by_pull_request(running: Running, person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, outside = running.world.hub, running.outside
    hub.create_repository(CELL)
    hub.set_permission(CELL, PERSON, "admin")
    typed("migrate", str(person), "--remote", f"{hub.url}/{CELL}.git", "--apply")
    monkeypatch.setenv("GITHUB_TOKEN", running.world.token)
    monkeypatch.setenv("GITHUB_API_URL", f"{hub.url}/api/v3")
    said = [typed("init", str(person), "--pull-request") for _ in range(2)]
    (pull,) = outside.pulls(CELL)
    assert all(f"opened: {pull['html_url']}" in text for text in said)
    files = {file["filename"] for file in outside.get(f"/repos/{CELL}/pulls/{pull['number']}/files")}
    assert files == {".github/aios-bot.yml", ".github/workflows/deploy.yml"}
    assert not (person / ".github").exists()


def test_one_push_to_server_reaches_every_platform(running: Running, person: Path) -> None:
    """aios-linux and aios-android begin as empty folders; each becomes a fleet by template beside aios-win."""
    hub, outside = running.world.hub, running.outside
    server_url = f"{hub.url}/{SERVER}.git"
    fleets = []
    for platform in ("linux", "android"):
        repo = RepoName(f"{OWNER}/aios-{platform}")
        hub.create_repository(repo)
        hub.set_permission(repo, PERSON, "admin")
        folder = running.folder / f"aios-{platform}"
        folder.mkdir()
        typed("migrate", str(folder), "--server-url", server_url, "--remote", f"{hub.url}/{repo}.git", "--apply")
        typed("init", str(folder), "--template", platform, "--node", f"{platform}-1", "--write")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "A fleet")
        git(folder, "push", "--quiet")
        fleets.append(repo)
    hub.add_to_installation(running.world.installation, fleets)
    assert hub.wait_for_deliveries()
    file = outside.get(f"/repos/{OWNER}/aios-android/contents/.github/aios-bot.yml")
    assert "com.termux" in base64.b64decode(file["content"]).decode()

    pushed = running.world.edit(
        SERVER, "stacks/ingress/docker-compose.yml", "traefik:v3.1", "traefik:v3.2", "Traefik 3.2"
    )

    def proposed() -> bool:
        pinned = [
            any(outside.pin(repo, pull["head"]["sha"]) == pushed for pull in outside.pulls(repo))
            for repo in (RepoName(f"{OWNER}/aios-win"), *fleets)
        ]
        return all(pinned)

    assert eventually("a pull request in every platform's repository", proposed, seconds=60)
