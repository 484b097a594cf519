"""One order goes from the job's envelope to its report by the steps that docs/architecture.md lists."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import pytest

from bot.agent import deploy
from bot.agent.checkout import CheckoutPosition
from bot.agent.node import LocalNode
from bot.agent.work_tree import WorkTree
from bot.engine.docker import ContainersSeen, Docker
from bot.protocol.action import Action
from bot.protocol.outcome import OrderEnd
from tests.architecture import read_steps, recorded
from tests.nodeworld import CREATE_ALL, NodeWorld, server_files

STEPS = read_steps("One order's way in")


def test_an_order_passes_the_documented_steps(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    wanted = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}, "secrets": {"vault": Action.NONE}}
    with recorded(STEPS) as seen:
        outcome = world.deploy(world.order(at, wanted))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert len(STEPS) == 8
    assert seen == STEPS


def test_a_nodes_first_order_has_its_checkout_before_it_checks_what_it_needs(
    empty_node: tuple[NodeWorld, CheckoutPosition],
) -> None:
    world, first = empty_node
    with recorded(STEPS) as seen:
        outcome = world.deploy(world.order(first, CREATE_ALL))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert [name for _, name in STEPS[3:5]] == ["prepare", "move"]
    assert seen == [*STEPS[:3], STEPS[4], STEPS[3], *STEPS[5:]]


def test_the_fetch_is_at_work_before_the_order_is_carried_out(
    node_world: NodeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    order = world.order(at, {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}})
    came: list[bool] = []

    def wait_for_the_commit(_: LocalNode) -> None:
        objects = world.root / ".git/objects"
        deadline = time.monotonic() + 20
        while not (here := (objects / at.commit[:2] / at.commit[2:]).exists()) and time.monotonic() < deadline:
            time.sleep(0.02)
        came.append(here)

    monkeypatch.setattr(deploy, "send_late_reports", wait_for_the_commit)  # what carrying out begins with
    outcome = world.deploy(order)
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert came == [True]


def test_an_order_that_was_withdrawn_fetches_nothing(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    order = world.order(at, {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}})
    world.withdrawn.add(order.number)
    before = world.checkout_position()
    assert world.deploy(order).end is OrderEnd.REFUSED
    assert not (world.root / ".git/objects" / at.commit[:2] / at.commit[2:]).exists()
    assert world.checkout_position() == before


def test_what_runs_is_looked_at_while_git_checks_the_checkout(
    node_world: NodeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    order = world.order(at, {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}})
    looked, fetched, look, check = threading.Event(), [], Docker.look_at, WorkTree.edited_files

    def note(self: Docker, projects: Iterable[str]) -> ContainersSeen:
        fetched.append((world.root / ".git/objects" / at.commit[:2] / at.commit[2:]).exists())
        looked.set()
        return look(self, projects)

    def wait(self: WorkTree) -> list[str]:
        assert looked.wait(timeout=20), "the engine was not asked beside"
        return check(self)

    monkeypatch.setattr(Docker, "look_at", note)
    monkeypatch.setattr(WorkTree, "edited_files", wait)
    outcome = world.deploy(order)
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert fetched == [True]  # a fetch may take long: what ran before it is not what runs now


def test_an_order_asks_git_seldom(node_world: NodeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question is a process, and most of the time that a node adds to compose's own."""
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    started: list[tuple[str, ...]] = []
    processes: list[subprocess.Popen[bytes]] = []
    begin: Callable[..., None] = subprocess.Popen.__init__

    def note(self: subprocess.Popen[bytes], command: Sequence[str], **options: object) -> None:
        words = [word for word in command if word != "--git-dir" and not word.startswith("/")]
        started.append(tuple(words))
        processes.append(self)
        begin(self, command, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", note)
    wanted = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}, "secrets": {"vault": Action.NONE}}
    outcome = world.deploy(world.order(at, wanted))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    assert all(process.poll() is not None for process in processes), "one still holds the checkout's files"
    asked = [words for words in started if words[0] == "git"]
    verbs = Counter(words[1] for words in asked)
    assert verbs["config"] <= 4, verbs  # once for each of the two clones, and again after what changed them
    assert verbs["cat-file"] <= 3, verbs
    assert verbs["rev-parse"] <= 2, verbs
    assert len(asked) <= 40, verbs
