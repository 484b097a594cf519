"""Compute a plan's id. Pure."""

from __future__ import annotations

import hashlib

import msgspec

from bot.domain.names import CommitSha, PlanId
from bot.plan.model import NodePlan


def identify_plan(base: CommitSha, old: CommitSha | None, new: CommitSha, nodes: tuple[NodePlan, ...]) -> PlanId:
    """Hash what the plan was made from (the fleet's commit and both pins) and everything it says of the nodes."""
    identity = [base, old, new, msgspec.to_builtins(nodes)]
    return PlanId(hashlib.sha256(msgspec.json.encode(identity, order="deterministic")).hexdigest()[:12])
