"""Hooks of the fleet file, from the text to the order."""

from __future__ import annotations

import pytest

from bot.domain.names import BranchName, CommitSha, DeploymentId, NodeName, PlanId, RepoName, StackName, SubmodulePath
from bot.fleetfile import Node, Submodule, parse_fleet
from bot.fleetfile.problems import YamlFileError
from bot.plan.model import NodePlan
from bot.plan.order import OrderRequest, compose_order
from bot.protocol.order import Hook, HookTime, MismatchPolicy, Order, OrderKind

pytestmark = pytest.mark.portable
FILE = """\
version: 1
nodes:
  HP_LAB:
    keep_edits: true
    hooks:
      before: [[sh, scripts/certs.sh, "--name=$(id)"], [true-program]]
      after_stack:
        secrets: [[sh, scripts/vault-init.sh]]
"""


def order_for(node: Node) -> Order:
    wanted = OrderRequest(
        kind=OrderKind.DEPLOY,
        fleet=RepoName("o/f"),
        node=node,
        base=BranchName("main"),
        default_branch=BranchName("main"),
        submodule=Submodule(path=SubmodulePath("server")),
        upstream=RepoName("o/server"),
        commit=CommitSha("a" * 40),
        pin=CommitSha("b" * 40),
        marker="merge",
    )
    plan = NodePlan(node=NodeName("HP_LAB"), platform="linux", stacks=())
    return compose_order(wanted, plan, plan_id=PlanId("0" * 12), start=None, number=DeploymentId(1), now=0)


def test_hooks_reach_the_order_as_they_are_written() -> None:
    (node,) = parse_fleet(FILE).nodes
    order = order_for(node)
    assert order.hooks == (
        Hook(when=HookTime.BEFORE, command=("sh", "scripts/certs.sh", "--name=$(id)")),
        Hook(when=HookTime.BEFORE, command=("true-program",)),
        Hook(when=HookTime.AFTER, command=("sh", "scripts/vault-init.sh"), stack=StackName("secrets")),
    )
    assert order.on_edits is MismatchPolicy.CONTINUE
    assert order_for(Node(name=NodeName("AIOS"))).on_edits is MismatchPolicy.STOP


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ("before: sh scripts/x.sh", "must be a list of commands"),
        ("before: [sh scripts/x.sh]", "must be a list of its words"),
        ("before: [[sh, 3]]", "must be text"),
        ("before: []", "must be a list of commands"),
        ("after_stack: {secrets: [x]}", "must be a list of its words"),
        ("afterwards: [[x]]", "unknown setting `afterwards`"),
    ],
)
def test_what_is_no_command_is_told_with_its_line(hooks: str, said: str) -> None:
    with pytest.raises(YamlFileError, match=said.replace("`", ".")) as caught:
        parse_fleet(f"version: 1\nnodes:\n  A:\n    hooks:\n      {hooks}\n")
    assert caught.value.problems[0].line == 5
