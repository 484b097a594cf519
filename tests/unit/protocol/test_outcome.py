"""How an order ended, as people read it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import CommitSha, ServiceName, StackName
from bot.protocol.action import Action
from bot.protocol.order import RefusalReason
from bot.protocol.outcome import (
    MAX_DESCRIPTION_LENGTH,
    Difference,
    DifferenceKind,
    OrderEnd,
    OrderStep,
    Outcome,
    ServiceOutcome,
    UnhealthyService,
    render_description,
    render_outcome,
    render_success,
    render_unhealthy,
)
from tests.unit.protocol.test_order import make_order

pytestmark = pytest.mark.portable


def service(name: str, predicted: Action, actual: Action) -> ServiceOutcome:
    return ServiceOutcome(stack=StackName("ingress"), service=ServiceName(name), predicted=predicted, actual=actual)


def unhealthy(name: str, log: str = "") -> UnhealthyService:
    return UnhealthyService(project="ingress", service=ServiceName(name), text="exited with code 1", log=log)


SAME = [(action, action) for action in Action if action not in (Action.RELOAD, Action.REBUILD)]
SEEN_AS = [(Action.RELOAD, Action.NONE), (Action.REBUILD, Action.RECREATE)]


@pytest.mark.parametrize("predicted", list(Action))
@pytest.mark.parametrize("actual", list(Action))
def test_a_plan_was_right_when_what_it_said_was_seen(predicted: Action, actual: Action) -> None:
    assert service("a", predicted, actual).as_predicted is ((predicted, actual) in SAME + SEEN_AS)


@pytest.mark.parametrize(
    ("stack", "name", "where"),
    [("ingress", "traefik", "ingress/traefik"), ("ingress", "", "ingress"), ("", "", "the node")],
)
def test_a_difference_says_where_it_is(stack: str, name: str, where: str) -> None:
    assert Difference(kind=DifferenceKind.EXTRA, text="", stack=stack, service=name).where == where


def test_success_counts_what_was_done() -> None:
    order = make_order(pin=CommitSha("b1c2d3e4" + "0" * 32))
    at = "ingress of server@b1c2d3e"
    every = tuple(service(action, action, action) for action in Action)
    done = "1 created, 1 recreated, 1 rebuilt, 1 restarted, 1 reloaded, 1 removed, 1 untouched; 2 not as planned"
    assert render_success(order, every) == f"runs {at}: {done}"
    two = (service("a", Action.RECREATE, Action.RECREATE), service("b", Action.RECREATE, Action.RECREATE))
    assert render_success(order, two) == f"runs {at}: 2 recreated"
    assert render_success(order, (service("a", Action.NONE, Action.NONE),)) == f"runs {at}: 1 untouched"
    assert render_success(order, ()) == f"runs {at}: nothing to run"
    other = (service("a", Action.NONE, Action.RECREATE), service("b", Action.RECREATE, Action.RESTART))
    assert render_success(order, other) == f"runs {at}: 1 recreated, 1 restarted; 2 not as planned"


def test_success_names_the_stacks_of_a_small_order_and_counts_those_of_a_larger() -> None:
    (stack,) = make_order().stacks
    names = ("a", "b", "c")
    stacks = tuple(msgspec.structs.replace(stack, stack=StackName(name)) for name in names)
    pin = CommitSha("b1c2d3e4" + "0" * 32)
    told = [render_success(make_order(pin=pin, stacks=stacks[:count]), ()) for count in range(4)]
    assert told == [
        f"runs {which} of server@b1c2d3e: nothing to run" for which in ("nothing", "a", "a, b", "3 stacks")
    ]


def test_the_first_of_several_unhealthy_services_is_named() -> None:
    assert render_unhealthy((unhealthy("traefik"),)) == "ingress/traefik exited with code 1"
    two = (unhealthy("traefik"), unhealthy("whoami"))
    assert render_unhealthy(two) == "ingress/traefik exited with code 1 and 1 more"
    assert render_unhealthy((*two, unhealthy("c"))) == "ingress/traefik exited with code 1 and 2 more"


def test_a_description_has_the_length_of_a_deployment_status() -> None:
    assert MAX_DESCRIPTION_LENGTH == 140
    assert render_description(Outcome(end=OrderEnd.SUCCESS, text="x" * 140)) == "x" * 140
    assert render_description(Outcome(end=OrderEnd.SUCCESS, text="x" * 141)) == "x" * 139 + "…"
    assert render_description(Outcome(end=OrderEnd.SUCCESS, text="x" * 130 + " " * 20)) == "x" * 130 + "…"
    refused = Outcome(end=OrderEnd.REFUSED, text="no", refusal=RefusalReason.EXPIRED)
    assert render_description(refused) == "refused (expired): no"


@given(st.text())
def test_no_description_is_longer_than_github_takes(text: str) -> None:
    made = render_description(Outcome(end=OrderEnd.FAILED, text=text, refusal=RefusalReason.MALFORMED))
    assert len(made) <= MAX_DESCRIPTION_LENGTH


def test_an_outcome_is_told_line_by_line() -> None:
    outcome = Outcome(
        end=OrderEnd.ROLLED_BACK,
        text="traefik exited; put back",
        services=(
            service("traefik", Action.RECREATE, Action.RECREATE),
            service("whoami", Action.NONE, Action.RESTART),
            service("idle", Action.NONE, Action.NONE),
            service("proxy", Action.RELOAD, Action.NONE),
        ),
        differences=(
            Difference(kind=DifferenceKind.MISSING, text="has no container", stack="ingress", service="old"),
            Difference(kind=DifferenceKind.MOVED, text="stands at abc"),
        ),
        unhealthy=(unhealthy("traefik", "one\ntwo"), unhealthy("whoami")),
        steps=(OrderStep("fetch", 0.25), OrderStep("watch", 3.04)),
        interrupted=0,
    )
    assert render_outcome(outcome).splitlines() == [
        "rolled_back: traefik exited; put back",
        "note: order 0 was begun earlier and never finished",
        "  ingress/traefik: recreate",
        "  ingress/whoami: restart  (planned: none)",
        "  ingress/proxy: none",
        "  missing: ingress/old has no container",
        "  moved: the node stands at abc",
        "  ingress/traefik exited with code 1; its last lines:",
        "    | one",
        "    | two",
        "  ingress/whoami exited with code 1; its last lines:",
        "  fetch: 0.2 s",
        "  watch: 3.0 s",
    ]


def test_a_refusal_is_told_with_its_reason() -> None:
    refused = Outcome(end=OrderEnd.REFUSED, text="too late", refusal=RefusalReason.EXPIRED)
    assert render_outcome(refused) == "refused (expired): too late"
