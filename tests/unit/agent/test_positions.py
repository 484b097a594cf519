"""Where each stack of a node stands, by the orders in the node's record."""

from __future__ import annotations

from msgspec.structs import replace

from bot.agent.positions import find_positions
from bot.agent.state import Begun, Finished, Record
from bot.domain.names import DeploymentId, StackName, SubmodulePath
from bot.protocol.order import Order, OrderKind
from bot.protocol.outcome import OrderEnd
from tests.unit.protocol.test_order import make_order

SERVER = make_order().submodule
WEB, DB = StackName("web"), StackName("db")


def order(number: int, *stacks: StackName, **changes: object) -> Order:
    (one,) = make_order().stacks
    return make_order(
        number=DeploymentId(number), stacks=tuple(replace(one, stack=name) for name in stacks), **changes
    )


def ran(one: Order, end: OrderEnd = OrderEnd.SUCCESS) -> tuple[Record, ...]:
    return Begun(order=one, at=1), Finished(number=one.number, end=end, text="", at=2)


def test_each_stack_stands_where_its_newest_good_order_left_it() -> None:
    both, one = order(1, WEB, DB), order(2, WEB)
    records = (*ran(both), *ran(one))
    assert list(find_positions(records, SERVER).items()) == [(WEB, one), (DB, both)]


def test_what_failed_only_read_or_was_of_another_submodule_left_nothing() -> None:
    both = order(1, WEB, DB)
    others = (
        *ran(order(2, WEB), OrderEnd.ROLLED_BACK),
        *ran(order(3, WEB, kind=OrderKind.DRIFT)),
        *ran(order(4, WEB, submodule=SubmodulePath("other"))),
        Begun(order=order(5, WEB), at=3),
    )
    assert find_positions((*ran(both), *others), SERVER) == {WEB: both, DB: both}
    assert find_positions(others, SERVER) == {}
