"""A node refuses what its engine does not have before anything is touched."""

from __future__ import annotations

import pytest

from bot.agent.preflight import PreflightError, check_needs
from bot.domain.names import ServiceName, StackName
from bot.engine.versions import EngineVersions
from bot.protocol.action import Action
from bot.protocol.order import ServiceOrder, StackOrder
from bot.protocol.outcome import FailureReason

MODELS = {"web": {"services": {"db": {"healthcheck": {"start_interval": "1s"}}, "app": {"annotations": {"a": "b"}}}}}

OLD = EngineVersions("Docker Engine 20.10.24+dfsg1", "2.40.3")


def stack(**actions: Action) -> StackOrder:
    services = tuple(ServiceOrder(service=ServiceName(name), action=action) for name, action in actions.items())
    return StackOrder(stack=StackName("web"), folder="web", files=(), profiles=(), project="web", services=services)


def test_an_engine_that_is_too_old_is_named_with_the_setting() -> None:
    with pytest.raises(PreflightError) as refused:
        check_needs(
            [stack(db=Action.RECREATE)], MODELS, lambda: EngineVersions("Docker Engine 20.10.24+dfsg1", "2.40.3")
        )
    assert refused.value.failure is FailureReason.ENGINE
    assert str(refused.value) == (
        "Docker Engine 20.10.24 cannot run web/db with healthcheck.start_interval, which came with 25: "
        "upgrade the engine, or take the setting out"
    )


@pytest.mark.parametrize(
    ("engine", "compose"),
    [("Docker Engine 25.0.0", "2.40.3"), ("Podman 4.3.1", "2.40.3"), ("Docker Engine 20.10.24+dfsg1", "5.6.1")],
)
def test_what_has_it_or_ignores_it_or_is_another_is_not_refused(engine: str, compose: str) -> None:
    check_needs([stack(db=Action.RECREATE)], MODELS, lambda: EngineVersions(engine, compose))


def test_nothing_is_read_where_no_container_is_made() -> None:
    def read() -> EngineVersions:
        raise AssertionError

    check_needs([stack(db=Action.RESTART)], MODELS, read)


def test_what_the_engine_only_ignores_is_not_refused() -> None:
    check_needs([stack(app=Action.RECREATE)], MODELS, lambda: OLD)
