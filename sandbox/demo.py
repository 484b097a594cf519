"""`python -m sandbox demo`: a push, its plan, the merge and the deploy, on one machine and without an account.

Only GitHub is embedded: the service is a process of its own, the node has its own checkout and a real engine.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

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
from sandbox.traces import DemoFolder, open_demo_folder, remove_leftovers
from sandbox.world import FLEET, IMAGES, NODE, PERSON, SERVER, AiosWorld, build_world, read_stacks

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

    def find_fleet_page(self, number: int) -> str | None:
        """The address of the fleet's page, which the comment on a merged pull request links."""
        texts = [comment["body"] for comment in self.get(FLEET, f"issues/{number}/comments")]
        found = re.search(r"https?://[^\s)]+/fleets/[\w.-]+/[\w.-]+", "\n".join(texts))
        return found.group() if found else None

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
@click.option(
    "--on-my-engine",
    is_flag=True,
    help="Deploy to the Docker Engine of this machine, under names of its own that are removed at the end. "
    "Default: start a separate engine, which needs root; never touch the machine's.",
)
def demo(by_itself: bool | None, on_my_engine: bool) -> None:
    """Show a push, its plan, the merge and the deploy to a node. Without a terminal it merges by itself.

    Everything that it makes is removed at the end, whatever ends it; after a `kill -9` by the next demo.
    """
    run_demo(by_itself=not has_terminal() if by_itself is None else by_itself, on_my_engine=on_my_engine)


def run_demo(*, by_itself: bool, on_my_engine: bool = False) -> None:
    """Run the demo. `by_itself` merges without waiting for a reader. Raises DemoError when a step times out."""
    clock = _Clock()
    for line in remove_leftovers():
        clock.report("an earlier demo", line)
    with open_demo_folder() as own, ExitStack() as stack:
        folder = own.path
        hub = stack.enter_context(EmbeddedGitHub(folder / "github"))
        hub.start()
        clock.report("embedded GitHub", hub.url)
        engine = stack.enter_context(_engine(own, clock, on_my_engine=on_my_engine))
        name = own.name if on_my_engine else ""
        port, secret = free_port(), new_secret()
        world = build_world(
            hub,
            folder=folder / "people",
            node_root=folder / "node/aios-supercell",
            webhook_url=f"http://127.0.0.1:{port}/webhook",
            webhook_secret=secret,
            with_stacks=engine is None,  # otherwise they are the first thing that is deployed
        )
        clock.report("a small AIOS", f"{SERVER}, pinned by {FLEET}, node {NODE}")
        service = stack.enter_context(
            run_service(
                port=port,
                api_url=f"{hub.url}/api/v3",
                app_id=world.app.id,
                private_key=world.app.private_key_pem,
                webhook_secret=secret,
                data=folder / "bot",
                public=True,
            )
        )
        clock.report("aios-bot serve", f"{service.url}, process {service.process.pid}")
        if engine is not None:
            runner = stack.enter_context(start_runner(hub, engine, folder, service.data))
            clock.report(f"runner of {NODE}", runner.how)
        _run_steps(_Demo(world, _Reader(world), clock, engine, name, service.url), by_itself=by_itself)


class _Demo(NamedTuple):
    """The parts of a running demo. `name` is in front of what it makes in somebody's own engine, else "".

    Without an engine the demo ends with the order.
    """

    world: AiosWorld
    reader: _Reader
    clock: _Clock
    engine: Engine | None
    name: str
    service_url: str


@contextmanager
def _engine(own: DemoFolder, clock: _Clock, *, on_my_engine: bool) -> Iterator[Engine | None]:
    """A separate engine, or with the person's word the machine's; none if there is no such. Reports which."""
    with ExitStack() as stack:
        engine: Engine | None = None
        if on_my_engine:
            engine = find_engine()
            if engine is None:
                raise DemoError("--on-my-engine: no Docker Engine answers here; start Docker, or set DOCKER_HOST")
            own.record_engine(engine.environment)
            clock.report("Docker Engine", f"yours; what is made in it is called {own.name}, and removed at the end")
        else:
            try:
                engine = stack.enter_context(start_engine(own.path / "engine"))
                clock.report("Docker Engine", "a separate one, removed at the end")
            except EngineError as problem:
                cure = "; to use the engine of this machine, add --on-my-engine" if find_engine() else ""
                clock.report("Docker Engine", f"none, so the demo ends with the order: {problem}{cure}")
        if engine is not None:
            for image, version in IMAGES.items():
                engine.make_image(f"{own.name}/{image}" if on_my_engine else image, version=version)
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


