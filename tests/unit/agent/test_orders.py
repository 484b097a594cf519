"""An order adjusted to what runs on the node, and what came of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.agent.orders import (
    adjust_order,
    as_planned,
    changed_stacks,
    compare_services,
    find_actual_action,
    is_removal,
    services_to_watch,
    services_with,
    stacks_behind_hooks,
    watch_seconds,
)
from bot.agent.verdicts import ServiceKind
from bot.domain.names import (
    CommitSha,
    DeploymentId,
    NodeName,
    PlanId,
    RepoName,
    ServiceName,
    StackName,
    SubmodulePath,
)
from bot.engine.containers import Container
from bot.protocol.action import Action
from bot.protocol.order import Hook, HookTime, Order, OrderKind, ServiceOrder, StackOrder
from bot.protocol.outcome import Difference, DifferenceKind

WEB, DB = ServiceName("web"), ServiceName("db")


def container(service: ServiceName, *, id: str = "1", started: str = "t1", project: str = "p-app") -> Container:  # noqa: A002 - as the field is called
    return Container(
        id=id,
        project=project,
        service=service,
        image="sha256:1",
        status="running",
        exit_code=0,
        started=started,
        restarts=0,
        restart_policy="always",
    )


def stack(name: str = "app", **actions: Action) -> StackOrder:
    return StackOrder(
        stack=StackName(name),
        folder=f"server/stacks/{name}",
        files=("compose.yml",),
        profiles=(),
        project=f"p-{name}",
        services=tuple(ServiceOrder(service=ServiceName(s), action=a) for s, a in actions.items()),
    )


def order(*stacks: StackOrder, hooks: tuple[Hook, ...] = ()) -> Order:
    return Order(
        kind=OrderKind.DEPLOY,
        fleet=RepoName("acme/fleet"),
        node=NodeName("N"),
        commit=CommitSha("a" * 40),
        base="main",
        submodule=SubmodulePath("server"),
        pin=CommitSha("b" * 40),
        plan=PlanId("0123456789ab"),
        root="/srv",
        stacks=stacks,
        variables={},
        issued=0,
        expires=1,
        number=DeploymentId(1),
        hooks=hooks,
    )


def actions(adjusted: Order) -> dict[str, Action]:
    return {f"{s.stack}/{one.service}": one.action for s in adjusted.stacks for one in s.services}


@pytest.mark.parametrize(
    ("action", "becomes"),
    [
        (Action.NONE, Action.CREATE),
        (Action.RELOAD, Action.CREATE),
        (Action.RESTART, Action.CREATE),
        (Action.RECREATE, Action.CREATE),
        (Action.CREATE, Action.CREATE),
        (Action.REBUILD, Action.REBUILD),
        (Action.REMOVE, Action.REMOVE),
    ],
)
def test_the_first_order_creates_what_has_no_container(action: Action, becomes: Action) -> None:
    given = order(stack(web=action, db=Action.NONE))
    made = adjust_order(given, containers=[container(DB)], differences=(), is_first=True, after_failure=False)
    assert actions(made) == {"app/web": becomes, "app/db": Action.NONE}


def test_a_container_of_another_project_does_not_count() -> None:
    given = order(stack(web=Action.NONE))
    other = container(WEB, project="p-other")
    made = adjust_order(given, containers=[other], differences=(), is_first=True, after_failure=False)
    assert actions(made) == {"app/web": Action.CREATE}


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [
        (DifferenceKind.MISSING, Action.RECREATE),
        (DifferenceKind.CHANGED, Action.RECREATE),
        (DifferenceKind.UNHEALTHY, Action.RECREATE),
        (DifferenceKind.IMAGE_MOVED, Action.NONE),
        (DifferenceKind.EXTRA, Action.NONE),
    ],
)
def test_after_a_failure_what_is_broken_is_recreated(kind: DifferenceKind, becomes: Action) -> None:
    given = order(stack(web=Action.NONE, db=Action.RESTART), stack("other", web=Action.NONE))
    found = [Difference(kind=kind, text="", stack=StackName("app"), service=name) for name in (WEB, DB)]
    made = adjust_order(given, containers=(), differences=found, is_first=False, after_failure=True)
    assert actions(made) == {"app/web": becomes, "app/db": Action.RESTART, "other/web": Action.NONE}


@pytest.mark.parametrize("kind", list(DifferenceKind))
def test_an_order_to_restore_recreates_what_was_removed_or_changed_by_hand(kind: DifferenceKind) -> None:
    given = replace(
        order(stack(web=Action.NONE, db=Action.RESTART), stack("other", web=Action.NONE)), kind=OrderKind.RESTORE
    )
    found = [Difference(kind=kind, text="", stack=StackName("app"), service=name) for name in (WEB, DB)]
    made = adjust_order(given, containers=(), differences=found, is_first=False, after_failure=False)
    becomes = Action.RECREATE if kind in (DifferenceKind.MISSING, DifferenceKind.CHANGED) else Action.NONE
    assert actions(made) == {"app/web": becomes, "app/db": Action.RESTART, "other/web": Action.NONE}


def test_else_an_order_stays_as_it_is() -> None:
    given = order(stack(web=Action.NONE))
    found = [Difference(kind=DifferenceKind.MISSING, text="", stack=StackName("app"), service=WEB)]
    assert adjust_order(given, containers=(), differences=found, is_first=False, after_failure=False) == given


def test_what_happened_is_compared_with_what_was_approved() -> None:
    """Not with what the node made of the order, but for a build, which alone knows whether the image changed."""
    planned = order(stack(web=Action.NONE, db=Action.RESTART))
    recreated = order(stack(web=Action.RECREATE, db=Action.RESTART))
    assert as_planned(planned, recreated) == planned
    built = replace(planned.stacks[0], services=(ServiceOrder(WEB, Action.REBUILD, if_same=Action.RESTART),))
    same = replace(planned.stacks[0], services=(ServiceOrder(WEB, Action.RESTART, if_same=Action.RESTART),))
    assert actions(as_planned(replace(planned, stacks=(built,)), replace(planned, stacks=(same,)))) == {
        "app/web": Action.RESTART
    }
    assert actions(as_planned(replace(planned, stacks=(built,)), replace(planned, stacks=(built,)))) == {
        "app/web": Action.REBUILD
    }
    elsewhere = replace(same, project="p-other")
    assert actions(as_planned(replace(planned, stacks=(built,)), replace(planned, stacks=(elsewhere,)))) == {
        "app/web": Action.REBUILD
    }


def test_what_an_order_touches() -> None:
    gone, kept = stack("gone", web=Action.REMOVE), stack("kept", web=Action.NONE)
    mixed = stack("mixed", web=Action.REMOVE, db=Action.NONE)
    scaled = StackOrder(
        stack=StackName("scaled"),
        folder="x",
        files=(),
        profiles=(),
        project="p-scaled",
        services=(ServiceOrder(service=WEB, action=Action.REMOVE, remaining=1),),
    )
    assert changed_stacks(order(gone, kept, mixed)) == (gone, mixed)
    assert [is_removal(one) for one in (gone, kept, mixed, scaled, stack("empty"))] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert services_with(mixed, Action.REMOVE, Action.CREATE) == (WEB,)


def test_stacks_that_wait_for_a_hook() -> None:
    one, two, same = stack("one", web=Action.CREATE), stack("two", web=Action.CREATE), stack("same", web=Action.NONE)
    before_one = Hook(when=HookTime.BEFORE, command=("x",), stack=StackName("one"))
    before_all = Hook(when=HookTime.BEFORE, command=("x",))
    after_all = Hook(when=HookTime.AFTER, command=("x",))
    assert stacks_behind_hooks(order(one, two, same, hooks=(before_one,))) == {"one"}
    assert stacks_behind_hooks(order(one, two, same, hooks=(before_all,))) == {"one", "two"}
    assert stacks_behind_hooks(order(one, two, same, hooks=(after_all,))) == frozenset()


def test_services_without_a_container_are_not_watched() -> None:
    given = order(
        stack("x", web=Action.CREATE), stack(a=Action.CREATE, b=Action.RELOAD, c=Action.NONE, d=Action.REMOVE)
    )
    a, b = ("p-app", ServiceName("a")), ("p-app", ServiceName("b"))
    assert services_to_watch(given, "p-app", {a: ServiceKind.SCALED_AWAY, b: ServiceKind.LASTING}) == ("b",)
    assert services_to_watch(given, "p-app", {("p-x", a[1]): ServiceKind.PROVIDED}) == ("a", "b")
    assert services_to_watch(given, "p-app", {b: ServiceKind.PROVIDED, a: ServiceKind.ONE_SHOT}) == ("a",)


def test_how_long_each_stack_is_watched() -> None:
    given = order(replace(stack("one"), watch=30), stack("two"), replace(stack("three"), watch=0))
    assert watch_seconds(given) == {"p-one": 30.0, "p-three": 0.0}


def test_what_a_provider_did_counts_as_done() -> None:
    given = order(stack(web=Action.CREATE, db=Action.CREATE))
    web, db = compare_services(given, [], [], {("p-app", WEB): ServiceKind.PROVIDED})
    assert (web.actual, db.actual) == (Action.CREATE, Action.NONE)


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        ({"1": "t1"}, {"1": "t1"}, Action.NONE),
        ({"1": "t1"}, {"1": "t2"}, Action.RESTART),
        ({"1": "t1"}, {"2": "t1"}, Action.RECREATE),
        ({}, {"1": "t1"}, Action.CREATE),
        ({"1": "t1"}, {"1": "t1", "2": "t2"}, Action.CREATE),
        ({"1": "t1"}, {}, Action.REMOVE),
        ({"1": "t1", "2": "t1"}, {"2": "t1"}, Action.REMOVE),
        ({"1": "t1", "2": "t1"}, {"2": "t2"}, Action.RECREATE),
    ],
)
def test_what_happened_to_a_service(before: dict[str, str], after: dict[str, str], action: Action) -> None:
    def made(samples: dict[str, str]) -> list[Container]:
        others = [container(DB, id="9", started=str(len(samples))), container(WEB, id="8", project="p-x")]
        return [container(WEB, id=id_, started=started) for id_, started in samples.items()] + others

    assert find_actual_action(made(before), made(after), WEB, "p-app") is action
    (outcome,) = compare_services(order(stack(web=Action.RECREATE)), iter(made(before)), iter(made(after)), {})
    assert (outcome.stack, outcome.service) == ("app", "web")
    assert (outcome.predicted, outcome.actual) == (Action.RECREATE, action)
