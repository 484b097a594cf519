"""A node for tests: real repositories, a real checkout, a real engine, and a bot's key to sign orders with."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.agent.checkout import Checkout, CheckoutPosition
from bot.agent.deploy import deploy
from bot.agent.health import HealthTimeouts
from bot.agent.node import LocalNode
from bot.agent.space import MINIMUM_SPACE, MinimumSpace
from bot.agent.state import NodeState
from bot.domain.errors import RetryLater
from bot.domain.names import (
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    RepoName,
    ServiceName,
    StackName,
    SubmodulePath,
)
from bot.engine.docker import Docker
from bot.features.rollout.apply.signing import sign_order
from bot.git.safe_git import GitAccess
from bot.protocol.action import Action
from bot.protocol.order import Order, OrderKind, ServiceOrder, StackOrder
from bot.protocol.outcome import OrderEnd, Outcome
from bot.protocol.report import CheckRunText, render_report
from sandbox.engine import Engine
from tests.gitworld import commit, git, new_repository

FLEET, NODE = RepoName("tecnocrat/aios-win"), NodeName("HP_LAB")
QUICK = HealthTimeouts(samples=3, interval=0.2, limit=20, watch=0.6)

Actions = Mapping[str, Mapping[str, Action]]
"""Per stack, what is ordered for each service."""

INGRESS = """\
name: {prefix}-ingress
services:
  traefik:
    image: {traefik}
    command: {command}
    volumes: [./dynamic:/etc/traefik/dynamic:ro]
    networks: [ingress]
    restart: unless-stopped
    healthcheck: {healthcheck}
  whoami:
    image: whoami:1
    networks: [ingress]
networks:
  ingress:
    name: {prefix}-ingress
"""
SECRETS = """\
name: {prefix}-secrets
services:
  vault:
    image: vault:1
    networks: [ingress]
    volumes: [data:/data, ./acme:/acme]
networks:
  ingress:
    name: {prefix}-ingress
    external: true
volumes:
  data:
"""
CREATE_ALL: Actions = {
    "secrets": {"vault": Action.CREATE},
    "ingress": {"traefik": Action.CREATE, "whoami": Action.CREATE},
}
"""The user of the network stands before its owner, as a fleet file may well have it."""
NOTHING: Actions = {
    "secrets": {"vault": Action.NONE},
    "ingress": {"traefik": Action.NONE, "whoami": Action.NONE},
}
IMAGES = ("traefik:1", "traefik:2", "whoami:1", "vault:1")
HEALTHY = "{test: [CMD, 'true'], interval: 300ms, timeout: 2s, retries: 2}"


def server_files(
    prefix: str,
    *,
    traefik: str = "traefik:1",
    command: str = "[]",
    headers: str = "one",
    healthcheck: str = "{disable: true}",
) -> dict[str, str | None]:
    """The server's files; a test states only its difference."""
    ingress = INGRESS.format(traefik=traefik, command=command, healthcheck=healthcheck, prefix=prefix)
    return {
        "stacks/ingress/docker-compose.yml": ingress,
        "stacks/ingress/dynamic/headers.yml": f"{headers}\n",
        "stacks/secrets/docker-compose.yml": SECRETS.format(prefix=prefix),
        "stacks/secrets/acme/README.md": "Certificates come here.\n",
    }