def _run_steps(demo: _Demo, *, by_itself: bool) -> None:
    if demo.engine is not None:
        _deploy_first(demo)
    world, reader, clock = demo.world, demo.reader, demo.clock
    pushed = world.edit(SERVER, INGRESS, "traefik:v3.1", "traefik:v3.2", "Traefik 3.2")
    clock.report("push to server", f"{pushed[:7]}: traefik 3.1 -> 3.2")
    number, check = _wait_for_plan(demo)
    address = f"{world.hub.url}/{FLEET}/pull/{number}"
    click.echo(f"\n          the pull request  {address}")
    click.echo(f"          its plan          {demo.service_url}/plans/{check['external_id']}\n")
    if by_itself:
        world.hub.merge_pull(FLEET, number, by=PERSON)
    else:
        click.echo("          Open the page, read the plan, and press Merge. Ctrl-C ends the demo.\n")
    merged = _wait("the merge", lambda: _merged(reader, number), seconds=STEP_LIMIT if by_itself else PERSON_LIMIT)
    clock.report("merged", f"{merged[:7]}: that was the approval")
    end = _wait_for_deploy(demo, merged)
    if end is None:
        if by_itself:
            raise DemoError(
                "the order was sent, but there is no engine to carry it out, so the node runs nothing new"
            )
        return
    clock.report(f"deployment {end['state']}", end["description"])
    _check_containers(demo)
    page = _wait("the page of the fleet", lambda: reader.find_fleet_page(number))
    click.echo(f"          the fleet         {page}\n")
    if not by_itself:
        click.pause("          Look at the pull request and the fleet's page. Press any key to end the demo.")


def _deploy_first(demo: _Demo) -> None:
    """Bring the stacks to the node as they are before the change, the way any pin gets there."""
    demo.world.push(SERVER, read_stacks(demo.name), "Three stacks, with Traefik 3.1")
    number, check = _wait_for_plan(demo)
    demo.clock.report("first deploy", check["output"]["title"])
    demo.world.hub.merge_pull(FLEET, number, by=PERSON)
    merged = _wait("the merge", lambda: _merged(demo.reader, number))
    end = _wait_for_deploy(demo, merged)
    if end is None or end["state"] != "success":
        raise DemoError(f"the first deploy failed: {end['description'] if end else 'no engine'}")
    demo.clock.report(f"{NODE} runs it", end["description"])


def _wait_for_plan(demo: _Demo) -> tuple[int, Any]:
    """The open pull request's number and its plan's check."""
    pull = _wait("the pull request", demo.reader.find_pull)
    check = _wait("the plan's check", lambda: demo.reader.find_check(pull["head"]["sha"]))
    demo.clock.report(f"pull request #{pull['number']}", pull["title"])
    demo.clock.report("check aios/plan", check["output"]["title"])
    return int(pull["number"]), check


def _wait_for_deploy(demo: _Demo, merged: str) -> Any:
    """The last status of the deployment of `merged`; None without an engine, when its order was given."""
    order = _wait("the order", lambda: demo.reader.find_order(merged))
    demo.clock.report("order to the node", f"deployment {order['id']}, signed, dispatched to deploy.yml")
    if demo.engine is None:
        return None
    return _wait("the end of the deployment", lambda: demo.reader.find_final_status(merged))


def _merged(reader: _Reader, number: int) -> str | None:
    pull = reader.get(FLEET, f"pulls/{number}")
    return str(pull["merge_commit_sha"]) if pull["merged"] else None


def _check_containers(demo: _Demo) -> None:
    assert demo.engine is not None  # noqa: S101 - the caller has one
    filters = ("--filter", f"name={demo.name}")
    listed = demo.engine.docker("ps", *filters, "--format", "table {{.Names}}\t{{.Image}}\t{{.Status}}")
    click.echo("\n" + "\n".join(f"          {line}" for line in listed.splitlines()) + "\n")
    image = f"{demo.name}/traefik:v3.2".removeprefix("/")
    running = demo.engine.docker("ps", *filters, "--filter", f"ancestor={image}", "--format", "{{.Names}}")
    if not running:
        raise DemoError("the node does not run traefik 3.2; the log of its job is on the pull request's page")
    demo.clock.report("done", f"{NODE} runs what was merged")


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
