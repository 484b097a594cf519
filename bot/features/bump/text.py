"""The title and body of a bump pull request. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from bot.domain.names import BranchName, CommitSha, NodeName, PlanId, PullNumber, SubmodulePath, short
from bot.domain.values import StoredValue, Value
from bot.domain.verbs import PREFIX, Verb, spell_verb
from bot.features.bump.decide import BumpReason
from bot.plan.model import Plan
from bot.plan.report import diffs, included, sections
from bot.plan.report.check import LIMIT as CHECK_LIMIT
from bot.plan.report.check import CheckText, render_check
from bot.plan.report.links import Links
from bot.plan.report.rows import count, summarise, unreadable_stacks
from bot.text import markdown as md
from bot.text import markers
from bot.text.budget import fit, fixed
from bot.text.counts import plural

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
    """Headline, what could not be analysed, table, diffs of files and services, commits, files: as `limit` allows.

    Over the limit the diffs lose their context, then whole stacks, and the lists get shorter; then the table's rows
    do, down to names, and at last they are counted. `brought`: also the files and commits, where they are not there
    to be seen anyway.
    """
    errors, table, missing, read, differ, commits, files = range(1, 8)
    pieces = [
        fixed(sections.headline(plan)),
        sections.errors(plan, links),
        sections.table(plan, links),
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
    said = f"{_deploys(plan)} Plan `{plan.id}`, made on base `{short(plan.base)}`{page}."
    return f"{said}\n\n{markers.PLAN} {marker} -->"


def _deploys(plan: Plan) -> str:
    """What the merge leads to: a node with a stack that could not be analysed gets no order."""
    left_out = {node.node for node, _ in unreadable_stacks(plan)}
    if not left_out:
        return "Merging deploys this."
    rest = len(plan.nodes) - len(left_out)
    if not rest:
        return "Merging deploys nothing: fix the stacks that could not be analysed first."
    return f"Merging deploys this to {rest} of {plural(len(plan.nodes), 'node')}."


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
        "and the bot resumes."
    ),
    BumpReason.RETARGETED: (
        "The base of this pull request was changed. It proposes nothing for the new one, and no second one is opened "
        "from the same branch: set its base back to {base}, or close it."
    ),
    BumpReason.ON_HOLD: "On hold: nothing changes here until someone comments `{resume}`.",
    BumpReason.CHECKS_PENDING: "Waiting for upstream's own checks on {tip}.",
    BumpReason.CHECKS_FAILED: "Upstream's own checks failed on {tip}; waiting for a commit that passes.",
}


def render_note(
    reason: BumpReason,
    submodule: SubmodulePath,
    *,
    pin: CommitSha,
    tip: CommitSha | None,
    people: tuple[str, ...],
    prefix: str = PREFIX,
) -> str:
    """Why there is nothing new, in words for a person."""
    said = _NOTES[reason].format(
        pin=md.code(short(pin)),
        tip=md.code(short(tip)) if tip else "the tip",
        people=", ".join(md.text(name) for name in people),
        base="the base branch",
        resume=spell_verb(Verb.RESUME, prefix=prefix),
    )
    return f"`{submodule}`: {said}"


def render_left_note(base: BranchName) -> str:
    """Why an earlier bump is closed, in words for a person."""
    return (
        f"{md.code(md.cut(base, 200))} no longer pins anything that this would move: the submodule was removed or "
        "moved, or the base branch was renamed. Closing; what is pinned now gets a pull request of its own."
    )


class GroupPlan(Value, frozen=True):
    """The plan of one pin that a merge group moves; `beyond`: in what it does more than the pull request shows."""

    plan: Plan
    beyond: tuple[str, ...]
    links: Links


_GRAVER = ("failure", "neutral", "success")  # of two conclusions, the one that counts
_MOST_LINES = 20


def render_group_check(
    plans: Sequence[GroupPlan], *, number: PullNumber, added: Sequence[NodeName] = ()
) -> CheckText:
    """The check on a merge group's commit, which is made of pull request `number` and adds the nodes `added`."""
    if not plans:
        return render_no_pin(added=added)
    checks = [_render_group_plan(one, number=number, limit=CHECK_LIMIT // len(plans)) for one in plans]
    worst = min(checks, key=lambda check: _GRAVER.index(check.conclusion))
    return replace(
        worst,
        summary="\n\n".join(check.summary for check in checks),
        text="\n\n".join(check.text for check in checks if check.text),
    )


def render_no_pin(*, added: Sequence[NodeName] = (), unfollowed: BranchName | None = None) -> CheckText:
    """The check on a pull request that moves no pin. `added`: the nodes that the fleet file gets with it.

    `unfollowed`: the branch that it is for, when nothing is deployed from that one.
    """
    if unfollowed is not None:
        name = md.code(md.cut(unfollowed, 200))
        title, summary = "Deploys nothing", f"Nothing is deployed from {name}: no base of this fleet has that name."
    elif added:
        more = [f"and {len(added) - _MOST_LINES} more"] if len(added) > _MOST_LINES else []
        names = ", ".join([*(md.code(name) for name in added[:_MOST_LINES]), *more])
        title = f"Moves no pin, adds {len(added)} node{'s' if len(added) > 1 else ''}"
        summary = f"Moves no pin. These nodes will be deployed at the branch's pin once this is merged: {names}."
    else:
        title = "Moves no pin"
        summary = f"{title}: merging deploys nothing."
    return CheckText(title=title, summary=summary, text="", conclusion="success")


def render_unplanned(lines: Sequence[str]) -> CheckText:
    """The check on a pull request whose merge cannot be deployed; `lines` say why, in Markdown."""
    listed = _list(lines)
    summary = f"The result of this merge cannot be planned:\n\n{listed}"
    return CheckText(title="Cannot be planned", summary=summary, text="", conclusion="failure")


def _render_group_plan(one: GroupPlan, *, number: PullNumber, limit: int) -> CheckText:
    check = render_check(one.plan, one.links, limit=limit - _BEYOND_LIMIT)
    if not one.beyond:
        return check
    title = f"Goes beyond the plan that #{number} shows"
    return replace(
        check,
        title=title,
        summary=f"{title}:\n\n{_beyond(one)}\n\n{check.summary}",
        conclusion="failure",
    )


_BEYOND_LIMIT = 5_000  # characters of the list of what goes beyond a plan, and the words around it


def _beyond(one: GroupPlan) -> str:
    return _list([md.text(md.cut(line, 200)) for line in one.beyond])


def _list(lines: Sequence[str]) -> str:
    """The first of `lines`, which are Markdown, and how many more there are."""
    more = len(lines) - _MOST_LINES
    return "\n".join([*(f"- {line}" for line in lines[:_MOST_LINES]), *([f"- and {more} more"] if more > 0 else [])])


def render_group_note(plans: Sequence[GroupPlan]) -> str:
    """Why the merge queue will put the pull request out, and what to do."""
    parts = []
    for one in plans:
        found = count(one.plan)
        if one.beyond:
            parts.append(
                f"`{one.plan.submodule}`: merged on top of what is before it in the queue, it would do more than the "
                f"plan above shows:\n\n{_beyond(one)}"
            )
        elif found.unreadable:
            parts.append(f"`{one.plan.submodule}`: a stack of the merged commit cannot be analysed.")
    reason = (
        "The merge queue will remove this pull request: `aios/plan` failed on the commit that it made. Once what was "
        "before it is merged the plan here is made again; read it, and add the pull request to the queue again."
    )
    return "\n\n".join([reason, *parts])
