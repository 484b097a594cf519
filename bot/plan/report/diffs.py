"""The diffs of a plan's report: of files that services read, and of each changed service. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from bot.domain.names import NodeName
from bot.plan.model import FileDiff, Plan
from bot.plan.report.rows import find_rows
from bot.plan.report.sections import NOTHING, joined, nodes_in_words, take_within
from bot.protocol.action import Action
from bot.text import markdown as md
from bot.text.budget import Section, Variant
from bot.text.counts import plural

_MAX_OPEN = 24  # lines of all files together that are shown without a click
_MAX_NAMES = 5


def files(plan: Plan) -> Section:
    """Render the changed files that services read, each with its diff; then only their names."""
    if not plan.file_diffs:
        return NOTHING
    is_short = sum(one.diff.count("\n") + 1 for one in plan.file_diffs if one.diff) <= _MAX_OPEN

    def named(budget: int) -> Variant:
        lead = f"{plural(len(plan.file_diffs), 'changed file')} that services read"
        names = [md.code(md.cut(one.path, 160)) for one in plan.file_diffs[:_MAX_NAMES]]
        kept = list(take_within(names, budget - len(lead) - 20))
        more = f" and {len(plan.file_diffs) - len(kept)} more" if len(plan.file_diffs) > len(kept) else ""
        return Variant(f"{lead}: {', '.join(kept)}{more}." if kept else f"{lead}.", "the diffs of files")

    return Section((lambda _budget: Variant(joined(_file(one, is_open=is_short) for one in plan.file_diffs)), named))


def _file(one: FileDiff, *, is_open: bool) -> str:
    name = md.code(md.cut(one.path, 160))
    if not one.diff:
        return f"{name} changed; it {md.text(one.note)}."
    lines = one.diff.splitlines()
    counts = f"+{sum(line[:1] == '+' for line in lines)} −{sum(line[:1] == '-' for line in lines)}"
    after = f"\n\n… and {md.text(one.note)}" if one.note else ""
    return md.fold(f"{name} {counts}", md.fence(one.diff, "diff") + after, is_open=is_open)


def folds(plan: Plan) -> Section:
    """Render a fold for each stack with the diffs of its services; without context, then stack by stack."""
    stacks = _diffs_by_stack(plan)
    if not stacks:
        return NOTHING

    def some(budget: int) -> Variant:
        folds = [_fold(name, services, context=False) for name, services in stacks.items()]
        kept = list(take_within(folds, budget))
        dropped = list(stacks)[len(kept) :]
        if not dropped:
            return Variant(joined(kept), "the context of the diffs")
        names = ", ".join(md.code(name) for name in dropped)
        named = f" ({names})" if len(names) < 200 else ""
        return Variant(joined(kept), f"the diffs of {plural(len(dropped), 'stack')}{named}")

    def all_of_them(budget: int, *, context: bool) -> Variant:
        del budget  # either they fit or the next variant is tried
        folds = [_fold(name, services, context=context) for name, services in stacks.items()]
        return Variant(joined(folds), "" if context else "the context of the diffs")

    return Section((partial(all_of_them, context=True), partial(all_of_them, context=False), some))


def _diffs_by_stack(plan: Plan) -> dict[str, list[tuple[str, list[NodeName], str]]]:
    """For each stack its different (service, nodes, diff), in the order of the table."""
    found: dict[str, dict[tuple[str, str], list[NodeName]]] = {row.stack: {} for row in find_rows(plan)}
    for node in plan.nodes:
        for stack in node.stacks:
            for service in stack.services:
                if service.diff and stack.stack in found and service.action is not Action.NONE:
                    found[stack.stack].setdefault((service.service, service.diff), []).append(node.node)
    return {
        stack: [(service, nodes, diff) for (service, diff), nodes in services.items()]
        for stack, services in found.items()
        if services
    }


def _fold(stack: str, services: Sequence[tuple[str, list[NodeName], str]], *, context: bool) -> str:
    names = list(dict.fromkeys(md.text(md.cut(service, 60)) for service, _, _ in services))
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    body = []
    for service, nodes, diff in services:
        several = sum(service == other for other, _, _ in services) > 1
        title = f"{md.code(service)}{f' on {nodes_in_words(nodes)}' if several else ''}"
        body.append(f"{title}\n\n{md.fence(diff if context else without_context(diff), 'diff')}")
    return md.fold(f"{md.code(stack)}: {shown}", "\n\n".join(body))


def without_context(diff: str) -> str:
    """Keep only the changed lines of a unified diff, and its headers."""
    return "\n".join(line for line in diff.splitlines() if re.match(r"[-+@]", line))
