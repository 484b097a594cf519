"""Why a command was carried out or not: the closed list. Pure.

Each stands in the reply, the log, the audit trail and `docs/reference/reason-codes.md`; the words are in
`bot/features/commands/text/words.py`.
"""

from __future__ import annotations

from enum import StrEnum


class CommandReason(StrEnum):
    """A stable code; people and tools may rely on it."""

    # done
    HELP = "help"
    STATUS = "status"
    PLANNED = "planned"
    ORDERED = "ordered"
    RETRIED = "retried"
    RESTORED = "restored"
    REPAIRED = "repaired"
    ROLLED_BACK = "rolled_back"
    PIN_BACK_ONLY = "pin_back_only"
    LOCK_TAKEN = "lock_taken"
    UNLOCKED = "unlocked"
    HELD = "held"
    RESUMED = "resumed"
    # nothing to do
    ALREADY_THERE = "already_there"
    UNDER_WAY = "under_way"
    NOTHING_TO_ROLL_BACK = "nothing_to_roll_back"
    NOTHING_FAILED = "nothing_failed"
    NOT_LOCKED = "not_locked"
    ALREADY_HELD = "already_held"
    NOT_HELD = "not_held"
    # not understood
    MISREAD = "misread"
    UNKNOWN_NAME = "unknown_name"
    UNKNOWN_WAVE = "unknown_wave"
    NAME_TARGETS = "name_targets"
    LOCK_NEEDS_REASON = "lock_needs_reason"
    TO_BEFORE_MERGE = "to_before_merge"
    AMBIGUOUS_COMMIT = "ambiguous_commit"
    NOT_A_GOOD_COMMIT = "not_a_good_commit"
    # refused for who asks
    TOO_OLD = "too_old"
    PERMISSION_UNKNOWN = "permission_unknown"
    NOT_ALLOWED = "not_allowed"
    TOO_MANY = "too_many"
    NOT_ALLOWED_ON_NODE = "not_allowed_on_node"
    BREAK_GLASS_NOT_ALLOWED = "break_glass_not_allowed"
    NOT_YOUR_LOCK = "not_your_lock"
    LOCKED = "locked"
    # refused for where it was said
    IN_REVIEW = "in_review"
    NOT_A_FLEET = "not_a_fleet"
    FLEET_FILE_BROKEN = "fleet_file_broken"
    NO_NODES = "no_nodes"
    PULL_UNKNOWN = "pull_unknown"
    PULL_ENDED = "pull_ended"
    FROM_FORK = "from_fork"
    TOUCHES_CONTROL = "touches_control"
    NO_PIN_MOVED = "no_pin_moved"
    SEVERAL_PINS = "several_pins"
    SUPERSEDED = "superseded"
    NO_GOOD_COMMIT = "no_good_commit"
    # refused for the plan
    NO_PLAN = "no_plan"
    PLAN_UNKNOWN = "plan_unknown"
    PLAN_CHANGED = "plan_changed"
    HEAD_MOVED = "head_moved"
    BASE_MOVED = "base_moved"
    PIN_MOVED = "pin_moved"
    # refused by GitHub's own verdict
    CONFLICTS = "conflicts"
    REVIEW_MISSING = "review_missing"
    CHANGES_REQUESTED = "changes_requested"
    CHECKS_FAILED = "checks_failed"
    CHECKS_PENDING = "checks_pending"
    VERDICT_UNKNOWN = "verdict_unknown"
