"""From a dispatched workflow to a running container: the embedded GitHub, its runner, the action, the node."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.agent.checkout import CheckoutPosition
from bot.domain.names import BranchName, DeploymentId, SubmodulePath
from bot.domain.values import Wire
from bot.features.rollout.apply.signing import sign_order
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.read.reports import read_report
from bot.git.credentials import token_environment
from bot.git.git import run_in_checkout
from bot.github.app import connect
from bot.github.endpoints import deployments, workflows
from bot.protocol.action import Action
from bot.protocol.order import Order, OrderKind
from bot.protocol.report import Report
from sandbox.github import EmbeddedGitHub
from sandbox.runner import Runner
from tests.gitworld import commit
from tests.nodeworld import CREATE_ALL, FLEET, NODE, NodeWorld

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/examples/deploy.yml"
SERVER = "tecnocrat/server"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[EmbeddedGitHub]:
    with EmbeddedGitHub(tmp_path / "hub") as made:
        made.start()
        yield made


class Run(Wire, frozen=True):
    id: int
    conclusion: str | None = None


class Place:
    """A node whose fleet lives in the embedded GitHub, privately; `client` acts as a person."""

    def __init__(self, hub: EmbeddedGitHub, world: NodeWorld) -> None:
        self.hub, self.world = hub, world
        token = hub.create_user("ada")
        self.client = connect(f"{hub.url}/api/v3", token)
        self._token = token
        for name in (FLEET, SERVER):
            hub.create_repository(name, private=name == FLEET)
            hub.set_permission(name, "ada", "admin")
        self.pin = commit(world.server, {})
        self.commit = commit(
            world.fleet, {".github/workflows/deploy.yml": EXAMPLE.read_text()}, pins={"server": self.pin}
        )
        for name, work in ((SERVER, world.server), (FLEET, world.fleet)):
            environment = {"GIT_CONFIG_GLOBAL": "/dev/null", **token_environment(token, server=hub.url)}
            run_in_checkout(work, "push", "--quiet", f"{hub.url}/{name}.git", "HEAD:main", environment=environment)

    def dispatch(self, order: Order, *, key: Ed25519PrivateKey | None = None) -> None:
        envelope = sign_order(order, key or self.world.key)
        inputs = {
            "order": envelope,
            "node": NODE,
            "labels": f'["self-hosted", "{NODE}"]',
            "deployment_id": str(order.number),
        }
        workflows.dispatch_workflow(self.client, FLEET, workflow="deploy.yml", ref=BranchName("main"), inputs=inputs)

    def new_deployment(self) -> DeploymentId:
        made = deployments.post_deployment(
            self.client, FLEET, sha=self.commit, node=NODE, task="deploy", description="x", payload={}
        )
        return DeploymentId(made.id)

    def statuses(self, deployment: DeploymentId) -> list[tuple[str, str]]:
        found = deployments.find_deployment_statuses(self.client, FLEET, deployment, most=10)
        return [(status.state, status.description or "") for status in reversed(found)]

    def report(self, number: DeploymentId) -> Report:
        """What the node told of the order, as the bot reads it."""
        order = PastOrder(
            number=number,
            kind=OrderKind.DEPLOY,
            submodule=SubmodulePath("server"),
            commit=self.commit,
            pin=self.pin,
            marker="",
            stage=Stage.SUCCEEDED,
        )
        found = read_report(self.client, FLEET, NODE, order)
        assert found is not None
        return found

    def wait_for_run(self, runner: Runner) -> tuple[str, str]:
        """Conclusion and log of the only run."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            (run,) = self.client.list(f"/repos/{FLEET}/actions/runs", Run, within="workflow_runs")
            if run.conclusion:
                return run.conclusion, (runner.logs / f"{run.id}.log").read_text()
            time.sleep(0.1)
        raise AssertionError("the run did not end")


@pytest.fixture
def place(hub: EmbeddedGitHub, empty_node: tuple[NodeWorld, CheckoutPosition]) -> Place:
    return Place(hub, empty_node[0])


@pytest.fixture(params=["act", "directly"])
def runner(request: pytest.FixtureRequest, hub: EmbeddedGitHub, place: Place, tmp_path: Path) -> Iterator[Runner]:
    with Runner(
        hub,
        labels=["self-hosted", NODE],
        state=place.world.state.folder,
        environment=place.world.engine.environment,
        folder=tmp_path / "runner",
        act=None if request.param == "act" else "",
    ) as made:
        assert ("with act" in made.how) == (request.param == "act")
        yield made


def test_a_dispatched_order_ends_in_running_containers_and_a_success_status(place: Place, runner: Runner) -> None:
    number = place.new_deployment()
    order = place.world.order(CheckoutPosition(place.commit, place.pin), CREATE_ALL, number=number)
    place.dispatch(order)
    conclusion, log = place.wait_for_run(runner)
    assert conclusion == "success", log
    assert set(place.world.containers()) == {"ingress/traefik", "ingress/whoami", "secrets/vault"}
    states = place.statuses(number)
    assert [state for state, _ in states] == ["in_progress", "success"]
    assert states[-1][1] == f"runs secrets, ingress of server@{place.pin[:7]}: 3 created"
    report = place.report(number)
    assert {(s.service, s.predicted, s.actual) for s in report.services} == {
        (name, Action.CREATE, Action.CREATE) for name in ("vault", "traefik", "whoami")
    }
    assert "extraheader" not in (place.world.root / ".git/config").read_text().lower()


def test_a_refused_order_fails_the_job_and_touches_nothing(place: Place, runner: Runner) -> None:
    number = place.new_deployment()
    order = place.world.order(CheckoutPosition(place.commit, place.pin), CREATE_ALL, number=number)
    place.dispatch(order, key=Ed25519PrivateKey.generate())
    conclusion, log = place.wait_for_run(runner)
    assert conclusion == "failure"
    assert "bad_signature" in log
    assert not place.world.root.exists()
    assert place.statuses(number) == []
