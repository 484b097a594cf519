"""Why the bot holds a bump back, in words. Pure."""

from __future__ import annotations

from bot.domain.names import CommitSha, SubmodulePath, short
from bot.features.bump.decide import BumpReason
from bot.text import markdown as md

_NOTES = {
    BumpReason.UP_TO_DATE: "The pin caught up: {base} already pins what this proposed. Closing.",
    BumpReason.NOT_A_DESCENDANT: (
        "Not proposing {tip}: it does not descend from the pin {pin}. Upstream's history was rewritten, or the pin "
        "comes from another branch. Move the pin by hand once, after looking at what was lost."
    ),
    BumpReason.BRANCH_MISSING: "Upstream no longer has the tracked branch. Name another one in the fleet file.",
    BumpReason.PEOPLE_ON_BRANCH: (
        "This branch is left alone: {people} committed to it. Merge or close the pull request, or delete the branch, "
        "and the bot goes on."
    ),
    BumpReason.ON_HOLD: "Held by a person: this stays as it is until somebody says `/resume`.",
    BumpReason.CHECKS_PENDING: "Waiting for upstream's own checks on {tip}.",
    BumpReason.CHECKS_FAILED: "Upstream's own checks failed on {tip}; waiting for a commit that passes.",
}


def render_note(
    reason: BumpReason, submodule: SubmodulePath, *, pin: CommitSha, tip: CommitSha | None, people: tuple[str, ...]
) -> str:
    """Why there is nothing new, in words for a person."""
    said = _NOTES[reason].format(
        pin=md.code(short(pin)),
        tip=md.code(short(tip)) if tip else "the tip",
        people=", ".join(md.text(name) for name in people),
        base="the base branch",
    )
    return f"`{submodule}`: {said}"
