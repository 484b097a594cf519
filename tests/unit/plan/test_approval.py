"""What goes beyond an approved plan is found, line by line; what is less, or milder, is not."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.names import NodeName, PlanId, ServiceName, StackName
from bot.domain.severity import Severity
from bot.plan.approval import find_node, find_unapproved
from bot.plan.identity import digest_effect
from bot.plan.model import NodePlan, Plan, Risk, ServicePlan, StackPlan
from bot.protocol.action import Action
from tests.unit.payloads import SHA

GRAVER = {
    (less, more) for at, less in enumerate(Action) for more in list(Action)[at + 1 :]
}  # none < reload < restart < create < recreate < rebuild < remove
OPEN = Risk(rule="exposure.port", severity=Severity.NOTICE, text="opens 80")
OWNS = Risk(rule="privilege.privileged", severity=Severity.RISKY, text="owns the host")


def service(action: Action = Action.RECREATE, *risks: Risk, name: str = "web") -> ServicePlan:
    return ServicePlan(service=ServiceName(name), action=action, risks=risks)


def stack(*services: ServicePlan, **changes: Any) -> StackPlan:
    made = StackPlan(
        stack=StackName("ingress"),
        folder="server/ingress",
        files=("compose.yaml",),
        project="ingress",
        services=services,
        rendered="aa",
        inputs="bb",
    )
    return replace(made, **changes)


def node(*stacks: StackPlan) -> NodePlan:
    return NodePlan(node=NodeName("HP_LAB"), platform="linux", stacks=stacks)


TEXTS: list[dict[str, Any]] = [
    *({name: "other"} for name in ("stack", "folder", "project", "rendered", "inputs", "error")),
    *({name: ("x",)} for name in ("files", "profiles")),
]
APPROVED = node(stack(service(Action.RECREATE, OPEN)))


def test_the_approved_plan_itself_is_approved() -> None:
    assert find_unapproved(APPROVED, APPROVED) == ()


@pytest.mark.parametrize("approved", Action)
@pytest.mark.parametrize("actual", Action)
def test_an_action_is_approved_by_the_same_and_by_a_graver_one(approved: Action, actual: Action) -> None:
    beyond = find_unapproved(node(stack(service(actual))), node(stack(service(approved))))
    expected = (f"ingress/web: {actual}, where {approved} is approved",) if (approved, actual) in GRAVER else ()
    assert beyond == expected


def test_a_service_that_the_plan_does_not_name_is_only_approved_to_stay() -> None:
    other = service(Action.RELOAD, name="other")
    assert find_unapproved(node(stack(service(), other)), node(stack(service()))) == (
        "ingress/other: reload, where none is approved",
    )
    assert find_unapproved(node(stack(service(Action.NONE, name="other"))), node(stack(service()))) == ()


def test_a_stack_that_the_plan_does_not_name_is_not_approved() -> None:
    assert find_unapproved(node(stack(stack="more")), APPROVED) == (
        "more: the approved plan does not name this stack",
    )


def test_a_stack_that_the_order_leaves_out_is_no_matter() -> None:
    assert find_unapproved(node(), APPROVED) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"folder": "other"},
        {"files": ("compose.yaml", "more.yaml")},
        {"profiles": ("debug",)},
        {"project": "other"},
        {"rendered": "cc"},
        {"inputs": "cc"},
    ],
)
def test_other_files_are_not_approved(change: dict[str, Any]) -> None:
    assert find_unapproved(node(stack(service(Action.NONE), **change)), APPROVED) == (
        "ingress: its files are not those that the plan was made from",
    )


@pytest.mark.parametrize(("old", "new"), [("", "bb"), ("bb", ""), ("", "")])
def test_a_plan_of_an_older_version_has_no_digest_of_its_files(old: str, new: str) -> None:
    assert find_unapproved(node(stack(inputs=new)), node(stack(inputs=old))) == ()


def test_a_stack_that_can_no_longer_be_read_is_not_approved() -> None:
    line = ("ingress: it cannot be analysed, and could be when the plan was made",)
    assert find_unapproved(node(stack(error="broken")), APPROVED) == line
    before = node(stack(error="broken before"))
    assert find_unapproved(node(stack(error="broken")), before) == ()
    assert find_unapproved(node(stack(error="broken", rendered="cc")), before) == (
        "ingress: its files are not those that the plan was made from",
    )


def test_a_risk_has_to_be_named_by_a_plan() -> None:
    risky = node(stack(service(Action.RECREATE, OWNS), risks=(OPEN,)))
    assert find_unapproved(risky, APPROVED) == (
        "ingress: a risk that no approved plan names: opens 80 [exposure.port]",
        "ingress/web: a risk that no approved plan names: owns the host [privilege.privileged]",
    )
    same_rule = replace(OPEN, text="opens 443")
    assert find_unapproved(node(stack(service(Action.NONE, same_rule))), APPROVED) == (
        "ingress/web: a risk that no approved plan names: opens 443 [exposure.port]",
    )


def test_files_in_another_order_are_not_approved() -> None:
    """The later file of two overrides the earlier one."""
    approved = node(stack(files=("a.yaml", "b.yaml"), profiles=("x", "y")))
    line = ("ingress: its files are not those that the plan was made from",)
    assert find_unapproved(node(stack(files=("b.yaml", "a.yaml"), profiles=("x", "y"))), approved) == line
    assert find_unapproved(node(stack(files=("a.yaml", "b.yaml"), profiles=("y", "x"))), approved) == line
    assert find_unapproved(approved, approved) == ()


def test_a_risk_is_approved_for_its_own_service_and_rule_alone() -> None:
    approved = node(stack(service(Action.RECREATE, OWNS), service(name="other"), risks=(OPEN,)))
    elsewhere = node(stack(service(), service(Action.RECREATE, OWNS, name="other")))
    assert find_unapproved(elsewhere, approved) == (
        "ingress/other: a risk that no approved plan names: owns the host [privilege.privileged]",
    )
    same_words = replace(OWNS, rule="privilege.capability")
    assert find_unapproved(node(stack(service(Action.RECREATE, same_words))), approved) == (
        "ingress/web: a risk that no approved plan names: owns the host [privilege.capability]",
    )
    assert find_unapproved(node(stack(service(Action.RECREATE, OPEN))), approved) == (
        "ingress/web: a risk that no approved plan names: opens 80 [exposure.port]",
    )


def test_a_risk_is_the_same_whatever_mark_a_plan_gives_its_secret() -> None:
    approved, actual = (replace(OPEN, text=f"runs with ‹secret {mark}›") for mark in ("1a2b3c4d", "ffffffff"))
    assert find_unapproved(node(stack(risks=(actual,))), node(stack(risks=(approved,)))) == ()
    assert digest_effect(node(stack(risks=(actual,)))) == digest_effect(node(stack(risks=(approved,))))
    other = replace(OPEN, text="walks with ‹secret 1a2b3c4d›")
    assert find_unapproved(node(stack(risks=(other,))), node(stack(risks=(approved,)))) != ()
    assert digest_effect(node(stack(risks=(other,)))) != digest_effect(node(stack(risks=(approved,))))


def test_earlier_plans_approve_actions_and_risks_but_never_files() -> None:
    actual = node(stack(service(Action.REBUILD, OPEN, OWNS), risks=(OWNS,)))
    earlier = node(stack(service(Action.REBUILD, OWNS), risks=(OWNS,), rendered="before", inputs="before"))
    assert len(find_unapproved(actual, APPROVED)) == 3
    assert find_unapproved(actual, APPROVED, [earlier]) == ()
    assert find_unapproved(node(stack(rendered="before", inputs="before")), APPROVED, [earlier]) == (
        "ingress: its files are not those that the plan was made from",
    )
    elsewhere = node(stack(service(Action.REBUILD), stack="other"))
    assert find_unapproved(node(stack(service(Action.REBUILD))), APPROVED, [elsewhere]) == (
        "ingress/web: rebuild, where recreate is approved",
    )


def test_the_part_of_a_node_is_found_by_its_name() -> None:
    plan = Plan(
        id=PlanId("0123456789ab"),
        fleet=None,
        submodule=SHA,  # type: ignore[arg-type]  # any text will do
        upstream=None,
        base=SHA,  # type: ignore[arg-type]  # any text will do
        old=None,
        new=SHA,  # type: ignore[arg-type]  # any text will do
        nodes=(replace(APPROVED, node=NodeName("OTHER")), APPROVED),
    )
    assert find_node(plan, NodeName("HP_LAB")) is APPROVED
    assert find_node(plan, NodeName("hp_lab")) is None
    assert find_node(None, NodeName("HP_LAB")) is None


def test_the_digest_of_an_effect_is_the_same_in_every_version() -> None:
    """What was approved before an upgrade stays approved after it."""
    made_of = ["server/ingress", ["compose.yaml"], [], "ingress", "aa", "bb"]
    risks = [["exposure.port", "notice", "opens 80"]]
    stacks = [
        {
            "error": None,
            "made_of": made_of,
            "networks": [],
            "risks": [],
            "services": [["web", "recreate", "", 0, risks]],
            "stack": "ingress",
        }
    ]
    text = json.dumps(["HP_LAB", stacks], separators=(",", ":"))
    assert digest_effect(APPROVED) == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_of_an_effect_covers_everything_that_an_order_does() -> None:
    same = digest_effect(APPROVED)
    assert len(same) == 64
    assert digest_effect(node(stack(service(Action.RECREATE, OPEN)))) == same
    either = [digest_effect(node(stack(service(Action.RECREATE, *risks)))) for risks in ((OPEN, OWNS), (OWNS, OPEN))]
    assert either[0] == either[1], "in which order the risks are found means nothing"
    others = [
        replace(APPROVED, node=NodeName("OTHER")),
        node(),
        *(node(stack(service(Action.RECREATE, OPEN), **change)) for change in TEXTS),
        node(stack(service(Action.RECREATE, OPEN), remade_networks=("n",))),
        node(stack(service(Action.RECREATE, OPEN), risks=(OPEN,))),
        node(stack(service(Action.RESTART, OPEN))),
        node(stack(service(Action.RECREATE, OWNS))),
        node(stack(service(Action.RECREATE))),
        node(stack(replace(service(Action.RECREATE, OPEN), signal="SIGHUP"))),
        node(stack(replace(service(Action.RECREATE, OPEN), remaining=1))),
        node(stack(service(Action.RECREATE, OPEN, name="other"))),
    ]
    assert len({same, *map(digest_effect, others)}) == len(others) + 1


def test_hooks_are_approved_with_the_files_that_they_run() -> None:
    """They run on the machine itself, and what they run need not be a file of any stack."""
    approved = replace(APPROVED, hooks="a")
    line = "its hooks, or files that they run, are not those of the approved plan"
    assert find_unapproved(approved, approved) == find_unapproved(APPROVED, approved) == ()
    assert find_unapproved(replace(APPROVED, hooks="b"), approved) == (line,)
    assert find_unapproved(approved, APPROVED) == (line,), "hooks that the approved plan did not have"
    assert find_unapproved(approved, APPROVED, [approved]) == (line,), "an earlier plan does not approve them"
    digests = {digest_effect(one) for one in (APPROVED, approved, replace(APPROVED, hooks="b"))}
    assert len(digests) == 3
