"""Every variant of every section of a report, at budgets from none to plenty, with what it says to have left out."""

from __future__ import annotations

from bot.domain.severity import Severity
from bot.fleetfile.problems import Problem
from bot.plan.model import Image, ImageKind, Plan
from bot.plan.report import diffs, included, sections
from bot.plan.report.check import render_fleet_file_problems
from bot.plan.report.links import Links
from bot.plan.report.rows import summarise
from bot.plan.report.text import render_json
from bot.protocol.action import Action
from bot.text.budget import Section
from tests import plans

BUDGETS = (0, 250, 700, 1_500, 5_000)


def crowded() -> Plan:
    """A little more of everything than is listed."""
    many = tuple(f"VARIABLE_{n}" for n in range(12))
    risks = (
        plans.risk(text="r" * 250, where=plans.at(3)),
        plans.risk(Severity.NOTICE, "a notice", where=plans.at(4, "fleet.yml")),
        plans.risk(Severity.INFO, "an info"),
    )
    changed = plans.service(
        "web", Action.RECREATE, *(f"cause {n} " + "c" * 250 for n in range(6)), risks=risks, diff=plans.DIFF
    )
    digest = Image(name="app@sha256:0", kind=ImageKind.DIGEST)
    stays = plans.service("stays", Action.NONE, risks=(plans.risk(Severity.NOTICE, "a notice"),), diff=plans.DIFF)
    new = plans.service("new", Action.CREATE, "new service", image=digest, diff="+a\n b\n\\ c")
    other = plans.service("web", Action.RECREATE, "cause", diff="@@ -1 +1 @@\n-a\n+b\n c")
    services = [plans.service(f"s{n}", Action.RESTART, "cause", diff="-a\n+b") for n in range(7)]
    stack = plans.stack("web", changed, stays, new, *services, risks=(plans.risk(text="of the stack"),))
    error = plans.stack("broken", error="one\ntwo", error_at=plans.at(7, "server/x.yml"))
    nodes = [
        plans.node("A", stack, error, plans.stack("late", new_variables=many, variables=many)),
        plans.node("B", stack, error, plans.stack("late", missing_variables=("M", "N"), new_variables=("M",))),
        plans.node("C", stack, error, plans.stack("worse", missing_variables=("M",), error="else")),
        plans.node("D", stack, error),
        plans.node("E", plans.stack("web", other, plans.service("gone", Action.REMOVE, "gone", diff="-a"))),
        plans.node("F", plans.stack("web", plans.service("web"))),
    ]
    files = tuple(f"docs/{n}" for n in range(205))
    commits = tuple(plans.commit(f"Change {n} " + "s" * 120, "a" * 50, f"{n:x}") for n in range(12))
    return plans.plan(
        *nodes, commits=commits, commits_total=15, files_changed=(*files, "x"), files_without_effect=files
    )


def _plans() -> dict[str, Plan]:
    reload = plans.service("a", Action.RELOAD, "x", signal="SIGHUP")
    other_reload = plans.service("b", Action.RELOAD, "x")
    one_file = {"files_changed": ("a",), "files_without_effect": ("a",)}
    return {
        "crowded": crowded(),
        "unreadable": plans.unreadable(),
        "reloads": plans.plan(plans.node("N", plans.stack("s", reload, other_reload)), **one_file),
        "reloads and unread": plans.plan(plans.node("N", plans.stack("s", reload), plans.stack("t", error="no"))),
        "one removed": plans.plan(
            plans.node("N", plans.stack("s", plans.service("a", Action.REMOVE, "x"))), commits=()
        ),
    }


def _section(section: Section) -> list[str]:
    lines = []
    for number, variant in enumerate(section.variants):
        seen = set()
        for budget in BUDGETS:
            made = variant(budget)
            if made not in seen:
                lines += [f"--- variant {number}, budget {budget}: {made.left_out or 'nothing left out'}", made.text]
                seen.add(made)
    return lines


def render_sections() -> str:
    """One part for each plan and section."""
    lines = []
    for name, plan in _plans().items():
        lines += [f"===== {name}: {summarise(plan)}", sections.headline(plan)]
        for what, section in {
            "table": sections.table(plan, plans.LINKS),
            "errors": sections.errors(plan, plans.LINKS),
            "missing": sections.missing(plan),
            "diffs": diffs.folds(plan),
            "commits": included.commits(plan, plans.LINKS),
            "commits without links": included.commits(plan, Links()),
            "files": included.files(plan),
        }.items():
            lines += [f"=== {what}", *_section(section)]
    lines += ["===== left out", sections.left_out(plans.LINKS)(("a", "b")), sections.left_out(Links())(("a",))]
    return "\n".join(lines)


def render_problems() -> str:
    """The check of a fleet file with one problem, and with more than are shown."""
    lines = []
    for count in (1, 200, 252):
        problems = [Problem(n + 1, f"problem {n} " + "p" * 2_100 * (n == 1)) for n in range(count)]
        check = render_fleet_file_problems("fleet.yml", problems)
        lines += [f"{check.conclusion}: {check.title}", check.summary, f"[{check.text}]"]
        lines += [str(note.as_github()) for note in (*check.annotations[:2], *check.annotations[249:])]
    return "\n".join(lines)


def render_plan_json() -> str:
    """A plan as JSON."""
    return render_json(plans.small())
