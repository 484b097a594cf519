"""The notes of bumps, the comments under an upstream's pull requests and the documents of hubs, in full."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bot.domain.names import BranchName, CommitSha, NodeName, RepoName, StackName, SubmodulePath
from bot.features.bump.decide import BumpReason
from bot.features.bump.text import TITLE_LIMIT, render_note, render_title
from bot.features.hub.text import DeployedView, FleetView, HubNodeView, HubView, PinView, render_documents
from bot.features.upstream.text import (
    FleetPlan,
    UpstreamView,
    render_upstream_check,
    render_upstream_comment,
    summarise_upstream,
)
from bot.fleetfile import Platform
from bot.plan.model import Plan
from bot.plan.report.check import CheckText
from bot.plan.report.links import Links
from bot.protocol.action import Action
from tests import plans

HOSTILE = 'a"b|c<d>_e_`f`'
OLD, NEW, OTHER = (CommitSha(digit * 40) for digit in "abc")
NOTED = (
    BumpReason.UP_TO_DATE,
    BumpReason.NOT_A_DESCENDANT,
    BumpReason.BRANCH_MISSING,
    BumpReason.PEOPLE_ON_BRANCH,
    BumpReason.ON_HOLD,
    BumpReason.CHECKS_PENDING,
    BumpReason.CHECKS_FAILED,
)


def render_bumps() -> str:
    """The titles of bumps, then each note, with and without a tip."""
    long = plans.plan(plans.node("N", *(plans.stack(f"s{n}", plans.service("a", Action.CREATE)) for n in range(2))))
    first = msgspec.structs.replace(plans.plan(), old=None)
    lines = [render_title(one) for one in (plans.small(), plans.nothing(), long, first)]
    deep = msgspec.structs.replace(plans.plan(), submodule=SubmodulePath("s" * TITLE_LIMIT))
    lines.append(f"{len(render_title(deep))} characters: {render_title(deep)[-30:]}")
    for tip in (NEW, None):
        lines += [
            render_note(reason, SubmodulePath("server"), pin=OLD, tip=tip, people=("ada", HOSTILE))
            for reason in NOTED
        ]
    return "\n".join(lines)


def _seen(*shown: Plan, broken: int = 0, links: Links = plans.LINKS) -> UpstreamView:
    return UpstreamView(
        base=BranchName("main"),
        fork=OLD,
        head=NEW,
        plans=tuple(
            FleetPlan(fleet=RepoName(f"owner/fleet{n}"), base=BranchName("stable"), plan=plan, links=links)
            for n, plan in enumerate(shown)
        ),
        broken=tuple(RepoName(f"owner/broken{n}") for n in range(broken)),
    )


def _check(check: CheckText) -> str:
    notes = [f"{a.level} {a.path}:{a.line} {a.message}" for a in check.annotations]
    return "\n\n".join([f"{check.conclusion}: {check.title}", check.summary, check.text, *notes])


SEEN = {
    "one that changes nothing": _seen(plans.nothing()),
    "two of which one changes": _seen(plans.small(), plans.nothing()),
    "two that change": _seen(plans.small(), plans.small(), broken=1),
    "nothing but a stack that cannot be read": _seen(plans.plan(plans.node("N", plans.stack("s", error="no")))),
    "a change, and a stack that cannot be read": _seen(plans.small(), plans.unreadable()),
    "a risk without a restart": _seen(
        plans.plan(plans.node("N", plans.stack("s", plans.service("a"), risks=(plans.risk(),))))
    ),
    "no fleet that can be planned for": _seen(broken=11),
}


def render_upstreams() -> str:
    """Each view as comment and check, then how many fleets are shown within ever more characters."""
    lines = []
    for name, view in SEEN.items():
        lines += [f"===== {name}: {summarise_upstream(view)}", render_upstream_comment(view)]
        lines += [f"=== check of {name}", _check(render_upstream_check(view))]
    lines.append("===== ten fleets within so many characters")
    ten = _seen(*[plans.small()] * 10)
    for limit in (2_000, 4_900, 5_000, 7_000, 16_000, 24_000, 65_536):
        comment = render_upstream_comment(ten, limit=limit)
        left_out = [line for line in comment.splitlines() if line.endswith("left out for length._")]
        shown = sum(line.startswith("### ") for line in comment.splitlines())
        lines.append(f"{limit}: {len(comment)} characters, {shown} shown; {''.join(left_out)}")
    return "\n\n".join(lines)


def _pin(base: str, submodule: str, pin: CommitSha, *stacks: str) -> PinView:
    return PinView(
        base=BranchName(base),
        submodule=SubmodulePath(submodule),
        upstream=RepoName(f"o/{submodule}"),
        pin=pin,
        stacks=tuple(StackName(stack) for stack in stacks),
    )


def _done(submodule: str, pin: CommitSha | None, state: str) -> DeployedView:
    return DeployedView(submodule=SubmodulePath(submodule), pin=pin, state=state, at="2026-11-24T07:00:00Z")


def _machine(name: str, platform: Platform, stacks: tuple[str, ...], *done: DeployedView) -> HubNodeView:
    names = tuple(StackName(stack) for stack in stacks)
    return HubNodeView(name=NodeName(name), platform=platform, stacks=names, deployed=done)


MANY = tuple(f"stack{n}" for n in range(10))
FLEETS = (
    FleetView(
        repo=RepoName("o/aios-linux"),
        pins=(_pin("main", "server", NEW, "ingress", *MANY), _pin("main", "tools", OTHER, "lab")),
        nodes=(
            _machine("PI", Platform.LINUX, ("ingress", "lab"), _done("server", OLD, "success")),
            _machine("NAS", Platform.LINUX, MANY, _done("server", None, "in_progress"), _done("other", OLD, "error")),
        ),
        optional=("docs/**", "notes/*|x"),
        auto_merge=True,
    ),
    FleetView(
        repo=RepoName("o/aios-win"),
        pins=(_pin("main", "server", NEW, "ingress"), _pin("stable", "server", OLD, "ingress")),
        nodes=(
            _machine("HP_LAB", Platform.WINDOWS, ("ingress",), _done("server", NEW, HOSTILE)),
            _machine("PHONE", Platform.ANDROID, ("ingress",)),
            _machine(HOSTILE, Platform.ANDROID, ()),
        ),
        required=("scripts/**",),
        optional=("docs/**",),
    ),
    FleetView(repo=RepoName("o/AIOS"), pins=(_pin("main", "tools", OTHER, "lab"),), nodes=(), auto_merge=True),
)


def render_hubs() -> str:
    """The documents of a hub with three fleets (it is one itself), of one without fleets, and of one machine."""
    lines = []
    states = ("success", "inactive", "failure", "error", "in_progress", "queued", "pending")
    each = tuple(_machine(state, Platform.LINUX, ("ingress",), _done("server", NEW, state)) for state in states)
    states_only = FleetView(repo=RepoName("o/states"), pins=(_pin("main", "server", NEW, "ingress"),), nodes=each)
    for name, fleets in {"three fleets": FLEETS, "none": (), "every state": (states_only,)}.items():
        documents = render_documents(HubView(hub=RepoName("o/AIOS"), web="https://github.com", fleets=fleets), {})
        for path, text in documents.items():
            lines += [f"===== {name}: {path}", text]
    return "\n".join(lines)


FEATURES: dict[str, Callable[[], str]] = {
    "bump-notes.md": render_bumps,
    "upstream-pulls.md": render_upstreams,
    "hub-documents.md": render_hubs,
}
