"""A node carries out orders on a real engine, in a real checkout: exactly what was ordered, and nothing else."""

from __future__ import annotations

import re

from msgspec.structs import replace

from bot.agent.checkout import CheckoutPosition
from bot.agent.state import find_last_good
from bot.domain.names import CommitSha, short
from bot.protocol.action import Action
from bot.protocol.outcome import OrderEnd
from bot.protocol.report import parse_report
from tests.nodeworld import CREATE_ALL, HEALTHY, NOTHING, NodeWorld, server_files


def ingress(traefik: Action, whoami: Action = Action.NONE) -> dict[str, dict[str, Action]]:
    return {"ingress": {"traefik": traefik, "whoami": whoami}, "secrets": {"vault": Action.NONE}}


def test_the_first_order_clones_and_brings_everything_up(node_world: NodeWorld) -> None:
    world = node_world
    assert set(world.containers()) == {"ingress/traefik", "ingress/whoami", "secrets/vault"}
    assert (world.root / "server/stacks/ingress/docker-compose.yml").exists()
    owner = '{{index .Labels "com.docker.compose.project"}}'
    made_by = world.engine.docker("network", "inspect", "--format", owner, f"{world.prefix}-ingress")
    assert made_by == world.project("ingress")


def test_a_new_image_runs_and_nothing_else_is_touched(node_world: NodeWorld) -> None:
    world = node_world
    before = world.containers()
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    outcome = world.deploy(world.order(at, ingress(Action.RECREATE)))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    after = world.containers()
    assert world.version("ingress/traefik") == "traefik:2"
    assert {name for name in after if after[name] != before[name]} == {"ingress/traefik"}
    assert all(service.as_predicted for service in outcome.services)
    assert (outcome.commit, outcome.pin) == at
    report = parse_report(world.reports[-1].text, number=world.number)
    assert report is not None
    assert re.fullmatch(r"(Docker Engine|Podman) \d+\.\d+\S*", report.engine)
    assert re.fullmatch(r"\d+\.\d+\S*", report.agent)
    assert {use for disk in report.space for use in disk.use.split(" and ")} == {"checkout", "images"}
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", report.compose)
    assert world.posted[0][1] == "in_progress"
    told = f"runs ingress, secrets of server@{short(at.pin or CommitSha(''))}: 1 recreated, 2 untouched"
    assert world.posted[1:] == [(world.number, "success", told)]


def test_a_changed_mounted_file_is_seen_by_a_restarted_container(node_world: NodeWorld) -> None:
    world = node_world
    before = world.containers()
    at = world.push(server_files(world.prefix, headers="two"))
    outcome = world.deploy(world.order(at, ingress(Action.RESTART)))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    after = world.containers()
    assert after["ingress/traefik"][0] == before["ingress/traefik"][0]
    assert after["ingress/traefik"][1] != before["ingress/traefik"][1]
    seen = world.engine.docker("exec", after["ingress/traefik"][0], "cat", "/etc/traefik/dynamic/headers.yml")
    assert seen == "two"
    assert {name for name in after if after[name] != before[name]} == {"ingress/traefik"}


def test_an_order_to_recreate_does_so_although_compose_sees_no_difference(node_world: NodeWorld) -> None:
    world = node_world
    before = world.containers()
    at = world.push(server_files(world.prefix, headers="two"))
    assert world.deploy(world.order(at, ingress(Action.RECREATE))).end is OrderEnd.SUCCESS
    after = world.containers()
    assert after["ingress/traefik"][0] != before["ingress/traefik"][0]
    assert after["ingress/whoami"] == before["ingress/whoami"]


def test_a_reload_sends_the_signal_and_restarts_nothing(node_world: NodeWorld) -> None:
    world = node_world
    before = world.containers()
    at = world.push(server_files(world.prefix, headers="two"))
    outcome = world.deploy(world.order(at, ingress(Action.RELOAD)))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert world.containers() == before
    assert "reloaded" in world.engine.docker("logs", before["ingress/traefik"][0])


def test_an_order_without_changes_touches_nothing(node_world: NodeWorld) -> None:
    world = node_world
    before = world.containers()
    at = world.push({"README.md": "words\n"})
    outcome = world.deploy(world.order(at, NOTHING))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert world.containers() == before
    assert world.checkout_position() == at


def test_a_removed_service_goes_and_its_neighbours_and_volumes_stay(node_world: NodeWorld) -> None:
    world = node_world
    vault = world.containers()["secrets/vault"][0]
    world.engine.docker("exec", vault, "sh", "-c", "echo kept > /data/file")
    before = world.containers()
    text = server_files(world.prefix)["stacks/ingress/docker-compose.yml"] or ""
    smaller = text.replace("  whoami:\n    image: whoami:1\n    networks: [ingress]\n", "")
    at = world.push({"stacks/ingress/docker-compose.yml": smaller})
    outcome = world.deploy(world.order(at, ingress(Action.NONE, Action.REMOVE)))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert world.containers() == {name: one for name, one in before.items() if name != "ingress/whoami"}


def test_a_removed_stack_goes_before_its_folder_does_and_its_volumes_stay(node_world: NodeWorld) -> None:
    world = node_world
    vault = world.containers()["secrets/vault"][0]
    world.engine.docker("exec", vault, "sh", "-c", "echo kept > /data/file")
    gone = {name: None for name in server_files(world.prefix) if name.startswith("stacks/secrets/")}
    at = world.push(gone)
    order = world.order(
        at, {"ingress": {"traefik": Action.NONE, "whoami": Action.NONE}, "secrets": {"vault": Action.REMOVE}}
    )
    outcome = world.deploy(order)
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert set(world.containers()) == {"ingress/traefik", "ingress/whoami"}
    volume = f"{world.project('secrets')}_data"
    assert world.engine.docker("run", "--rm", "-v", f"{volume}:/v", "vault:1", "cat", "/v/file") == "kept"


