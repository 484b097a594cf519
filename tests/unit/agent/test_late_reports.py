"""The next job reports what a recovery at boot could not; and that waits for the engine, within a limit."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from bot.agent.checkout import Checkout
from bot.agent.deploy import recover_node
from bot.agent.health import HEALTH_TIMEOUTS, Clock
from bot.agent.late_reports import send_late_reports
from bot.agent.node import LocalNode, NoJobError, StatusSink
from bot.agent.recover import recover
from bot.agent.state import NodeState
from bot.domain.errors import BotError, RetryLater
from bot.domain.names import DeploymentId, NodeName, PlanId, RepoName, SubmodulePath, parse_commit_sha
from bot.engine.docker import Docker, DockerError
from bot.git.safe_git import GitAccess
from bot.protocol.order import Order, OrderKind
from bot.protocol.outcome import OrderEnd, Outcome

ORDER = Order(
    kind=OrderKind.DRIFT,
    fleet=RepoName("acme/fleet"),
    node=NodeName("LAB"),
    commit=parse_commit_sha("a" * 40),
    base="main",
    submodule=SubmodulePath("server"),
    pin=parse_commit_sha("b" * 40),
    plan=PlanId("0123456789ab"),
    root="/nowhere",
    stacks=(),
    variables={},
    issued=1,
    expires=2,
    number=DeploymentId(7),
)


class Sink:
    """GitHub as a job sees it; `away` is what it answers instead."""

    def __init__(self, away: BotError | None = None) -> None:
        self.away = away
        self.withdrawn = False
        self.posted: list[str] = []
        self.reports: list[Outcome] = []

    def post(self, deployment: DeploymentId, state: str, description: str) -> None:
        self.posted.append(f"{deployment} {state}: {description}")

    def report(self, order: Order, outcome: Outcome) -> None:
        if self.away:
            raise self.away
        assert order == outcome.order
        self.reports.append(outcome)

    def is_withdrawn(self, deployment: DeploymentId) -> bool:
        if self.away:
            raise self.away
        assert deployment == ORDER.number
        return self.withdrawn


class Engine:
    """An engine that answers from second `starts` on."""

    environment: dict[str, str] = {}

    def __init__(self, starts: float = 0) -> None:
        self.starts, self.second = starts, 0.0
        self.clock = Clock(now=lambda: self.second, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.second += seconds

    def server_version(self) -> tuple[str, str]:
        if self.second < self.starts:
            raise DockerError("no such socket")
        return "Docker Engine", "28.0.0"

    def compose_version(self) -> str:
        return "2.40.3"

    def wait_for_removals(self, projects: list[str]) -> None:
        assert projects == []

    wait_until_reachable = Docker.wait_until_reachable


class World:
    def __init__(self, folder: Path, engine: Engine | None = None) -> None:
        self.state, self.engine, self.log = NodeState(folder), engine or Engine(), list[str]()

    def node(self, sink: Sink) -> LocalNode:
        return LocalNode(
            state=self.state,
            docker=cast("Docker", self.engine),
            access=GitAccess("https://github.com", None),
            sink=cast("StatusSink", sink),
            now=lambda: 100.0,
            log=self.log.append,
        )

    def recover(self, sink: Sink) -> None:
        self.state.begin(ORDER, now=99)
        outcome = recover(self.node(sink), Checkout(self.state.folder, GitAccess("https://github.com", None)))
        assert outcome is not None
        assert outcome.end is OrderEnd.UNTOUCHED


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state")


def test_a_job_that_recovers_reports_at_once(world: World) -> None:
    world.recover(job := Sink())
    assert len(job.reports) == len(job.posted) == 1
    send_late_reports(world.node(later := Sink()))
    assert later.reports == []


@pytest.mark.parametrize("why", [NoJobError("no job"), RetryLater("GitHub is away", seconds=60)])
def test_the_next_job_reports_what_could_not_be(world: World, why: BotError) -> None:
    world.recover(Sink(why))
    send_late_reports(world.node(Sink(why)))  # still not
    job = Sink()
    send_late_reports(world.node(job))
    send_late_reports(world.node(job))
    (outcome,) = job.reports
    assert "the node stopped in the middle of order 7" in outcome.text
    assert job.posted == [f"7 failure: {outcome.text}"]
    assert [path.name for path in world.state.folder.iterdir()] == ["record.jsonl"]


def test_a_deployment_that_was_withdrawn_keeps_its_status(world: World) -> None:
    world.recover(Sink(NoJobError("no job")))
    job = Sink()
    job.withdrawn = True
    send_late_reports(world.node(job))
    assert (len(job.reports), job.posted) == (1, [])


def test_a_list_that_cannot_be_read_keeps_no_order_from_being_carried_out(world: World) -> None:
    world.recover(Sink(NoJobError("no job")))
    (world.state.folder / "unreported.json").write_text("{")
    send_late_reports(world.node(job := Sink()))
    assert job.reports == []


@pytest.mark.parametrize("starts", [40, 1000])
def test_a_start_waits_for_the_engine_within_a_limit(tmp_path: Path, starts: float) -> None:
    world = World(tmp_path / "state", engine := Engine(starts))
    key = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(key)
    world.state.trust(tmp_path / "key.pem", fleet="acme/fleet", node="LAB", root=str(tmp_path / "root"))
    world.state.begin(replace(ORDER, kind=OrderKind.DEPLOY), now=99)
    if starts < HEALTH_TIMEOUTS.engine:
        outcome = recover_node(world.node(Sink()), clock=engine.clock)
        assert outcome is not None
        assert engine.second == starts
    else:
        with pytest.raises(BotError, match="cannot be reached"):
            recover_node(world.node(Sink()), clock=engine.clock)
        assert engine.second == HEALTH_TIMEOUTS.engine
    assert "waiting for the engine, for 300 s at most" in world.log