@dataclass
class NodeWorld:
    """Everything lives below `folder`; stacks are called `prefix`-NAME, so that one engine serves many tests."""

    folder: Path
    engine: Engine
    prefix: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    posted: list[tuple[int, str, str]] = field(default_factory=list)
    reports: list[CheckRunText] = field(default_factory=list)
    withdrawn: set[int] = field(default_factory=set)
    is_silent: bool = False  # GitHub does not say whether an order stands
    told: list[str] = field(default_factory=list)
    number: int = 100
    clock: float = field(default_factory=time.time)
    timeouts: HealthTimeouts = QUICK
    minimum_space: MinimumSpace = MINIMUM_SPACE

    @property
    def server(self) -> Path:
        """The upstream's work tree."""
        return self.folder / "work/server"

    @property
    def fleet(self) -> Path:
        """The fleet's work tree: a person's, not the node's."""
        return self.folder / "work/aios-win"

    @property
    def root(self) -> Path:
        """The node's checkout."""
        return self.folder / "node"

    @property
    def state(self) -> NodeState:
        return NodeState(self.folder / "state")

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        self.posted.append((deployment, state, description))

    def report(self, order: Order, outcome: Outcome) -> None:
        self.reports.append(render_report(order, outcome))

    def is_withdrawn(self, deployment: DeploymentId) -> bool:
        if self.is_silent:
            raise RetryLater("GitHub is away", seconds=60)
        return deployment in self.withdrawn

    def push(self, files: Mapping[str, str | None], *, pin: CommitSha | None = None) -> CheckoutPosition:
        """Change the server, bump the fleet's pin, publish both; the fleet's commit and the pin."""
        pin = pin or commit(self.server, files)
        git(self.server, "push", "--quiet", "--force", "origin", "HEAD:main")
        merged = commit(self.fleet, {"README.md": f"pins {pin}\n"}, pins={"server": pin})
        git(self.fleet, "push", "--quiet", "origin", "HEAD:main")
        return CheckoutPosition(merged, pin)

    def order(self, at: CheckoutPosition, actions: Actions, **changes: object) -> Order:
        """The next order for this node."""
        self.number += 1
        values: dict[str, object] = {
            "kind": OrderKind.DEPLOY,
            "fleet": FLEET,
            "node": NODE,
            "commit": at.commit,
            "base": "main",
            "submodule": SubmodulePath("server"),
            "pin": at.pin,
            "plan": PlanId("0123456789ab"),
            "root": str(self.root),
            "stacks": tuple(self.stack(name, services) for name, services in actions.items()),
            "variables": {},
            "issued": int(self.clock) - 5,
            "expires": int(self.clock) + 3600,
            "number": DeploymentId(self.number),
        }
        return Order(**(values | changes))  # type: ignore[arg-type]  # a test states only its difference

    def stack(self, name: str, services: Mapping[str, Action]) -> StackOrder:
        return StackOrder(
            stack=StackName(name),
            folder=f"server/stacks/{name}",
            files=("docker-compose.yml",),
            profiles=(),
            project=self.project(name),
            services=tuple(ServiceOrder(service=ServiceName(s), action=a) for s, a in services.items()),
        )

    def project(self, stack: str) -> str:
        return f"{self.prefix}-{stack}"

    def node(self) -> LocalNode:
        return LocalNode(
            state=self.state,
            docker=Docker(self.engine.environment, log=self.told.append),
            access=GitAccess((self.folder / "remote").as_uri(), None),
            sink=self,
            now=lambda: self.clock,
            log=self.told.append,
            timeouts=self.timeouts,
            minimum_space=self.minimum_space,
        )

    def deploy(self, order: Order) -> Outcome:
        return deploy(sign_order(order, self.key), self.node())

    def checkout_position(self) -> CheckoutPosition | None:
        """What the node's checkout holds."""
        return Checkout(self.root, GitAccess("", None)).position("server")

    def containers(self) -> dict[str, tuple[str, str, str]]:
        """ "stack/service" to id, start time and version of the running containers of this world."""
        ids = self.engine.docker("ps", "-q", "--no-trunc", "--filter", "label=com.docker.compose.project").split()
        found = {}
        for line in self._inspect(ids):
            project, service, container, started, version = line.split("|")
            if project.startswith(f"{self.prefix}-"):
                found[f"{project.removeprefix(self.prefix + '-')}/{service}"] = (container, started, version)
        return found

    def version(self, service: str) -> str:
        """What the image of a running service ("stack/service") says it is."""
        return self.engine.docker("exec", self.containers()[service][0], "cat", "/version")

    def _inspect(self, ids: list[str]) -> list[str]:
        if not ids:
            return []
        label = '{{index .Config.Labels "com.docker.compose.%s"}}'
        form = "|".join(
            [label % "project", label % "service", "{{.Id}}", "{{.State.StartedAt}}", "{{.Config.Image}}"]
        )
        return self.engine.docker("inspect", "--format", form, *ids).splitlines()


def make_world(
    folder: Path, engine: Engine, prefix: str, files: Mapping[str, str | None]
) -> tuple[NodeWorld, CheckoutPosition]:
    """A node that was never deployed to, of a fleet whose server holds `files`; and what there is to deploy."""
    world = NodeWorld(folder, engine, prefix)
    for name, work in (("server", world.server), ("aios-win", world.fleet)):
        new_repository(work)
        remote = folder / "remote/tecnocrat" / f"{name}.git"
        remote.parent.mkdir(parents=True, exist_ok=True)
        git(work, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
        git(work, "remote", "add", "origin", str(remote))
    pin = commit(world.server, files)
    modules = '[submodule "server"]\n\tpath = server\n\turl = ../server.git\n'
    commit(world.fleet, {".gitmodules": modules, ".gitignore": "*.local\n"})
    first = world.push({}, pin=pin)
    keyfile = folder / "orders.pub.pem"
    keyfile.write_bytes(world.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    world.state.trust(keyfile, fleet=FLEET, node=NODE, root=None)
    return world, first


_counter = itertools.count(1)


def next_prefix() -> str:
    """The beginning of a world's project names, which no other of this process has."""
    return f"t{next(_counter)}"


@pytest.fixture(scope="session")
def node_images(shared_engine: Engine) -> None:
    """Images that say what they are."""
    for name in IMAGES:
        shared_engine.make_image(name, version=name)


@pytest.fixture
def empty_node(tmp_path: Path, engine: Engine, node_images: None) -> tuple[NodeWorld, CheckoutPosition]:
    """A node that was never deployed to, and what there is to deploy."""
    prefix = next_prefix()
    return make_world(tmp_path, engine, prefix, server_files(prefix))


def deployed_node(folder: Path, engine: Engine) -> NodeWorld:
    """A node that runs the first version. Tests take `node_world`, which is one that no other test has changed."""
    prefix = next_prefix()
    world, first = make_world(folder, engine, prefix, server_files(prefix))
    world.timeouts = QUICK._replace(samples=1, interval=0.05, watch=0.0)
    outcome = world.deploy(world.order(first, CREATE_ALL))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    return world
