"""The title and body of a bump pull request. Pure."""

from __future__ import annotations

import re

import msgspec

from bot.domain.names import CommitSha, PlanId, short
from bot.domain.values import StoredValue
from bot.plan.model import Plan
from bot.plan.report import sections
from bot.plan.report.links import Links
from bot.plan.report.rows import summarise
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


def render_title(plan: Plan) -> str:
    """One line: from, to, and what it does."""
    start = f"from {short(plan.old)} " if plan.old else ""
    return f"Bump {plan.submodule} {start}to {short(plan.new)}: {summarise(plan)}"[:TITLE_LIMIT]


def render_body(plan: Plan, links: Links, *, limit: int = LIMIT) -> str:
    """The whole body within `limit` characters (at least LEAST); what had to be left out is said."""
    footer = _footer(plan, links)
    return f"{render_plan(plan, links, limit=limit - len(footer) - 2)}\n\n{footer}"


def render_plan(plan: Plan, links: Links, *, limit: int, brought: bool = True) -> str:
    """Headline, table, what could not be told, diffs, commits, files: as full as `limit` allows.

    Over the limit the diffs lose their context, then whole stacks, and the lists get shorter; then the table's rows
    do, down to names, and at last they are counted. `brought`: also the commits and files, where they are not there
    to be seen anyway.
    """
    table, errors, missing, diffs, commits, files = range(1, 7)
    pieces = [
        fixed(sections.headline(plan)),
        sections.table(plan, links),
        sections.errors(plan, links),
        sections.missing(plan),
        sections.diffs(plan),
        sections.commits(plan, links) if brought else sections.NOTHING,
        sections.files(plan) if brought else sections.NOTHING,
    ]
    order = (diffs, commits, files, diffs, commits, errors, missing, table, table, table)
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
