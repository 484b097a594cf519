"""The words of each command reason, and what to do about it; the reference page is made from them."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.values import Value
from bot.features.commands.decide.reasons import CommandReason


class Tone(StrEnum):
    """The tone of a reply; the value is the reaction's name on GitHub."""

    DONE = "rocket"
    NO = "-1"
    HUH = "confused"  # not understood, or nothing to do


class Words(Value, frozen=True):
    """`headline` may hold {about}: the names that the decision gives, as code. `cure` is what to do, if
    anything; it may hold {lead}: what stands before the verb of a command in the fleet."""

    tone: Tone
    headline: str
    cure: str = ""


_R = CommandReason
WORDS: dict[CommandReason, Words] = {
    _R.HELP: Words(Tone.DONE, "Commands"),
    _R.STATUS: Words(Tone.DONE, "Status"),
    _R.PLANNED: Words(Tone.DONE, "Planned again."),
    _R.ORDERED: Words(Tone.DONE, "Deploying the plan."),
    _R.RETRIED: Words(Tone.DONE, "Retrying."),
    _R.RESTORED: Words(Tone.DONE, "Returning to what the base branch pins."),
    _R.REPAIRED: Words(Tone.DONE, "Restoring what was removed or changed by hand; everything else stays as it is."),
    _R.ROLLED_BACK: Words(Tone.DONE, "Rolling back to an earlier successful commit."),
    _R.PIN_BACK_ONLY: Words(
        Tone.DONE,
        "No node runs this any more: each was rolled back individually. A pull request moves the pin back as well.",
    ),
    _R.LOCK_TAKEN: Words(
        Tone.DONE,
        "Locked for this pull request.",
        "The lock ends with `{lead}unlock`, or when the pull request is closed.",
    ),
    _R.UNLOCKED: Words(Tone.DONE, "Unlocked."),
    _R.HELD: Words(Tone.DONE, "Bumps are on hold.", "`{lead}resume` ends the hold."),
    _R.RESUMED: Words(Tone.DONE, "Bumps resume."),
    _R.ALREADY_THERE: Words(
        Tone.HUH,
        "Nothing to do: {about} already runs this.",
        "`{lead}deploy` with the node's name restores what was removed or changed on it by hand.",
    ),
    _R.UNDER_WAY: Words(Tone.HUH, "Nothing to do: this order is already under way on {about}."),
    _R.NOTHING_TO_ROLL_BACK: Words(
        Tone.HUH,
        "Nothing to roll back: no node runs anything from this pull request.",
        "`{lead}status` shows what each node runs.",
    ),
    _R.NOTHING_FAILED: Words(
        Tone.HUH, "Nothing to retry: no node's newest order is a failed one from this pull request."
    ),
    _R.NOT_LOCKED: Words(Tone.HUH, "Nothing to unlock: there is no such lock.", "`{lead}status` lists the locks."),
    _R.ALREADY_HELD: Words(Tone.HUH, "Bumps are already on hold, by {about}.", "`{lead}resume` ends the hold."),
    _R.NOT_HELD: Words(Tone.HUH, "Nothing to resume: there is no hold, and nothing was rolled back."),
    _R.MISREAD: Words(Tone.HUH, "Unknown command.", "`{lead}help` lists them."),
    _R.UNKNOWN_NAME: Words(Tone.HUH, "There is no node or stack named {about}.", "Write nodes first, then stacks."),
    _R.UNKNOWN_WAVE: Words(Tone.HUH, "There is no wave {about}.", "`{lead}status` shows the nodes of each wave."),
    _R.NAME_TARGETS: Words(
        Tone.HUH, "Which node? The fleet has {about}.", "Name the nodes, or write `all`, or `wave` and its number."
    ),
    _R.LOCK_NEEDS_REASON: Words(Tone.HUH, "A lock needs a reason.", "Write it after the nodes."),
    _R.TO_BEFORE_MERGE: Words(
        Tone.HUH, "Before the merge, a node can only return to what the base branch pins.", "Leave out `to`."
    ),
    _R.AMBIGUOUS_COMMIT: Words(Tone.HUH, "Several successful commits begin with {about}.", "Write more digits."),
    _R.NOT_A_GOOD_COMMIT: Words(
        Tone.HUH,
        "This commit was never deployed successfully on this node: {about}.",
        "`{lead}status` lists the commits that a rollback may go to.",
    ),
    _R.TOO_OLD: Words(
        Tone.NO,
        "This comment is more than an hour old, so it is not carried out.",
        "Check the current state, then comment again.",
    ),
    _R.PERMISSION_UNKNOWN: Words(
        Tone.NO, "Could not read your permissions from GitHub, so this is refused.", "Try again later."
    ),
    _R.NOT_ALLOWED: Words(
        Tone.NO,
        "You are not allowed to use this command here.",
        "It needs `write` permission, unless `commands.who` in the fleet file says otherwise. Further commands from "
        "you are ignored for ten minutes.",
    ),
    _R.TOO_MANY: Words(
        Tone.NO,
        "You have sent more than 30 commands in ten minutes.",
        "This one was ignored; try again in ten minutes.",
    ),
    _R.NOT_ALLOWED_ON_NODE: Words(
        Tone.NO, "You are not allowed to change {about}.", "`nodes.NAME.who` in the fleet file says who is."
    ),
    _R.BREAK_GLASS_NOT_ALLOWED: Words(
        Tone.NO,
        "`because` overrides rules, and you are not allowed to do that.",
        "`commands.break_glass` in the fleet file says who is. Without `because` the usual rules apply.",
    ),
    _R.NOT_YOUR_LOCK: Words(
        Tone.NO, "Somebody else holds the lock on {about}.", "Its owner or an admin can unlock it."
    ),
    _R.LOCKED: Words(
        Tone.NO,
        "{about} is locked for another pull request.",
        "Wait until that is closed, or ask the owner of the lock for `{lead}unlock`.",
    ),
    _R.IN_REVIEW: Words(
        Tone.NO,
        "A command in a review is not carried out.",
        "Of a review, GitHub does not say whether an app wrote it in your name. Write the command as a comment.",
    ),
    _R.NOT_A_FLEET: Words(
        Tone.NO,
        "This repository is not a fleet.",
        "Comment on the pull request that moves the pin in the fleet's repository.",
    ),
    _R.FLEET_FILE_BROKEN: Words(
        Tone.NO,
        "The fleet file on the base branch cannot be read, so every command is refused.",
        "The check `aios/fleet-file` on its newest commit lists what to fix.",
    ),
    _R.NO_NODES: Words(Tone.NO, "The fleet file lists no nodes.", "Add them under `nodes:` on the base branch."),
    _R.PULL_UNKNOWN: Words(Tone.NO, "No open pull request has this commit as its head."),
    _R.PULL_ENDED: Words(Tone.NO, "This pull request is closed.", "Comment on an open one."),
    _R.FROM_FORK: Words(
        Tone.NO,
        "The commits come from a fork, so they are not deployed before they are merged.",
        "Somebody with write permission can review them and push them to a branch of this repository.",
    ),
    _R.TOUCHES_CONTROL: Words(
        Tone.NO,
        "This pull request changes files that control deployment: {about}. It is not deployed before it is merged.",
        "Move the change of these files to a separate pull request.",
    ),
    _R.NO_PIN_MOVED: Words(Tone.NO, "This pull request moves no pin, so there is nothing to plan or deploy."),
    _R.SEVERAL_PINS: Words(
        Tone.NO, "This pull request moves several pins: {about}.", "Use a separate pull request for each."
    ),
    _R.SUPERSEDED: Words(
        Tone.NO,
        "The base branch has since moved this pin again.",
        "Comment on the newest pull request; `{lead}rollback NODE to COMMIT` also works here.",
    ),
    _R.NO_GOOD_COMMIT: Words(
        Tone.NO, "No earlier commit was deployed successfully.", "Deploy one by a pull request."
    ),
    _R.NO_PLAN: Words(Tone.NO, "There was no plan to deploy.", "It is being made now. Read it, then comment again."),
    _R.PLAN_UNKNOWN: Words(
        Tone.NO, "{about} is not the plan of this pull request.", "Read the newest plan, and comment with its id."
    ),
    _R.PLAN_CHANGED: Words(
        Tone.NO, "The plan changed after your comment: it is {about} now.", "Read it, then comment again."
    ),
    _R.HEAD_MOVED: Words(
        Tone.NO, "The head moved after the plan was made.", "A new plan is being made. Read it, then comment again."
    ),
    _R.BASE_MOVED: Words(
        Tone.NO,
        "The base branch moved after the plan was made.",
        "A new plan is being made. Read it, then comment again.",
    ),
    _R.PIN_MOVED: Words(
        Tone.NO,
        "The pin is not the one that the plan was made for.",
        "A new plan is being made. Read it, then comment again.",
    ),
    _R.CONFLICTS: Words(Tone.NO, "This pull request conflicts with the base branch.", "Resolve the conflict first."),
    _R.REVIEW_MISSING: Words(Tone.NO, "A required review is missing.", "Request one."),
    _R.CHANGES_REQUESTED: Words(Tone.NO, "A reviewer requested changes.", "Make them, or have the review dismissed."),
    _R.CHECKS_FAILED: Words(Tone.NO, "A required check failed.", "Fix what the check reports."),
    _R.CHECKS_PENDING: Words(Tone.NO, "A required check is still running.", "Comment again when it has finished."),
    _R.VERDICT_UNKNOWN: Words(
        Tone.NO, "GitHub has not reported whether this can be merged, so the command is refused.", "Try again later."
    ),
}
"""One for each reason, in the order of the list."""
