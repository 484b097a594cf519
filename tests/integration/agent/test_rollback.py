"""A deploy that goes wrong: what ran before runs again and is healthy, and both are said."""

from __future__ import annotations

import pytest

from bot.agent.checkout import CheckoutPosition
from bot.agent.deploy import LocalNode, deploy, recover_node
from bot.agent.state import find_unfinished
from bot.domain.errors import BotError
from bot.features.rollout.apply.signing import sign_order
from bot.protocol.action import Action
from bot.protocol.outcome import FailureReason, OrderEnd
from tests.gitworld import git
from tests.nodeworld import CREATE_ALL, HEALTHY, NodeWorld, server_files

AGAIN = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}, "secrets": {"vault": Action.RECREATE}}
SICK = "{test: [CMD, 'false'], interval: 300ms, timeout: 2s, retries: 2}"


def deploy_bad(
    world: NodeWorld, *, end: OrderEnd = OrderEnd.ROLLED_BACK, **difference: str
) -> tuple[CheckoutPosition, str]:
    """Deploy a server with a difference that cannot work; where the node was before, and what the outcome says."""
    before = world.checkout_position()
    assert before is not None
    at = world.push(server_files(world.prefix, **difference))
    outcome = world.deploy(world.order(at, AGAIN))
    assert outcome.end is end, (outcome, world.told)
    assert (outcome.commit, outcome.pin) == before
    assert world.checkout_position() == before
    assert world.posted[-1][1] == "failure"
    assert len(world.posted[-1][2]) <= 140
    return before, outcome.text


def assert_first_version_runs(world: NodeWorld) -> None:
    assert set(world.containers()) == {"ingress/traefik", "ingress/whoami", "secrets/vault"}
    assert world.version("ingress/traefik") == "traefik:1"
    headers = world.engine.docker(
        "exec", world.containers()["ingress/traefik"][0], "cat", "/etc/traefik/dynamic/headers.yml"
    )
    assert headers == "one"


def test_an_image_that_is_nowhere_stops_nothing(node_world: NodeWorld) -> None:
    world = node_world
    containers = world.containers()
    _, text = deploy_bad(world, end=OrderEnd.UNTOUCHED, traefik="localhost:1/nowhere:1", headers="two")
    assert "pull" in text
    assert world.containers() == containers  # the old one was never stopped
    assert_first_version_runs(world)


def test_a_crash_looping_service(node_world: NodeWorld) -> None:
    world = node_world
    whoami = world.containers()["ingress/whoami"]
    before, text = deploy_bad(world, command="[sh, -c, 'echo no such flag; exit 3']", headers="two")
    assert f"{world.project('ingress')}/traefik keeps restarting" in text
    assert f"put back to {before.commit[:7]}, healthy" in text
    assert_first_version_runs(world)
    assert world.containers()["ingress/whoami"] == whoami


def test_a_service_that_crashes_a_little_later(node_world: NodeWorld) -> None:
    world = node_world
    _, text = deploy_bad(world, command="[sh, -c, 'sleep 0.3; exit 1']")
    assert "traefik" in text
    assert_first_version_runs(world)


def test_a_healthcheck_that_fails(node_world: NodeWorld) -> None:
    world = node_world
    _, text = deploy_bad(world, traefik="traefik:2", healthcheck=SICK)
    assert "its healthcheck fails" in text
    assert_first_version_runs(world)


def test_the_last_lines_of_what_failed_come_with_it(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, command="[sh, -c, 'echo no such flag; exit 3']"))
    outcome = world.deploy(world.order(at, AGAIN))
    assert [unwell.service for unwell in outcome.unhealthy] == ["traefik"]
    assert "no such flag" in outcome.unhealthy[0].log


