"""Sections on what a bump includes: its commits, and the changed files that affect nothing. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bot.domain.names import short
from bot.plan.model import Plan
from bot.plan.report.links import Links
from bot.plan.report.sections import NOTHING, one_line
from bot.text import markdown as md
from bot.text.budget import Section, Variant
from bot.text.counts import plural

_COMMITS_SHORT = 10
_MAX_FILES = 200


def commits(plan: Plan, links: Links) -> Section:
    """Render the commits with their links, and the comparison on GitHub."""
    if not plan.commits_total:
        return NOTHING
    compare = links.compare(plan, "compare")
    head = plural(plan.commits_total, "commit") + (f" ({compare})" if compare else "")

    def shown(most: int, _budget: int) -> Variant:
        lines = [
            f"- {links.commit(c.sha, f'`{short(c.sha)}`')} {one_line(c.subject, 120) or '(no subject)'}"
            f", by {one_line(c.author, 40) or 'unknown'}"
            for c in plan.commits[:most]
        ]
        if plan.commits_total > len(lines):
            lines.append(f"- and {plan.commits_total - len(lines)} more")
        left_out = f"{plural(len(plan.commits) - most, 'commit')} of the list" if most < len(plan.commits) else ""
        return Variant(md.fold(head, "\n".join(lines)), left_out)

    variants: list[Callable[[int], Variant]] = [partial(shown, len(plan.commits)), partial(shown, _COMMITS_SHORT)]
    return Section((*variants, lambda _budget: Variant(head, "the list of commits")))


def files(plan: Plan) -> Section:
    """Render the changed files that no running service reads."""
    without, total = plan.files_without_effect, len(plan.files_changed)
    if not without:
        return NOTHING
    every = "the only changed file" if total == 1 else f"all {total} changed files" if len(without) == total else ""
    head = every or f"{len(without)} of {total} changed files"
    lead = f"{head[0].upper()}{head[1:]} {'affects' if len(without) == 1 else 'affect'} no running service"

    def listed(budget: int) -> Variant:
        del budget
        lines = [f"- {md.code(md.cut(path, 160))}" for path in without[:_MAX_FILES]]
        lines += [f"- and {len(without) - _MAX_FILES} more"] if len(without) > _MAX_FILES else []
        return Variant(md.fold(lead, "\n".join(lines)))

    return Section((listed, lambda _budget: Variant(f"{lead}.", "the names of files without effect")))
