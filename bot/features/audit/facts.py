"""What the audit trail records."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import NodeName, PullNumber, RepoName
from bot.domain.values import StoredValue


class Audited(StrEnum):
    """What the audit trail records."""

    ASKED = "asked"  # somebody said a command, and what was decided; or pressed a button of a page (`source`)
    ORDERED = "ordered"  # an order was given to a node
    ENDED = "ended"  # what came of the order
    APPROVED = "approved"  # a pull request that moves a pin was merged
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    REVIEW = "review"  # what the review rules said of a pull request changed


class AuditRecord(StoredValue, frozen=True, rename={"override_reason": "glass"}):
    """One line of the audit trail. Texts that a person wrote are as they wrote them."""

    what: Audited
    fleet: RepoName
    at: str  # ISO 8601, UTC
    actor: str = ""
    pull: PullNumber | None = None
    source: str = ""  # of the command
    said: str = ""
    permission: str = ""
    reason: str = ""  # the decision's code, or why a lock ended
    node: NodeName | None = None
    order: int | None = None  # the deployment's id
    kind: str = ""
    commit: str = ""
    pin: str = ""
    plan: str = ""
    state: str = ""
    override_reason: str = ""  # why rules were passed over; "" when none was
    text: str = ""