def test_a_compose_file_that_does_not_parse(node_world: NodeWorld) -> None:
    world = node_world
    containers = world.containers()
    at = world.push({"stacks/ingress/docker-compose.yml": "services: [nonsense\n"})
    outcome = world.deploy(world.order(at, AGAIN))
    assert (outcome.end, outcome.failure) == (OrderEnd.UNTOUCHED, FailureReason.STACK), outcome
    assert world.containers() == containers
    assert_first_version_runs(world)


def test_a_new_service_that_fails_is_taken_away_again(node_world: NodeWorld) -> None:
    world = node_world
    text = server_files(world.prefix)["stacks/secrets/docker-compose.yml"] or ""
    broken = text.replace("services:\n", "services:\n  broken:\n    image: vault:1\n    command: ['false']\n")
    containers = world.containers()
    at = world.push({"stacks/secrets/docker-compose.yml": broken})
    outcome = world.deploy(world.order(at, {"secrets": {"broken": Action.CREATE, "vault": Action.NONE}}))
    assert outcome.end is OrderEnd.ROLLED_BACK, outcome
    assert world.containers() == containers
    everything = world.engine.docker("ps", "-a", "--format", "{{.Names}}")
    assert f"{world.prefix}-secrets-broken" not in everything


def test_a_removed_stack_comes_back_when_the_rest_fails(node_world: NodeWorld) -> None:
    world = node_world
    vault = world.containers()["secrets/vault"][0]
    world.engine.docker("exec", vault, "sh", "-c", "echo kept > /data/file")
    gone = {name: None for name in server_files(world.prefix) if name.startswith("stacks/secrets/")}
    bad = server_files(world.prefix, command="['false']")["stacks/ingress/docker-compose.yml"]
    at = world.push({**gone, "stacks/ingress/docker-compose.yml": bad})
    order = world.order(
        at, {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}, "secrets": {"vault": Action.REMOVE}}
    )
    outcome = world.deploy(order)
    assert outcome.end is OrderEnd.ROLLED_BACK, outcome
    assert_first_version_runs(world)
    assert world.engine.docker("exec", world.containers()["secrets/vault"][0], "cat", "/data/file") == "kept"


def test_a_failing_second_stack_takes_the_first_back_too(node_world: NodeWorld) -> None:
    world = node_world
    files = server_files(world.prefix, traefik="traefik:2")
    secrets = (files["stacks/secrets/docker-compose.yml"] or "").replace(
        "    image: vault:1\n", "    image: vault:1\n    command: ['false']\n"
    )
    at = world.push({**files, "stacks/secrets/docker-compose.yml": secrets})
    outcome = world.deploy(world.order(at, AGAIN))
    assert outcome.end is OrderEnd.ROLLED_BACK, outcome
    assert_first_version_runs(world)


def test_after_a_rollback_the_next_order_goes_on(node_world: NodeWorld) -> None:
    world = node_world
    deploy_bad(world, healthcheck=SICK)
    at = world.push(server_files(world.prefix, traefik="traefik:2", healthcheck=HEALTHY))
    outcome = world.deploy(world.order(at, AGAIN))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert world.version("ingress/traefik") == "traefik:2"


def test_a_first_order_that_fails_leaves_nothing_to_return_to_and_says_so(
    empty_node: tuple[NodeWorld, CheckoutPosition],
) -> None:
    world, _ = empty_node
    at = world.push(server_files(world.prefix, command="['false']"))
    outcome = world.deploy(world.order(at, CREATE_ALL))
    assert outcome.end is OrderEnd.FAILED
    assert "nothing ran here before" in outcome.text


