"""Whether a machine can carry out orders: the node's own doctor, asked before its runner is registered."""

from __future__ import annotations

from bot.agent.doctor import run_checks
from bot.agent.safe_git import Access
from bot.engine.docker import Docker
from bot.onboarding.join.join import Joining


def find_obstacles(joining: Joining) -> tuple[str, ...]:
    """What `aios-bot node doctor` finds wrong, each with its cure; what is right is told."""
    findings = run_checks(
        joining.state,
        Docker(joining.environment, secrets=(), log=joining.tell),
        Access(joining.invitation.web_url, None),
        joining.root,
    )
    for finding in (one for one in findings if one.good):
        joining.tell(f"ok   {finding.name}: {finding.text}")
    return tuple(f"{finding.name}: {finding.text}" for finding in findings if not finding.good)
