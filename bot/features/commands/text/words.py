"""What each reason says to a person, and what to do about it. Pure; the reference page is made from it."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.values import Value
from bot.features.commands.decide.reasons import CommandReason


class Tone(StrEnum):
    """How a reply is meant, as the reaction that GitHub calls so."""

    DONE = "rocket"
    NO = "-1"
    HUH = "confused"  # not understood, or nothing to do


class Words(Value, frozen=True):
    """`said` may hold {about}: the names that the decision gives, as code. `cure` is what to do, if anything."""

    tone: Tone
    said: str
    cure: str = ""


_R = CommandReason
WORDS: dict[CommandReason, Words] = {
    _R.HELP: Words(Tone.DONE, "What can be said here"),
    _R.STATUS: Words(Tone.DONE, "How things stand"),
    _R.PLANNED: Words(Tone.DONE, "The plan was made anew."),
    _R.ORDERED: Words(Tone.DONE, "The plan is on its way."),
    _R.RETRIED: Words(Tone.DONE, "Once more."),
    _R.RESTORED: Words(Tone.DONE, "Back to what the base branch pins."),
    _R.ROLLED_BACK: Words(Tone.DONE, "Back to an earlier good commit."),
    _R.PIN_BACK_ONLY: Words(
        Tone.DONE, "No node runs this any more: each returned by itself. A pull request moves the pin back, too."
    ),
    _R.LOCK_TAKEN: Words(
        Tone.DONE, "Locked for this pull request.", "`/unlock` gives it back; so does the end of the pull request."
    ),
    _R.UNLOCKED: Words(Tone.DONE, "The lock is given back."),
    _R.HELD: Words(Tone.DONE, "The pin stays where it is.", "`/resume` lets it move again."),
    _R.RESUMED: Words(Tone.DONE, "The pin moves again."),
    _R.ALREADY_THERE: Words(Tone.HUH, "Nothing to do: {about} runs this already."),
    _R.UNDER_WAY: Words(Tone.HUH, "Nothing to do: this very order is on its way to {about}."),
    _R.NOTHING_TO_ROLL_BACK: Words(
        Tone.HUH,
        "Nothing to take back: no node runs anything of this pull request.",
        "`/status` shows who runs what.",
    ),
    _R.NOTHING_FAILED: Words(Tone.HUH, "Nothing to retry: no newest order of this pull request failed."),
    _R.NOT_LOCKED: Words(Tone.HUH, "Nothing to give back: there is no such lock.", "`/status` shows the locks."),
    _R.ALREADY_HELD: Words(Tone.HUH, "It is held already, by {about}.", "`/resume` ends that."),
    _R.NOT_HELD: Words(Tone.HUH, "Nothing to resume: nobody holds it, and nothing was rolled back."),
    _R.MISREAD: Words(Tone.HUH, "This is no command.", "`/help` lists them."),
    _R.UNKNOWN_NAME: Words(
        Tone.HUH, "The fleet has no node and the plan no stack called {about}.", "Nodes come first, then stacks."
    ),
    _R.UNKNOWN_WAVE: Words(Tone.HUH, "There is no wave {about}.", "`/status` shows the nodes of each wave."),
    _R.NAME_TARGETS: Words(
        Tone.HUH, "Which node? The fleet has {about}.", "Name them, or say `all`, or `wave` and its number."
    ),
    _R.LOCK_NEEDS_REASON: Words(Tone.HUH, "A lock needs its reason.", "Write it behind the nodes."),
    _R.TO_BEFORE_MERGE: Words(
        Tone.HUH, "Before the merge a node can only return to what the base branch pins.", "Leave `to` out."
    ),
    _R.AMBIGUOUS_COMMIT: Words(Tone.HUH, "Several good commits begin with {about}.", "Write more of its digits."),
    _R.NOT_A_GOOD_COMMIT: Words(
        Tone.HUH,
        "It is no commit that was good on this node: {about}.",
        "`/status` shows the good ones; a rollback goes to no other.",
    ),
    _R.TOO_OLD: Words(
        Tone.NO,
        "This was said more than an hour before it could be looked at.",
        "Look at how things are now, and say it again.",
    ),
    _R.PERMISSION_UNKNOWN: Words(
        Tone.NO, "GitHub does not say what you may do here, and that counts as nothing.", "Say it again later."
    ),
    _R.NOT_ALLOWED: Words(
        Tone.NO,
        "You may not say this here.",
        "It is for the permission `write` and higher, unless `commands.who` in the fleet file says otherwise.",
    ),
    _R.NOT_ALLOWED_ON_NODE: Words(
        Tone.NO, "You may not change {about}.", "`nodes.NAME.who` in the fleet file says who may."
    ),
    _R.BREAK_GLASS_NOT_ALLOWED: Words(
        Tone.NO,
        "`because` passes over rules, and you may not do that.",
        "`commands.break_glass` in the fleet file says who may. Without `because` the rules hold as for everybody.",
    ),
    _R.NOT_YOUR_LOCK: Words(
        Tone.NO, "The lock of {about} is another person's.", "Its owner or an admin can give it back."
    ),
    _R.LOCKED: Words(
        Tone.NO,
        "{about} is another pull request's for now.",
        "Wait for its end, or ask the owner of the lock for `/unlock`.",
    ),
    _R.NOT_A_FLEET: Words(
        Tone.NO,
        "This repository is no fleet.",
        "Say it in the pull request that moves the pin in a fleet's repository.",
    ),
    _R.FLEET_FILE_BROKEN: Words(
        Tone.NO,
        "The fleet file of the base branch cannot be read, so nobody may do anything.",
        "The check `aios/fleet-file` on its newest commit says where it is wrong.",
    ),
    _R.NO_NODES: Words(Tone.NO, "The fleet file names no nodes.", "Add them under `nodes:` on the base branch."),
    _R.PULL_UNKNOWN: Words(Tone.NO, "No pull request belongs to this any more."),
    _R.PULL_ENDED: Words(Tone.NO, "Too late: this pull request has ended.", "Say it in an open one."),
    _R.FROM_FORK: Words(
        Tone.NO,
        "The commits come from a fork: they are never deployed before they are merged.",
        "Somebody with write permission can push them to a branch of this repository, after looking at them.",
    ),
    _R.TOUCHES_CONTROL: Words(
        Tone.NO,
        "It changes files that decide what runs where: {about}. That is never deployed before it is merged.",
        "Put the change of these files into a pull request of its own.",
    ),
    _R.NO_PIN_MOVED: Words(Tone.NO, "This pull request moves no pin: there is nothing to plan or deploy."),
    _R.SEVERAL_PINS: Words(
        Tone.NO, "This pull request moves several pins: {about}.", "Deploy them by pull requests of their own."
    ),
    _R.SUPERSEDED: Words(
        Tone.NO,
        "The base branch has moved this pin again since.",
        "Say it in the newest pull request, or name a good commit with `to`.",
    ),
    _R.NO_GOOD_COMMIT: Words(
        Tone.NO, "There is no earlier commit that was good.", "Deploy one that is, by a pull request."
    ),
    _R.NO_PLAN: Words(Tone.NO, "There was no plan to deploy.", "It is made now. Read it, and say it again."),
    _R.PLAN_UNKNOWN: Words(
        Tone.NO, "{about} is not the plan that stands here.", "Read the newest one, and say it with its id."
    ),
    _R.PLAN_CHANGED: Words(
        Tone.NO, "The plan was made anew since you wrote: it is {about} now.", "Read it, and say it again."
    ),
    _R.HEAD_MOVED: Words(
        Tone.NO, "The head moved since the plan was made.", "It is made anew. Read it, and say it again."
    ),
    _R.BASE_MOVED: Words(
        Tone.NO, "The base branch moved since the plan was made.", "It is made anew. Read it, and say it again."
    ),
    _R.PIN_MOVED: Words(
        Tone.NO,
        "The pin is another than the plan was made for.",
        "It is made anew. Read it, and say it again.",
    ),
    _R.CONFLICTS: Words(Tone.NO, "It conflicts with the base branch.", "Resolve that first."),
    _R.REVIEW_MISSING: Words(Tone.NO, "A review that the branch requires is missing.", "Ask for it."),
    _R.CHANGES_REQUESTED: Words(Tone.NO, "A reviewer asked for changes.", "Make them, or have the review dismissed."),
    _R.CHECKS_FAILED: Words(Tone.NO, "A check that the branch requires failed.", "Mend what it tells."),
    _R.CHECKS_PENDING: Words(Tone.NO, "A check that the branch requires has not ended.", "Say it again when it has."),
    _R.VERDICT_UNKNOWN: Words(
        Tone.NO, "GitHub does not say whether this may be merged, and that counts as no.", "Say it again later."
    ),
}
"""One for each reason, in the order of the list."""
