"""Bring the agent that an order names, and let it carry the order out.

Only a verified order gets here: its signature stands for the lock, and the lock for every byte that is installed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.agent.installer import InstallError, install, read_current, read_own_lock, switch
from bot.agent.node import LocalNode, report_outcome
from bot.agent.state import used_numbers
from bot.domain.errors import BotError, ExitCode
from bot.protocol.agent import AgentRelease
from bot.protocol.order import Order
from bot.protocol.outcome import FailureReason, OrderEnd, Outcome

ORDER_VARIABLE = "AIOS_BOT_ORDER"


class OtherProgram(BotError):  # noqa: N818 - an answer, not a failure
    """The order's own agent is installed at `python` and is the current one: it carries the order out."""

    def __init__(self, order: Order, python: Path) -> None:
        super().__init__(f"order {order.number} is carried out by another version of aios-bot")
        self.order = order
        self.python = python


def program_folder(node: LocalNode) -> Path:
    """Where this node's agents are installed, each beside the others."""
    return node.state.folder / "program"


def is_this_agent(order: Order) -> bool:
    """Whether this program is the one that is to carry the order out, or the order leaves that open."""
    return order.agent is None or order.agent.lock == read_own_lock()


def check_agent(node: LocalNode, order: Order) -> Outcome | None:
    """None if this program is the one that is to carry the order out.

    Otherwise bring the other one and raise OtherProgram. If that fails, the order ends here with nothing touched.
    Call it while holding the lock.
    """
    agent = order.agent
    if agent is None or is_this_agent(order):
        return None
    node.log(f"- the order names aios-bot {agent.version}: installing it beside this one, unless it is there")
    try:
        python = install(program_folder(node), agent.url, agent.lock)
        switch(program_folder(node), agent.lock)
    except (InstallError, OSError) as problem:
        return _end(node, order, agent, str(problem))
    raise OtherProgram(order, python)


def hand_over(
    node: LocalNode, other: OtherProgram, envelope: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> int | Outcome:
    """Run the order's own agent, and return its exit code.

    If it ends like a broken program and took nothing up, this one is the current one again and the order ends with
    nothing touched.
    """
    command = [str(other.python), "-I", "-m", "bot", "node", "deploy", *arguments]
    try:
        code = subprocess.run(command, env={**environment, ORDER_VARIABLE: envelope}, check=False).returncode
    except OSError as problem:
        node.log(f"{other.python} cannot be run: {problem}")
        code = ExitCode.BUG
    if code in (ExitCode.OK, ExitCode.FAILED, ExitCode.REFUSED):
        return code
    with node.state.lock():
        if other.order.number in used_numbers(node.state.read_record()) or other.order.agent is None:
            return code
        _switch_back(program_folder(node))
        return _end(node, other.order, other.order.agent, f"it ended with {code}; see the log of its job")


def _switch_back(folder: Path) -> None:
    own = read_own_lock()
    if own and (folder / own).is_dir():
        switch(folder, own)
    elif read_current(folder):
        (folder / "current").unlink()  # this program was installed in another way, and is found in that


def _end(node: LocalNode, order: Order, agent: AgentRelease, problem: str) -> Outcome:
    text = f"agent not updated to {agent.version}, and nothing was touched: {problem}"
    outcome = Outcome(end=OrderEnd.UNTOUCHED, text=text, order=order, failure=FailureReason.AGENT)
    try:
        node.state.begin(order, now=node.now())
        node.state.finish(order, outcome.end, text, now=node.now())
    except BotError as unwritten:
        node.log(f"order {order.number} could not be recorded: {unwritten}")
    report_outcome(node, order, outcome)
    return outcome
