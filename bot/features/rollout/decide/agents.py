"""Which agent an order names: what the fleet file wants, unless the node's own agent does not know such orders."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from bot.fleetfile.fleet import Deploy
from bot.protocol.agent import AgentRelease, parse_agent
from bot.protocol.report import Report

TOO_OLD = "this node's aios-bot cannot be updated by an order: paste its join command again"


class AgentReason(StrEnum):
    """Why an order names an agent, or none."""

    NONE_WANTED = "none_wanted"  # the fleet file leaves it to each node
    NAMED = "named"
    TOO_OLD = "too_old"  # the node reported without understanding such orders


class AgentDecision(NamedTuple):
    """The agent that the order names, if any."""

    reason: AgentReason
    agent: AgentRelease | None = None


def decide_agent(deploy: Deploy, newest: Report | None) -> AgentDecision:
    """`newest` is what the node reported last, None when it never did: it joined then, or it refuses with words."""
    if not deploy.agent:
        return AgentDecision(AgentReason.NONE_WANTED)
    if newest is not None and "agent" not in newest.understands:
        return AgentDecision(AgentReason.TOO_OLD)
    return AgentDecision(AgentReason.NAMED, parse_agent(deploy.agent, url=deploy.agent_from))


def reads_tree(newest: Report | None, *, is_first: bool) -> bool:
    """Whether an order may hold the digest of its files, which an agent of before would refuse as unknown.

    A node's first order may: it joined with an agent of now.
    """
    return is_first if newest is None else "tree" in newest.understands