def test_a_node_that_died_in_the_middle_says_so_and_returns_to_the_last_good_order(node_world: NodeWorld) -> None:
    world = node_world
    good = world.checkout_position()
    bad = world.push(server_files(world.prefix, command="['false']"))
    # As if the power had gone after the checkout and before the containers.
    died = world.order(bad, AGAIN)
    assert good is not None
    world.state.begin(died, now=world.clock, commit=good.commit, pin=good.pin)
    world.state.touch(died, world.node().docker.containers([world.project("ingress"), world.project("secrets")]))
    for folder, commit in ((world.root, bad.commit), (world.root / "server", bad.pin)):
        git(folder, "fetch", "--quiet", "origin")
        git(folder, "checkout", "--quiet", str(commit))
    worse = world.push(server_files(world.prefix, command="[sh, -c, 'exit 4']"))
    outcome = world.deploy(world.order(worse, AGAIN))
    assert outcome.interrupted == died.number
    assert outcome.end is OrderEnd.ROLLED_BACK, outcome
    assert world.checkout_position() == good
    assert_first_version_runs(world)


def test_secrets_of_a_failing_service_are_in_no_report(node_world: NodeWorld) -> None:
    world = node_world
    text = server_files(world.prefix)["stacks/secrets/docker-compose.yml"] or ""
    talkative = text.replace(
        "    image: vault:1\n",
        "    image: vault:1\n    command: [sh, -c, 'echo it is $$DB_PASSWORD; exit 1']\n    env_file: .env\n",
    )
    (world.root / "server/stacks/secrets/.env").write_text("DB_PASSWORD=hunter2hunter2\n")
    at = world.push({"stacks/secrets/docker-compose.yml": talkative})
    outcome = world.deploy(world.order(at, {"secrets": {"vault": Action.RECREATE}}))
    assert outcome.end is OrderEnd.ROLLED_BACK, outcome
    assert "it is" in outcome.unhealthy[0].log
    for report in (repr(outcome), repr(world.told), repr(world.posted), repr(world.state.read_record())):
        assert "hunter2" not in report


def test_a_recovery_without_the_jobs_secrets_recreates_nothing_and_waits_for_one_that_has_them(
    node_world: NodeWorld,
) -> None:
    world = node_world
    world.timeouts = world.timeouts._replace(samples=1, interval=0.05, watch=0.0)
    compose = server_files(world.prefix)["stacks/secrets/docker-compose.yml"] or ""
    secrets = 'environment: {PASS: "${DB_PASSWORD}", TOKEN: "${DB_TOKEN:?}"}'
    at = world.push(
        {"stacks/secrets/docker-compose.yml": compose.replace("image: vault:1\n", f"image: vault:1\n    {secrets}\n")}
    )

    def node(**variables: str) -> LocalNode:
        return world.node()._replace(docker=world.node().docker.with_variables(variables))

    of_the_job = node(DB_PASSWORD="of-the-job", DB_TOKEN="also")
    order = world.order(at, {"secrets": {"vault": Action.RECREATE}})
    assert deploy(sign_order(order, world.key), of_the_job).end is OrderEnd.SUCCESS
    died = world.order(at, {"secrets": {"vault": Action.RECREATE}})
    world.state.begin(died, now=world.clock, commit=at.commit, pin=at.pin)
    world.state.touch(died, world.node().docker.containers([world.project("secrets")]))
    world.engine.docker("rm", "--force", world.containers()["secrets/vault"][0])
    for given, lacking in ({"DB_TOKEN": "also"}, "DB_PASSWORD"), ({"DB_PASSWORD": "of-the-job"}, "DB_TOKEN"):
        with pytest.raises(BotError, match=f"variables without a value here: {lacking};"):
            recover_node(node(**given))
        assert "secrets/vault" not in world.containers(), "no `up` ran"
        unfinished = find_unfinished(world.state.read_record())
        assert unfinished is not None
        assert unfinished.begun.order.number == died.number
    outcome = recover_node(of_the_job)
    assert outcome is not None
    assert outcome.end is OrderEnd.ROLLED_BACK, outcome
    settings = world.engine.docker("inspect", "--format", "{{.Config.Env}}", world.containers()["secrets/vault"][0])
    assert "PASS=of-the-job" in settings
    assert find_unfinished(world.state.read_record()) is None
