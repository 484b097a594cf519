"""Where each stack of a node stands, by the node's own record: an order for a few leaves the others behind. Pure."""

from __future__ import annotations

from bot.agent.state import Begun, Finished, Record
from bot.domain.names import StackName, SubmodulePath
from bot.protocol.order import Order
from bot.protocol.outcome import OrderEnd


def find_positions(records: tuple[Record, ...], submodule: SubmodulePath) -> dict[StackName, Order]:
    """The newest order that succeeded for each stack of `submodule`, the newest of all first."""
    good = {record.number for record in records if isinstance(record, Finished) and record.end is OrderEnd.SUCCESS}
    found: dict[StackName, Order] = {}
    for record in reversed(records):
        if isinstance(record, Begun) and record.order.number in good and not record.order.kind.reads_only:
            for stack in record.order.stacks if record.order.submodule == submodule else ():
                found.setdefault(stack.stack, record.order)
    return found
