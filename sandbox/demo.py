"""`python -m sandbox demo`: a push, its plan, the merge and the deploy, on one machine and without an account.

Only GitHub is embedded: the service is a process of its own, the node has its own checkout and a real engine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import requests

from bot.agent.state import NodeState
from bot.domain.errors import BotError
from bot.domain.names import RepoName
from bot.storage.keyfiles import ORDERS_PUBLIC
from sandbox.engine import Engine, EngineError, find_engine, start_engine
from sandbox.github import EmbeddedGitHub
from sandbox.runner import Runner
from sandbox.service import free_port, new_secret, run_service
from sandbox.world import FLEET, IMAGES, NODE, PERSON, SERVER, AiosWorld, build_world

STEP_LIMIT = 120  # seconds for one step
PERSON_LIMIT = 3600  # seconds for somebody to press Merge
INGRESS = "stacks/ingress/docker-compose.yml"
_T = TypeVar("_T")


class DemoError(BotError):
    """The demo failed; the message says at which step."""


class _Clock:
    """Prints each step with the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def report(self, what: str, detail: str = "") -> None:
        click.echo(f"{time.monotonic() - self._start:6.1f} s  {what:<22} {detail}".rstrip())


class _Reader:
    """Reads the embedded GitHub by REST with the user's token."""

    def __init__(self, world: AiosWorld) -> None:
        self._api = f"{world.hub.url}/api/v3/repos"
        self._headers = {"Authorization": f"Bearer {world.token}"}

    def get(self, repo: RepoName, path: str) -> Any:
        answer = requests.get(f"{self._api}/{repo}/{path}", headers=self._headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def find_pull(self) -> Any:
        return next(iter(self.get(FLEET, "pulls")), None)

    def find_check(self, sha: str) -> Any:
        runs = self.get(FLEET, f"commits/{sha}/check-runs")["check_runs"]
        return next((run for run in runs if run["name"] == "aios/plan" and run["status"] == "completed"), None)

    def find_final_status(self, sha: str) -> Any:
        """The newest status of the node's deployment, once it is final."""
        for deployment in self.get(FLEET, f"deployments?sha={sha}"):
            for status in self.get(FLEET, f"deployments/{deployment['id']}/statuses")[:1]:
                if status["state"] in ("success", "failure", "error"):
                    return status
        return None

    def find_order(self, sha: str) -> Any:
        """The node's deployment, once its order is queued."""
        for deployment in self.get(FLEET, f"deployments?sha={sha}"):
            if self.get(FLEET, f"deployments/{deployment['id']}/statuses"):
                return deployment
        return None


@click.command()
@click.option("--merge/--wait", "by_itself", default=None, help="Merge automatically, or wait for you to merge.")
def demo(by_itself: bool | None) -> None:
    """Show a push, its plan, the merge and the deploy to a node. Without a terminal it merges by itself."""
    run_demo(by_itself=not has_terminal() if by_itself is None else by_itself)


def run_demo(*, by_itself: bool) -> None:
    """Run the demo. `by_itself` merges without waiting for a reader. Raises DemoError when a step times out."""
    clock = _Clock()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aios-")))
        hub = stack.enter_context(EmbeddedGitHub(folder / "github"))
        hub.start()
        clock.report("embedded GitHub", hub.url)
        engine = stack.enter_context(_engine(folder / "engine", clock))
        port, secret = free_port(), new_secret()
        world = build_world(
            hub,
            folder=folder / "people",
            node_root=folder / "node/aios-supercell",
            webhook_url=f"http://127.0.0.1:{port}/webhook",
            webhook_secret=secret,
        )
        clock.report("a small AIOS", f"{SERVER} with 3 stacks, pinned by {FLEET}, node {NODE}")
        service = stack.enter_context(
            run_service(
                port=port,
                api_url=f"{hub.url}/api/v3",
                app_id=world.app.id,
                private_key=world.app.private_key_pem,
                webhook_secret=secret,
                data=folder / "bot",
            )
        )
        clock.report("aios-bot serve", f"{service.url}, process {service.process.pid}")
        if engine is not None:
            runner = stack.enter_context(start_runner(hub, engine, folder, service.data))
            clock.report(f"runner of {NODE}", runner.how)
        _run_steps(world, clock, engine, by_itself=by_itself)


@contextmanager
def _engine(root: Path, clock: _Clock) -> Iterator[Engine | None]:
    """A separate engine if that is possible, otherwise the machine's, otherwise none. Reports which."""
    with ExitStack() as stack:
        engine: Engine | None
        try:
            engine, whose = stack.enter_context(start_engine(root)), "a separate one, removed at the end"
        except EngineError as problem:
            engine, whose = find_engine(), f"this machine's ({problem})"
            if engine is None:
                clock.report("Docker Engine", f"none, so the demo ends with the order: {problem}")
        if engine is not None:
            clock.report("Docker Engine", whose)
            for image, version in IMAGES.items():
                engine.make_image(image, version=version)
        yield engine


def start_runner(hub: EmbeddedGitHub, engine: Engine, folder: Path, bot_data: Path) -> Runner:
    """The node's runner; its node trusts the bot's key. Enter it to start it."""
    state = folder / "node/state"
    NodeState(state).trust(bot_data / "keys" / ORDERS_PUBLIC, fleet=FLEET, node=NODE, root=None)
    return Runner(
        hub,
        labels=("self-hosted", NODE),
        state=state,
        environment=engine.environment,
        folder=folder / "node/runner",
    )


def _run_steps(world: AiosWorld, clock: _Clock, engine: Engine | None, *, by_itself: bool) -> None:
    hub, reader = world.hub, _Reader(world)
    pushed = world.edit(SERVER, INGRESS, "traefik:v3.1", "traefik:v3.2", "Traefik 3.2")
    clock.report("push to server", f"{pushed[:7]}: traefik 3.1 -> 3.2")
    pull = _wait("the pull request", reader.find_pull)
    number = pull["number"]
    clock.report(f"pull request #{number}", pull["title"])
    check = _wait("the plan's check", lambda: reader.find_check(pull["head"]["sha"]))
    clock.report("check aios/plan", check["output"]["title"])
    click.echo(f"\n          {hub.url}/{FLEET}/pull/{number}\n")
    if by_itself:
        hub.merge_pull(FLEET, number, by=PERSON)
    else:
        click.echo("          Open the page, read the plan, and press Merge. Ctrl-C ends the demo.\n")
    limit = STEP_LIMIT if by_itself else PERSON_LIMIT
    merged = _wait("the merge", lambda: _merged(reader, number), seconds=limit)
    clock.report("merged", f"{merged[:7]}: that was the approval")
    order = _wait("the order", lambda: reader.find_order(merged))
    clock.report("order to the node", f"deployment {order['id']}, signed, dispatched to deploy.yml")
    if engine is None:
        if by_itself:
            raise DemoError(
                "the order was sent, but there is no engine to carry it out, so the node runs nothing new"
            )
        return
    end = _wait("the end of the deployment", lambda: reader.find_final_status(merged))
    clock.report(f"deployment {end['state']}", end["description"])
    _check_containers(engine, clock)
    if not by_itself:
        click.pause("\n          Look at the pull request again. Press any key to end the demo.")


def _merged(reader: _Reader, number: int) -> str | None:
    pull = reader.get(FLEET, f"pulls/{number}")
    return str(pull["merge_commit_sha"]) if pull["merged"] else None


def _check_containers(engine: Engine, clock: _Clock) -> None:
    listed = engine.docker("ps", "--format", "table {{.Names}}\t{{.Image}}\t{{.Status}}")
    click.echo("\n" + "\n".join(f"          {line}" for line in listed.splitlines()) + "\n")
    running = engine.docker("ps", "--filter", "ancestor=traefik:v3.2", "--format", "{{.Names}}")
    if not running:
        raise DemoError("the node does not run traefik 3.2; the log of its job is on the pull request's page")
    clock.report("done", f"{NODE} runs what was merged")


def _wait(what: str, find: Callable[[], _T | None], *, seconds: float = STEP_LIMIT) -> _T:
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        if time.monotonic() > deadline:
            raise DemoError(f"{what} did not appear within {seconds:.0f} s")
        time.sleep(0.1)


def has_terminal() -> bool:
    """Whether somebody is there to press Merge."""
    return sys.stdin.isatty() and sys.stdout.isatty()
