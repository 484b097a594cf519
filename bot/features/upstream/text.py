"""What a pull request of an upstream would do to the fleets that pin it: one comment and one check run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.domain.names import BranchName, CommitSha, RepoName, short
from bot.domain.severity import Severity
from bot.domain.values import Value
from bot.features.bump.text import LIMIT, render_plan
from bot.plan.model import Plan
from bot.plan.report.check import LIMIT as CHECK_LIMIT
from bot.plan.report.check import Annotation, CheckText, find_annotations, render_check_summary, render_check_text
from bot.plan.report.links import Links
from bot.plan.report.rows import count
from bot.plan.report.sections import ICONS
from bot.text import markdown as md
from bot.text import markers
from bot.text.budget import within_bytes
from bot.text.counts import plural

_LEAST = 1_800  # characters of one fleet's part; with a smaller budget fleets are only named
_JOINT = "\n\n"


class FleetPlan(Value, frozen=True):
    """What the pull request would do to one base branch of one fleet."""

    fleet: RepoName
    base: BranchName
    plan: Plan
    links: Links


class UpstreamView(Value, frozen=True):
    """A pull request of an upstream, seen from the fleets that follow its base branch."""

    base: BranchName  # of the pull request
    fork: CommitSha  # where it leaves the base
    head: CommitSha
    plans: tuple[FleetPlan, ...]
    broken: tuple[RepoName, ...] = ()  # fleets whose file is wrong: they cannot be planned for


def summarise_upstream(view: UpstreamView) -> str:
    """What happens, in a few words."""
    totals = [count(one.plan) for one in view.plans]
    risky = sum(total.severities[Severity.RISKY] for total in totals)
    unread = sum(total.unreadable for total in totals)
    restarts = [total for total in totals if total.restarts]
    parts = [f"{risky} risky"] if risky else []
    parts += [f"{plural(unread, 'stack')} not analysed"] if unread else []
    if restarts:
        services = plural(sum(total.services for total in restarts), "service")
        return ", ".join([f"{services} changed on {len(restarts)} of {plural(len(totals), 'fleet')}", *parts])
    return ", ".join([*parts, "nothing else restarts"] if unread else ["nothing restarts", *parts])


def render_upstream_comment(view: UpstreamView, *, limit: int = LIMIT) -> str:
    """The one comment under the pull request."""
    return _render(
        view,
        limit,
        lambda one, budget: render_plan(one.plan, one.links, limit=budget, brought=False),
        markers.UPSTREAM,
    )


def render_upstream_check(view: UpstreamView, *, limit: int = CHECK_LIMIT) -> CheckText:
    """The check run on the pull request's head; its annotations stand in the upstream's own files."""
    troubled = any(count(one.plan).unreadable or count(one.plan).severities[Severity.RISKY] for one in view.plans)
    return CheckText(
        title=summarise_upstream(view)[:255],
        summary=within_bytes(lambda most: _render(view, most, _render_summary), limit),
        text=within_bytes(lambda most: _render(view, most, _render_text, head=False), limit),
        conclusion="neutral" if troubled or view.broken else "success",
        annotations=_annotations([one.plan for one in view.plans]),
    )


def _render_summary(one: FleetPlan, limit: int) -> str:
    return render_check_summary(one.plan, one.links, limit=limit)


def _render_text(one: FleetPlan, limit: int) -> str:
    return render_check_text(one.plan, one.links, limit=limit)


def _annotations(plans: Sequence[Plan]) -> tuple[Annotation, ...]:
    found: dict[Annotation, None] = {}
    for plan in plans:
        inside = f"{plan.submodule}/"
        for one in find_annotations([plan]):
            if one.path.startswith(inside):
                path = one.path.removeprefix(inside)
                found[Annotation(path=path, line=one.line, level=one.level, message=one.message)] = None
    return tuple(found)


def _headline(view: UpstreamView) -> str:
    words = summarise_upstream(view)
    first, _, rest = words.partition(", ")
    icon = f"{ICONS[Severity.RISKY]} " if "risky" in rest else ""
    lead = f"**{first[0].upper()}{first[1:]}**" + (f", {icon}{rest}" if rest else "")
    who = f"{plural(len(view.plans), 'fleet')} follow{'s' * (len(view.plans) == 1)} {md.code(view.base)}"
    return f"{lead}. {who}; this is what merging would do there, compared with `{short(view.fork)}` where it starts."


def _render(
    view: UpstreamView,
    limit: int,
    render: Callable[[FleetPlan, int], str],
    marker: str = "",
    *,
    head: bool = True,
) -> str:
    """Every fleet's part, sharing the limit; those that do not fit are named, then counted."""
    broken = ", ".join(md.code(repo) for repo in view.broken[:10])
    tail = [f"**Could not plan** for {broken}: the fleet file there is wrong."] if broken else []
    tail += [marker] if marker else []
    first = [_headline(view)] if head else []
    budget = limit - sum(len(text) + len(_JOINT) for text in (*first, *tail)) - 200
    shown = view.plans[: max(1, budget // (_LEAST + 300))]
    parts: list[str] = []
    for index, one in enumerate(shown):
        title = f"### {md.code(one.fleet)} on {md.code(one.base)}"
        share = budget // (len(shown) - index)
        body = render(one, share - len(title) - 2 * len(_JOINT))
        if body:
            parts.append(f"{title}{_JOINT}{body}")
            budget -= len(parts[-1]) + len(_JOINT)
    if len(shown) < len(view.plans):
        parts.append(f"_{plural(len(view.plans) - len(shown), 'more fleet')}, left out for length._")
    return _JOINT.join([*first, *parts, *tail])
