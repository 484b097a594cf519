"""What a node does not do: each refusal has its reason, and touches neither a file nor a container."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.agent.checkout import CheckoutPosition
from bot.agent.deploy import deploy
from bot.agent.state import Begun, Finished
from bot.domain.names import CommitSha, DeploymentId, NodeName, PullNumber, RepoName, SubmodulePath
from bot.engine.docker import Docker
from bot.features.rollout.apply.signing import sign_order
from bot.git.git import GitRepository
from bot.planner.snapshot import Snapshot
from bot.protocol.action import Action
from bot.protocol.order import MismatchPolicy, Order, OrderKind, PlanStart, RefusalReason
from bot.protocol.outcome import DifferenceKind, OrderEnd, Outcome
from bot.protocol.report import parse_report
from bot.protocol.tree import digest_tree
from tests.gitworld import commit, git
from tests.nodeworld import CREATE_ALL, NodeWorld, server_files

CHANGE = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}}


def next_order(world: NodeWorld, **changes: object) -> Order:
    """An order that would change something."""
    return world.order(world.push(server_files(world.prefix, traefik="traefik:2")), CHANGE, **changes)


def assert_refused(world: NodeWorld, reason: RefusalReason, act: Callable[[], Outcome]) -> Outcome:
    """`act` is refused for `reason`, and neither checkout nor containers differ afterwards."""
    outcome = assert_untouched(world, act)
    assert (outcome.end, outcome.refusal) == (OrderEnd.REFUSED, reason), outcome
    return outcome


def assert_untouched(world: NodeWorld, act: Callable[[], Outcome]) -> Outcome:
    """`act` says no in words, and neither checkout nor containers differ afterwards."""
    containers, position = world.containers(), world.checkout_position()
    files = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file() and ".git" not in path.parts}
    outcome = act()
    assert outcome.end in (OrderEnd.REFUSED, OrderEnd.UNTOUCHED), outcome
    assert outcome.text
    assert world.containers() == containers
    assert world.checkout_position() == position
    now = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert now == files
    return outcome


def test_forged_and_altered_orders(node_world: NodeWorld) -> None:
    world = node_world
    order = next_order(world)
    forged = sign_order(order, Ed25519PrivateKey.generate())
    assert_refused(world, RefusalReason.BAD_SIGNATURE, lambda: deploy(forged, world.node()))
    envelope = json.loads(sign_order(order, world.key))
    payload = json.loads(base64.b64decode(envelope["payload"])) | {"root": "/elsewhere"}
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    assert_refused(world, RefusalReason.BAD_SIGNATURE, lambda: deploy(json.dumps(envelope), world.node()))
    assert_refused(world, RefusalReason.MALFORMED, lambda: deploy("{}", world.node()))
    assert world.posted == []  # nobody may speak of a deployment in the name of an order that is not the bot's


def test_orders_that_failed_are_used_up_too(node_world: NodeWorld) -> None:
    world = node_world
    order = next_order(world)
    (world.root / "server/stacks/ingress/docker-compose.yml").write_text("edited")
    assert_refused(world, RefusalReason.LOCAL_EDITS, lambda: world.deploy(order))
    assert_refused(world, RefusalReason.ALREADY_USED, lambda: world.deploy(order))


def test_orders_out_of_time_and_place(node_world: NodeWorld) -> None:
    world = node_world
    now = int(world.clock)
    cases: dict[RefusalReason, dict[str, object]] = {
        RefusalReason.EXPIRED: {"expires": now - 1},
        RefusalReason.NOT_YET_VALID: {"issued": now + 600},
        RefusalReason.OTHER_NODE: {"node": NodeName("AIOS")},
        RefusalReason.OTHER_FLEET: {"fleet": RepoName("tecnocrat/other")},
        RefusalReason.OLDER_NUMBER: {"number": 3},
    }
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    for reason, difference in cases.items():
        outcome = assert_refused(world, reason, partial(world.deploy, world.order(at, CHANGE, **difference)))
        told = outcome.order is not None
        assert told == (reason not in (RefusalReason.OTHER_NODE, RefusalReason.OTHER_FLEET))
    assert {state for _, state, _ in world.posted} == {"failure"}
    assert len(world.state.read_record()) == 3  # those of the first deploy


def test_a_commit_that_the_branch_does_not_hold(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    side = commit(world.fleet, {"README.md": "never merged\n"})
    git(world.fleet, "push", "--quiet", "origin", "HEAD:refs/heads/side")
    for wrong in (side, CommitSha("d" * 40)):
        order = world.order(at, CHANGE, commit=wrong)
        assert_refused(world, RefusalReason.WRONG_COMMIT, partial(world.deploy, order))


def test_a_commit_that_is_not_the_pull_requests_head_now(node_world: NodeWorld) -> None:
    """Neither its older commits, nor another pull request's, nor a pull request that is not there."""
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    old = commit(world.fleet, {"README.md": "proposed\n"})
    head = commit(world.fleet, {"README.md": "proposed again\n"})
    git(world.fleet, "push", "--quiet", "origin", f"{head}:refs/pull/4/head", f"{at.commit}:refs/pull/5/head")
    for wrong, number in ((old, 4), (at.commit, 4), (head, 5)):
        order = world.order(at, CHANGE, commit=wrong, head_of=PullNumber(number))
        assert_refused(world, RefusalReason.WRONG_COMMIT, partial(world.deploy, order))
    gone = world.order(at, CHANGE, commit=head, head_of=PullNumber(6))
    assert_untouched(world, lambda: world.deploy(gone))
    merged_only = world.order(at, CHANGE, commit=head)
    assert_refused(world, RefusalReason.WRONG_COMMIT, lambda: world.deploy(merged_only))