def test_untracked_and_ignored_files_stay_byte_for_byte(node_world: NodeWorld) -> None:
    world = node_world
    kept = {
        "acme.local": b"ignored by .gitignore\x00\xff",
        "notes.txt": b"untracked",
        "server/stacks/secrets/.env": b"PASSWORD=x\r\n",
        "server/stacks/secrets/acme/acme.json": b"{}",
    }
    for name, content in kept.items():
        (world.root / name).write_bytes(content)
    for number in range(2):
        at = world.push(server_files(world.prefix, headers=str(number)))
        assert world.deploy(world.order(at, ingress(Action.RESTART))).end is OrderEnd.SUCCESS
    assert {name: (world.root / name).read_bytes() for name in kept} == kept


def test_health_is_waited_for(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2", healthcheck=HEALTHY))
    assert world.deploy(world.order(at, ingress(Action.RECREATE))).end is OrderEnd.SUCCESS
    health = world.engine.docker(
        "inspect", "--format", "{{.State.Health.Status}}", world.containers()["ingress/traefik"][0]
    )
    assert health == "healthy"


def test_a_crash_after_a_few_seconds_is_a_failure(node_world: NodeWorld) -> None:
    world = node_world
    text = server_files(world.prefix)["stacks/secrets/docker-compose.yml"] or ""
    crashing = (
        "services:\n  late:\n    image: vault:1\n    command: [sh, -c, 'sleep 2; exit 3']\n    restart: always\n"
    )
    at = world.push({"stacks/secrets/docker-compose.yml": text.replace("services:\n", crashing)})
    order = world.order(at, {"secrets": {"late": Action.CREATE, "vault": Action.NONE}})
    outcome = world.deploy(replace(order, stacks=tuple(replace(stack, watch=6) for stack in order.stacks)))
    assert outcome.end is OrderEnd.ROLLED_BACK, outcome
    assert "late keeps restarting" in outcome.text
    assert set(world.containers()) == {"ingress/traefik", "ingress/whoami", "secrets/vault"}


def test_a_one_shot_that_ends_well_is_well(node_world: NodeWorld) -> None:
    world = node_world
    text = server_files(world.prefix)["stacks/secrets/docker-compose.yml"] or ""
    with_init = text.replace("services:\n", "services:\n  init:\n    image: vault:1\n    command: ['true']\n")
    at = world.push({"stacks/secrets/docker-compose.yml": with_init})
    outcome = world.deploy(world.order(at, {"secrets": {"init": Action.CREATE, "vault": Action.NONE}}))
    assert outcome.end is OrderEnd.SUCCESS, outcome


def test_a_network_of_nobody_is_made_by_the_node(node_world: NodeWorld) -> None:
    world = node_world
    name = f"{world.prefix}-outside"
    text = server_files(world.prefix)["stacks/secrets/docker-compose.yml"] or ""
    at = world.push({"stacks/secrets/docker-compose.yml": text.replace("-ingress\n", "-outside\n")})
    outcome = world.deploy(world.order(at, {"secrets": {"vault": Action.RECREATE}}))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    labels = world.engine.docker("network", "inspect", "--format", "{{json .Labels}}", name)
    assert labels == '{"io.github.aios-bot.made-for":"tecnocrat/aios-win"}'


def test_variables_come_from_the_order_and_missing_ones_are_named(node_world: NodeWorld) -> None:
    world = node_world
    before = world.containers()
    text = server_files(world.prefix)["stacks/secrets/docker-compose.yml"] or ""
    needy = text.replace(
        "    image: vault:1\n", "    image: vault:1\n    environment: ['A=${WANTED}', 'B=${GIVEN}']\n"
    )
    at = world.push({"stacks/secrets/docker-compose.yml": needy})
    again = {"secrets": {"vault": Action.RECREATE}}
    outcome = world.deploy(world.order(at, again, variables={"GIVEN": "yes"}))
    assert outcome.end is OrderEnd.UNTOUCHED
    assert "WANTED (secrets)" in outcome.text
    assert "GIVEN" not in outcome.text
    assert world.containers() == before
    both = world.order(at, again, variables={"GIVEN": "yes", "WANTED": "too"})
    assert world.deploy(both).end is OrderEnd.SUCCESS
    environment = world.engine.docker("exec", world.containers()["secrets/vault"][0], "env")
    assert {"A=too", "B=yes"} <= set(environment.splitlines())


def test_the_record_knows_the_last_good_order(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push({"README.md": "words\n"})
    order = world.order(at, NOTHING)
    world.deploy(order)
    assert find_last_good(world.state.read_record()) == order
    one = world.order(at, {"secrets": {"vault": Action.NONE}})
    world.deploy(one)
    newest = find_last_good(world.state.read_record())
    assert newest is not None
    assert newest.number == one.number
    assert {stack.stack for stack in newest.stacks} == {stack.stack for stack in order.stacks}


def test_the_first_order_on_an_empty_node_touches_only_its_stacks(
    empty_node: tuple[NodeWorld, CheckoutPosition],
) -> None:
    world, first = empty_node
    outcome = world.deploy(world.order(first, {"ingress": CREATE_ALL["ingress"]}))
    assert outcome.end is OrderEnd.SUCCESS, outcome
    assert set(world.containers()) == {"ingress/traefik", "ingress/whoami"}
