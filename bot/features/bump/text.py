"""The title and body of a bump pull request. Pure."""

from __future__ import annotations

import re

import msgspec

from bot.domain.names import CommitSha, PlanId, SubmodulePath, short
from bot.domain.values import StoredValue
from bot.features.bump.decide import BumpReason
from bot.plan.model import Plan
from bot.plan.report import diffs, included, sections
from bot.plan.report.links import Links
from bot.plan.report.rows import summarise
from bot.text import markdown as md
from bot.text import markers
from bot.text.budget import fit, fixed

LIMIT = 65_536  # characters of a pull request's body, and of a comment
TITLE_LIMIT = 256
LEAST = 2_000  # characters that the shortest report may need
_MARKER = re.compile(rf"{re.escape(markers.PLAN)} (\{{[^<>]*\}}) -->")


class Marker(StoredValue, frozen=True):
    """What the body says to the bot itself."""

    id: PlanId
    old: CommitSha | None
    new: CommitSha


def render_title(plan: Plan, *, base: str = "") -> str:
    """One line: from, to, and what it does; `base` is the branch, where the fleet has several."""
    start = f"from {short(plan.old)} " if plan.old else ""
    where = f" on {base}" if base else ""
    return f"Bump {plan.submodule}{where} {start}to {short(plan.new)}: {summarise(plan)}"[:TITLE_LIMIT]


def render_body(plan: Plan, links: Links, *, limit: int = LIMIT) -> str:
    """The whole body within `limit` characters (at least LEAST); what had to be left out is said."""
    footer = _footer(plan, links)
    return f"{render_plan(plan, links, limit=limit - len(footer) - 2)}\n\n{footer}"


def render_plan(plan: Plan, links: Links, *, limit: int, brought: bool = True) -> str:
    """Headline, table, what could not be told, diffs of files and services, commits, files: as `limit` allows.

    Over the limit the diffs lose their context, then whole stacks, and the lists get shorter; then the table's rows
    do, down to names, and at last they are counted. `brought`: also the files and commits, where they are not there
    to be seen anyway.
    """
    table, errors, missing, read, differ, commits, files = range(1, 8)
    pieces = [
        fixed(sections.headline(plan)),
        sections.table(plan, links),
        sections.errors(plan, links),
        sections.missing(plan),
        diffs.files(plan) if brought else sections.NOTHING,
        diffs.folds(plan),
        included.commits(plan, links) if brought else sections.NOTHING,
        included.files(plan) if brought else sections.NOTHING,
    ]
    order = (differ, commits, files, read, differ, commits, errors, missing, table, table, table)
    return fit(pieces, limit, shorten=order, notice=sections.left_out(links))


def _footer(plan: Plan, links: Links) -> str:
    page = f" · {links.whole('the whole plan')}" if links.details else ""
    marker = msgspec.json.encode(Marker(id=plan.id, old=plan.old, new=plan.new)).decode()
    said = f"Merging deploys this. Plan `{plan.id}`, made on base `{short(plan.base)}`{page}."
    return f"{said}\n\n{markers.PLAN} {marker} -->"


def parse_marker(body: str) -> Marker | None:
    """What `render_body` left for the bot, or None."""
    found = _MARKER.search(body)
    try:
        return msgspec.json.decode(found.group(1), type=Marker) if found else None
    except msgspec.MsgspecError:
        return None


_NOTES = {
    BumpReason.UP_TO_DATE: "The pin caught up: {base} already pins what this proposed. Closing.",
    BumpReason.UPSTREAM_BEHIND: (
        "Upstream's branch went back to {tip}, which comes before the pin {pin}: there is nothing newer to propose. "
        "Closing; the nodes stay at the pin."
    ),
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