def test_a_pin_that_the_commit_does_not_hold(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    evil = commit(world.server, {"stacks/ingress/docker-compose.yml": "services: {}\n"})
    order = world.order(CheckoutPosition(at.commit, evil), CHANGE)
    assert_refused(world, RefusalReason.WRONG_PIN, lambda: world.deploy(order))


@pytest.mark.parametrize("name", ["README.md", "server/stacks/ingress/dynamic/headers.yml"])
def test_local_edits_are_listed_and_kept(node_world: NodeWorld, name: str) -> None:
    world = node_world
    order = next_order(world)
    (world.root / name).write_text("by hand\n")
    outcome = assert_refused(world, RefusalReason.LOCAL_EDITS, lambda: world.deploy(order))
    assert name in outcome.text
    assert world.posted[-1][1] == "failure"
    assert world.posted[-1][2].startswith("refused (local_edits): changed by hand in ")


def test_a_deleted_tracked_file_is_a_local_edit(node_world: NodeWorld) -> None:
    world = node_world
    order = next_order(world)
    (world.root / "server/stacks/ingress/dynamic/headers.yml").unlink()
    assert_refused(world, RefusalReason.LOCAL_EDITS, lambda: world.deploy(order))


@pytest.mark.parametrize("within", [".", "server"])
def test_commits_that_were_never_pushed_are_kept(node_world: NodeWorld, within: str) -> None:
    world = node_world
    order = next_order(world)
    commit(world.root / within, {"mine.txt": "work\n"})
    assert_refused(world, RefusalReason.LOCAL_COMMITS, lambda: world.deploy(order))


@pytest.mark.parametrize("name", ["stacks/secrets/acme/acme.json", "stacks/secrets/acme/acme.local"])
def test_untracked_files_in_the_way_are_kept(node_world: NodeWorld, name: str) -> None:
    """Also ignored ones, which git itself would overwrite without a word."""
    world = node_world
    exclude = git(world.root / "server", "rev-parse", "--git-path", "info/exclude")
    (world.root / "server" / exclude).write_text("*.local\n")
    (world.root / "server" / name).write_text("the only copy")
    at = world.push({name: "from upstream"})
    outcome = assert_refused(world, RefusalReason.IN_THE_WAY, lambda: world.deploy(world.order(at, CHANGE)))
    assert name in outcome.text


def test_a_folder_with_files_in_the_place_of_a_file_is_kept(node_world: NodeWorld) -> None:
    """An empty one, which the engine makes for a mounted file that is missing, is not: tests/cases."""
    world = node_world
    place = world.root / "server/stacks/secrets/acme.json"
    place.mkdir()
    (place / "data").write_text("the only copy")
    at = world.push({"stacks/secrets/acme.json": "from upstream"})
    outcome = assert_refused(world, RefusalReason.IN_THE_WAY, lambda: world.deploy(world.order(at, CHANGE)))
    assert "stacks/secrets/acme.json" in outcome.text


def test_another_repository_at_the_root(node_world: NodeWorld) -> None:
    world = node_world
    order = next_order(world)
    git(world.root, "remote", "set-url", "origin", "https://github.com/somebody/else.git")
    assert_refused(world, RefusalReason.OTHER_REPOSITORY, lambda: world.deploy(order))


def test_a_refusal_is_reported_with_its_reason(node_world: NodeWorld) -> None:
    world = node_world
    order = next_order(world, expires=int(world.clock) - 1)
    world.deploy(order)
    report = parse_report(world.reports[-1].text, number=order.number)
    assert report is not None
    assert (report.end, report.refusal) == (OrderEnd.REFUSED, RefusalReason.EXPIRED)


def read_tree(world: NodeWorld, at: CheckoutPosition) -> str:
    """What the service signs of a commit, as the planner reads it from mirrors of its own."""
    assert at.pin is not None
    fleet, server = GitRepository(world.fleet / ".git"), GitRepository(world.server / ".git")
    path = SubmodulePath("server")
    return digest_tree(Snapshot(fleet=fleet, commit=at.commit, submodule=path, upstream=server, pin=at.pin).files)


def test_every_reason_has_its_test() -> None:
    source = Path(__file__).read_text() + (Path(__file__).parents[2] / "unit/protocol/test_order.py").read_text()
    assert [reason.name for reason in RefusalReason if f"RefusalReason.{reason.name}" not in source] == []


def test_a_node_that_only_reports(node_world: NodeWorld) -> None:
    world = node_world
    world.state.trust(world.folder / "orders.pub.pem", fleet=None, node=None, root=None, report_only=True)
    order = next_order(world)
    assert_refused(world, RefusalReason.UNSUPPORTED, lambda: world.deploy(order))
    look = world.order(CheckoutPosition(order.commit, order.pin), CHANGE, kind=OrderKind.PLAN_ONLY)
    assert world.deploy(look).end is OrderEnd.SUCCESS


def test_the_reason_stands_in_the_record(node_world: NodeWorld) -> None:
    world = node_world
    order = next_order(world)
    git(world.root, "remote", "set-url", "origin", "https://github.com/somebody/else.git")
    world.deploy(order)
    begun, finished = world.state.read_record()[-2:]
    assert isinstance(begun, Begun)
    assert begun.order == order
    assert isinstance(finished, Finished)
    assert (finished.number, finished.end) == (order.number, OrderEnd.REFUSED)


# What follows changes the node in the end: the tests above share one that nothing has changed.


def test_replayed_orders(node_world: NodeWorld) -> None:
    world = node_world
    order = next_order(world)
    assert world.deploy(order).end is OrderEnd.SUCCESS
    posted = list(world.posted)
    assert_refused(world, RefusalReason.ALREADY_USED, lambda: world.deploy(order))
    assert world.posted == posted  # the deployment keeps the status that it earned


def test_a_pull_requests_head_is_tried_without_moving_the_branch(node_world: NodeWorld) -> None:
    world = node_world
    pin = commit(world.server, server_files(world.prefix, traefik="traefik:2"))
    git(world.server, "push", "--quiet", "origin", "HEAD:main")
    head = commit(world.fleet, {}, pins={"server": pin})
    git(world.fleet, "push", "--quiet", "origin", f"{head}:refs/pull/4/head")
    branch = git(world.root, "rev-parse", "main")
    outcome = world.deploy(world.order(CheckoutPosition(head, pin), CHANGE, head_of=PullNumber(4)))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert world.checkout_position() == CheckoutPosition(head, pin)
    assert git(world.root, "rev-parse", "main") == branch
    assert world.version("ingress/traefik") == "traefik:2"


def test_local_edits_may_stay_where_the_order_says_so_and_brings_nothing_there(node_world: NodeWorld) -> None:
    world = node_world
    order = next_order(world, on_edits=MismatchPolicy.CONTINUE)
    edited = world.root / "server/stacks/ingress/dynamic/headers.yml"
    edited.write_text("by hand\n")
    outcome = world.deploy(order)
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert edited.read_text() == "by hand\n"
    (difference,) = outcome.differences
    assert (difference.kind, "headers.yml" in difference.text) == (DifferenceKind.EDITED, True)
    at = world.push(server_files(world.prefix, headers="from upstream"))
    again = world.order(at, CHANGE, on_edits=MismatchPolicy.CONTINUE)
    assert_refused(world, RefusalReason.LOCAL_EDITS, lambda: world.deploy(again))


def test_an_order_that_the_bot_withdrew(node_world: NodeWorld) -> None:
    """The node was away, and a newer order waits behind this one."""
    world = node_world
    order = next_order(world)
    world.withdrawn.add(order.number)
    assert_refused(world, RefusalReason.WITHDRAWN, lambda: world.deploy(order))
    assert world.posted == []  # the deployment keeps the status that withdrew it
    newer = msgspec.structs.replace(order, number=DeploymentId(order.number + 1))
    assert world.deploy(newer).end is OrderEnd.SUCCESS


def test_files_that_the_plan_was_not_made_from(node_world: NodeWorld) -> None:
    world = node_world
    planned = world.push(server_files(world.prefix, traefik="traefik:2"))
    evil = server_files(world.prefix, traefik="traefik:2") | {"stacks/ingress/run.sh": "rm -rf /\n"}
    tree, at = read_tree(world, planned), world.push(evil)
    outcome = assert_refused(
        world, RefusalReason.OTHER_FILES, lambda: world.deploy(world.order(at, CHANGE, tree=tree))
    )
    assert "nobody approved these" in outcome.text
    look = world.deploy(world.order(at, CHANGE, tree=tree, kind=OrderKind.PLAN_ONLY))
    assert "would be refused (other_files)" in look.text
    assert world.deploy(world.order(at, CHANGE, tree=read_tree(world, at))).end is OrderEnd.SUCCESS


def test_files_that_the_plan_was_not_made_from_on_a_first_checkout(
    empty_node: tuple[NodeWorld, CheckoutPosition],
) -> None:
    world, first = empty_node
    outcome = world.deploy(world.order(first, CREATE_ALL, tree="0" * 64))
    assert (outcome.end, outcome.refusal) == (OrderEnd.REFUSED, RefusalReason.OTHER_FILES)
    assert world.containers() == {}
    assert world.deploy(world.order(first, CREATE_ALL, tree=read_tree(world, first))).end is OrderEnd.SUCCESS


def test_a_service_that_only_this_nodes_compose_knows(node_world: NodeWorld) -> None:
    """A file that git does not track, and that a variable lets in."""
    world = node_world
    files = server_files(world.prefix, traefik="traefik:2")
    main = files["stacks/ingress/docker-compose.yml"]
    files["stacks/ingress/docker-compose.yml"] = f"include: ['${{MORE:-none.yml}}']\n{main}"
    at = world.push(files | {"stacks/ingress/none.yml": "services: {}\n"})
    (world.root / "server/stacks/ingress/more.local").write_text("services: {miner: {image: 'whoami:1'}}\n")
    node = world.node()
    with_variable = node._replace(docker=Docker(world.engine.environment | {"MORE": "more.local"}))
    order = world.order(at, CHANGE)
    outcome = assert_refused(
        world, RefusalReason.BEYOND_ORDER, lambda: deploy(sign_order(order, world.key), with_variable)
    )
    assert "service miner" in outcome.text
    look = world.order(at, CHANGE, kind=OrderKind.PLAN_ONLY)
    assert "would be refused (beyond_order)" in deploy(sign_order(look, world.key), with_variable).text
    assert world.deploy(world.order(at, CHANGE)).end is OrderEnd.SUCCESS


def test_a_removal_would_take_what_the_order_does_not_name(node_world: NodeWorld) -> None:
    world = node_world
    gone = world.push({name: None for name in server_files(world.prefix) if "ingress" in name})
    world.engine.docker("rm", "--force", world.containers()["secrets/vault"][0])
    order = world.order(gone, {"ingress": {"traefik": Action.REMOVE}})
    outcome = assert_refused(world, RefusalReason.BEYOND_ORDER, lambda: world.deploy(order))
    assert "service whoami" in outcome.text
    both = world.order(gone, {"ingress": {"traefik": Action.REMOVE, "whoami": Action.REMOVE}})
    assert world.deploy(both).end is OrderEnd.SUCCESS
    assert world.containers() == {}


def test_what_runs_is_not_where_the_plan_starts(node_world: NodeWorld) -> None:
    world = node_world
    position = world.checkout_position()
    assert position is not None
    start = PlanStart(commit=position.commit, pin=position.pin or CommitSha(""))
    world.engine.docker("rm", "--force", world.containers()["ingress/whoami"][0])
    order = next_order(world, start=start, on_drift=MismatchPolicy.STOP)
    outcome = assert_refused(world, RefusalReason.DRIFTED, lambda: world.deploy(order))
    assert "ingress/whoami has no container" in outcome.text
    again = world.order(
        CheckoutPosition(order.commit, order.pin), CHANGE, start=start, on_drift=MismatchPolicy.CONTINUE
    )
    outcome = world.deploy(again)
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert [(one.kind, one.where) for one in outcome.differences] == [(DifferenceKind.MISSING, "ingress/whoami")]
    assert set(world.containers()) == {"ingress/traefik", "secrets/vault"}  # exactly the plan, and nothing beside it
