"""A node does not do more than its order says: what it would, by what runs on it and by its own compose."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.agent.approved import find_beyond
from bot.agent.state import DeployedService
from bot.domain.names import ServiceName, StackName
from bot.engine.containers import Container
from bot.protocol.action import Action
from bot.protocol.order import Order, Refusal, RefusalReason, ServiceOrder, StackOrder
from tests.unit.protocol.test_order import make_order


def stack(name: str = "ingress", *, project: str = "p", **services: Action) -> StackOrder:
    (one,) = make_order().stacks
    ordered = tuple(ServiceOrder(service=ServiceName(key), action=action) for key, action in services.items())
    return replace(one, stack=StackName(name), project=project, services=ordered)


def order(*stacks: StackOrder) -> Order:
    return make_order(stacks=stacks)


def container(service: str, *, project: str = "p", config: str = "c1") -> Container:
    return Container(
        id=service,
        project=project,
        service=ServiceName(service),
        image="i",
        status="running",
        exit_code=0,
        started="",
        restarts=0,
        restart_policy="no",
        config=config,
    )


def deployed(service: str, config: str = "c1") -> dict[tuple[str, ServiceName], DeployedService]:
    name = ServiceName(service)
    return {("p", name): DeployedService(project="p", service=name, image="i", config=config)}


def beyond(made: Order, **facts: Any) -> str:
    nothing: dict[str, Any] = {"models": {}, "containers": (), "deployed": {}}
    found = find_beyond(made, **(nothing | facts))
    assert found is None or found == Refusal(reason=RefusalReason.BEYOND_ORDER, text=found.text)
    return found.text if found else ""


def services(*names: str) -> dict[str, Any]:
    return {"p": {"services": {name: {} for name in names}}}


def test_what_the_order_names_is_not_beyond_it() -> None:
    made = order(stack(web=Action.RECREATE, db=Action.NONE))
    assert beyond(made) == ""
    assert beyond(made, models=services("web", "db"), containers=[container("web"), container("db")]) == ""
    assert beyond(made, models={"p": {}}) == ""
    assert beyond(made, models=services("web")) == "", "fewer are done"


def test_a_service_that_the_order_does_not_name() -> None:
    text = (
        "p has a service miner on this node, which the order does not name: look for a variable or a file that only "
        "this node has"
    )
    assert beyond(order(stack(web=Action.RECREATE)), models=services("web", "miner")) == text


def test_two_folders_of_one_project_name_its_services_together() -> None:
    both = order(stack("one", web=Action.RECREATE), stack("two", db=Action.NONE))
    assert beyond(both, models=services("web", "db")) == ""
    elsewhere = order(stack("one", web=Action.RECREATE), stack("two", project="q", db=Action.NONE))
    assert "service db" in beyond(elsewhere, models=services("web", "db"))
    assert "service db" in beyond(order(stack(project="q", db=Action.NONE)), models=services("db"))


def test_a_removal_takes_only_what_the_order_names() -> None:
    gone = order(stack(web=Action.REMOVE, db=Action.REMOVE))
    assert beyond(gone, containers=[container("web"), container("db"), container("other", project="q")]) == ""
    text = "p would go with its service debug, which the order does not name: remove that first"
    assert beyond(gone, containers=[container("web"), container("debug"), container("debug")]) == text
    several = beyond(gone, containers=[container("b"), container("a")])
    assert several.split("; ") == [text.replace("debug", name) for name in "ab"]
    # Where the project stays, its removed services are removed one by one.
    stays = order(stack(web=Action.REMOVE), stack("moved", db=Action.NONE))
    assert beyond(stays, containers=[container("debug")]) == ""
    part = order(stack(web=Action.REMOVE, db=Action.NONE))
    assert beyond(part, containers=[container("debug")]) == ""


def test_more_containers_do_not_replace_the_first() -> None:
    more = order(stack(web=Action.CREATE))
    runs = {"containers": [container("web", config="c2"), container("web", config="c3")]}
    text = (
        "ingress/web would be recreated, and the order only adds containers to it: it runs with another "
        "configuration than the last order deployed"
    )
    assert beyond(more, **runs, deployed=deployed("web")) == text
    assert beyond(more, containers=[container("web")], deployed=deployed("web")) == ""
    assert beyond(more, **runs) == "", "the first order of a node"
    assert beyond(more, containers=[container("web", project="q", config="c2")], deployed=deployed("web")) == ""


@pytest.mark.parametrize("action", [one for one in Action if one is not Action.CREATE])
def test_other_actions_are_what_they_say(action: Action) -> None:
    other = order(stack(web=action))
    assert beyond(other, containers=[container("web", config="c2")], deployed=deployed("web")) == ""


def test_a_long_refusal_says_how_much_it_leaves_out() -> None:
    names = "abcdefg"
    assert beyond(order(stack()), models=services(*names)).endswith("; and 2 more")
    assert beyond(order(stack()), models=services(*names)).count("; ") == 5
    assert "more" not in beyond(order(stack()), models=services(*names[:5]))
