"""Report what nobody could be sent when it happened: a recovery at boot has no job's token, so the next job sends it.

The state folder's file `unreported.json` lists the numbers of those orders; the rest stands in the node's record.
"""

from __future__ import annotations

import contextlib

import msgspec

from bot.agent.node import LocalNode, report_outcome
from bot.agent.state import Begun, Finished, NodeState
from bot.domain.errors import BotError
from bot.domain.names import DeploymentId
from bot.protocol.order import Order
from bot.protocol.outcome import FailureReason, Outcome
from bot.storage.whole_files import write_whole

_FILE = "unreported.json"


def keep_for_later(state: NodeState, order: Order) -> None:
    """Remember that GitHub has not heard how this order ended."""
    _write(state, [*_read(state), order.number])


def send_late_reports(node: LocalNode) -> None:
    """Send what was kept; what cannot be sent now stays. A deployment that the bot withdrew keeps its status."""
    owed = _read(node.state)
    if not owed:
        return
    records = node.state.read_record()
    orders = {one.order.number: one.order for one in records if isinstance(one, Begun)}
    ends = {one.number: one for one in records if isinstance(one, Finished)}
    left = []
    for number in dict.fromkeys(owed):
        order, end = orders.get(number), ends.get(number)
        if order is not None and end is not None and not _send(node, order, end):
            left.append(number)
    if left != owed:
        _write(node.state, left)


def _send(node: LocalNode, order: Order, end: Finished) -> bool:
    outcome = Outcome(
        end=end.end,
        text=end.text,
        order=order,
        failure=FailureReason.INTERRUPTED,
        commit=end.commit,
        pin=end.pin,
    )
    try:
        withdrawn = node.sink.is_withdrawn(order.number)
    except BotError as problem:
        node.log(f"how order {order.number} ended could not be reported: {problem}")
        return False
    return report_outcome(node, order, outcome, with_status=not withdrawn)


def _read(state: NodeState) -> list[DeploymentId]:
    try:
        return msgspec.json.decode((state.folder / _FILE).read_bytes(), type=list[DeploymentId])
    except (OSError, msgspec.MsgspecError):
        return []


def _write(state: NodeState, numbers: list[DeploymentId]) -> None:
    place = state.folder / _FILE
    with contextlib.suppress(OSError):  # a full disk keeps no order from being put right
        if not numbers:
            place.unlink(missing_ok=True)
            return
        write_whole(place, msgspec.json.encode(numbers))
