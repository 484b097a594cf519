"""A node refuses what its engine does not have before anything is touched."""

from __future__ import annotations

import pytest

from bot.agent.preflight import PreflightError, check_needs
from bot.domain.names import ServiceName, StackName
from bot.protocol.action import Action
from bot.protocol.order import ServiceOrder, StackOrder
from bot.protocol.outcome import FailureReason

MODELS = {"web": {"services": {"db": {"healthcheck": {"start_interval": "1s"}}, "app": {"annotations": {"a": "b"}}}}}


def stack(**actions: Action) -> StackOrder:
    services = tuple(ServiceOrder(service=ServiceName(name), action=action) for name, action in actions.items())
    return StackOrder(stack=StackName("web"), folder="web", files=(), profiles=(), project="web", services=services)


def test_an_engine_that_is_too_old_is_named_with_the_setting() -> None:
    with pytest.raises(PreflightError) as refused:
        check_needs([stack(db=Action.RECREATE)], MODELS, lambda: ("Docker Engine", "20.10.24+dfsg1"))
    assert refused.value.failure is FailureReason.ENGINE
    assert str(refused.value) == (
        "Docker Engine 20.10.24 cannot run web/db with healthcheck.start_interval, which came with 25: "
        "upgrade the engine, or take the setting out"
    )


@pytest.mark.parametrize("engine", [("Docker Engine", "25.0.0"), ("Podman", "4.3.1")])
def test_an_engine_that_has_it_or_is_another_is_not_refused(engine: tuple[str, str]) -> None:
    check_needs([stack(db=Action.RECREATE)], MODELS, lambda: engine)


def test_nothing_is_read_where_no_container_is_made_or_the_setting_is_only_ignored() -> None:
    def read() -> tuple[str, str]:
        raise AssertionError

    check_needs([stack(db=Action.RESTART, app=Action.RECREATE)], MODELS, read)
