"""What is left to do after a build: for whose image came out the same, and for those who follow it."""

from __future__ import annotations

import pytest

from bot.agent.apply import settle
from bot.domain.names import ServiceName
from bot.protocol.action import Action
from bot.protocol.order import ServiceOrder

APP, NET, AFTER, OTHER = (ServiceName(name) for name in ("app", "net", "after", "other"))
SERVICES = (
    ServiceOrder(APP, Action.REBUILD, if_same=Action.RESTART),
    ServiceOrder(NET, Action.RECREATE, if_same=Action.NONE, follows=(APP,)),
    ServiceOrder(AFTER, Action.RESTART, if_same=Action.NONE, follows=(NET,)),
    ServiceOrder(OTHER, Action.RECREATE),
)


@pytest.mark.parametrize(
    ("different", "left"),
    [
        (set(), [Action.RESTART, Action.NONE, Action.NONE, Action.RECREATE]),
        ({APP}, [Action.REBUILD, Action.RECREATE, Action.RESTART, Action.RECREATE]),
        ({NET}, [Action.RESTART, Action.RECREATE, Action.RESTART, Action.RECREATE]),
        ({OTHER}, [Action.RESTART, Action.NONE, Action.NONE, Action.RECREATE]),
    ],
)
def test_who_follows_does_what_is_done_to_the_other(different: set[ServiceName], left: list[Action]) -> None:
    found = settle(SERVICES, lambda one: one.service not in different)
    assert [one.action for one in found] == left
    assert [one.if_same for one in found] == [one.if_same for one in SERVICES]


def test_a_restart_that_follows_nobody_depends_on_no_image() -> None:
    alone = (ServiceOrder(APP, Action.RESTART, if_same=Action.NONE),)
    assert settle(alone, lambda _: True) == alone
