"""Hooks of an order: argument lists in the checkout, before and after, around all stacks or around one."""

from __future__ import annotations

import pytest

from bot.domain.names import StackName
from bot.engine.docker import Docker
from bot.protocol.action import Action
from bot.protocol.order import Hook, HookTime
from bot.protocol.outcome import FailureReason, OrderEnd
from tests.nodeworld import NodeWorld, server_files

AGAIN = {"ingress": {"traefik": Action.RECREATE, "whoami": Action.NONE}, "secrets": {"vault": Action.NONE}}
LOG = 'echo "$1 $AIOS_BOT_STACK" >> hooks.local\n'


def hook(when: HookTime, *command: str, stack: str | None = None) -> Hook:
    return Hook(when=when, command=command, stack=StackName(stack) if stack else None)


def note(when: HookTime, word: str, stack: str | None = None) -> Hook:
    """A script of the ordered commit that writes `word` down."""
    return hook(when, "sh", "server/note.sh", word, stack=stack)


def test_hooks_run_around_everything_and_around_the_stacks_that_change(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2") | {"note.sh": LOG})
    hooks = (
        note(HookTime.AFTER, "all-after"),
        note(HookTime.AFTER, "after", "ingress"),
        note(HookTime.BEFORE, "$(touch shell) ; touch shell", "ingress"),
        note(HookTime.BEFORE, "untouched", "secrets"),
        note(HookTime.BEFORE, "all-before"),
    )
    outcome = world.deploy(world.order(at, AGAIN, hooks=hooks))
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    lines = (world.root / "hooks.local").read_text().splitlines()
    assert lines == ["all-before ", "$(touch shell) ; touch shell ingress", "after ingress", "all-after "]
    assert not list(world.root.rglob("shell"))


def test_a_hook_may_make_what_its_stack_needs(node_world: NodeWorld) -> None:
    world = node_world
    text = server_files(world.prefix)["stacks/secrets/docker-compose.yml"] or ""
    needy = text.replace(
        "    image: vault:1\n", "    image: vault:1\n    environment: ['A=${MADE}']\n    env_file: made\n"
    )
    make = "cd server/stacks/secrets && echo MADE=yes > .env && echo B=2 > made"
    at = world.push({"stacks/secrets/docker-compose.yml": needy})
    order = world.order(
        at,
        {"secrets": {"vault": Action.RECREATE}},
        hooks=(hook(HookTime.BEFORE, "sh", "-c", make, stack="secrets"),),
    )
    outcome = world.deploy(order)
    assert outcome.end is OrderEnd.SUCCESS, (outcome, world.told)
    environment = world.engine.docker("exec", world.containers()["secrets/vault"][0], "env").splitlines()
    assert {"A=yes", "B=2"} <= set(environment)


@pytest.mark.parametrize("when", list(HookTime))
@pytest.mark.parametrize("stack", [None, "ingress"])
def test_a_hook_that_fails_puts_everything_back(node_world: NodeWorld, when: HookTime, stack: str | None) -> None:
    world = node_world
    before = world.checkout_position()
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    failing = hook(when, "sh", "-c", "echo no luck; exit 3", stack=stack)
    outcome = world.deploy(world.order(at, AGAIN, hooks=(failing,)))
    assert (outcome.end, outcome.failure) == (OrderEnd.ROLLED_BACK, FailureReason.HOOK), outcome
    assert "ended with code 3: no luck" in outcome.text
    assert world.version("ingress/traefik") == "traefik:1"
    assert world.checkout_position() == before


@pytest.mark.parametrize(
    ("command", "said"), [("../../bin/sh", "leads out of the checkout"), ("no-such-program", "could not be started")]
)
def test_a_hook_that_cannot_run(node_world: NodeWorld, command: str, said: str) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    outcome = world.deploy(world.order(at, AGAIN, hooks=(hook(HookTime.BEFORE, command),)))
    assert outcome.end is OrderEnd.ROLLED_BACK
    assert said in outcome.text


def test_what_a_hook_prints_is_told_without_secrets(node_world: NodeWorld) -> None:
    world = node_world
    at = world.push(server_files(world.prefix, traefik="traefik:2"))
    printing = hook(HookTime.BEFORE, "sh", "-c", "echo word is $DB_PASSWORD; exit 1")
    order = world.order(at, AGAIN, hooks=(printing,), variables={"DB_PASSWORD": "hunter2hunter2"})
    outcome = world.deploy(order)
    assert "word is" in outcome.text
    assert "hunter2" not in repr(outcome.text) + repr(world.told) + repr(world.posted)
    assert isinstance(world.node().docker, Docker)
