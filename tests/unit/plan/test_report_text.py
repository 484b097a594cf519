"""A plan for a terminal: the words of the pull request, each line with its style."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.names import CommitSha, NodeName, PlanId, ServiceName, StackName, SubmodulePath
from bot.domain.severity import Severity
from bot.features.bump.text import render_body
from bot.plan.model import FileDiff, NodePlan, Plan, Reason, Risk, ServicePlan, StackPlan
from bot.plan.report.links import Links
from bot.plan.report.text import Line, Style, render_lines, render_text
from bot.protocol.action import Action

WEB = StackPlan(
    stack=StackName("web"),
    folder="server/stacks/web",
    files=("compose.yaml",),
    services=(
        ServicePlan(
            service=ServiceName("app"),
            action=Action.RESTART,
            reasons=(Reason(code="bind_content", text="a.conf changed"),),
            risks=(Risk(rule="exposure.file_guard", severity=Severity.RISKY, text="open"),),
        ),
        ServicePlan(service=ServiceName("db"), action=Action.RECREATE),
    ),
    missing_variables=("DOMAIN",),
    remarks=("an env file is not there",),
)
BROKEN = replace(WEB, stack=StackName("notes"), services=(), error="no such key", missing_variables=(), remarks=())
DIFFS = (FileDiff("server/a.conf", diff="@@ -1 +1 @@\n-a\n+b\n c"), FileDiff("server/logo.png", note="is not text"))


def plan(*stacks: StackPlan, nodes: tuple[str, ...] = ("HP",), diffs: tuple[FileDiff, ...] = ()) -> Plan:
    return Plan(
        id=PlanId("0123456789ab"),
        fleet=None,
        submodule=SubmodulePath("server"),
        upstream=None,
        base=CommitSha("c" * 40),
        old=CommitSha("a" * 40),
        new=CommitSha("b" * 40),
        nodes=tuple(NodePlan(node=NodeName(name), platform="linux", stacks=stacks) for name in nodes),
        file_diffs=diffs,
    )


def test_each_line_has_its_style_and_what_could_not_be_analysed_comes_first() -> None:
    lines = render_lines(plan(WEB, BROKEN, diffs=DIFFS))
    assert lines[0].style is Style.HEAD
    assert lines[0].text.startswith("server aaaaaaa..bbbbbbb: ")
    assert lines[1:] == (
        Line(""),
        Line("could not analyse HP / notes: no such key", Style.RISKY),
        Line("restart   HP / web / app", Style.RISKY),
        Line("          a.conf changed"),
        Line("          risky: open [exposure.file_guard]", Style.RISKY),
        Line("recreate  HP / web / db", Style.ACTION),
        Line("HP has no DOMAIN, needed by web", Style.NOTICE),
        Line("HP / web: an env file is not there", Style.FAINT),
        Line(""),
        Line("server/a.conf changed", Style.HEAD),
        Line("  @@ -1 +1 @@", Style.FAINT),
        Line("  -a", Style.REMOVED),
        Line("  +b", Style.ADDED),
        Line("   c", Style.FAINT),
        Line(""),
        Line("server/logo.png changed (is not text)", Style.HEAD),
    )


def test_the_plain_text_is_the_same_lines() -> None:
    shown = plan(WEB, BROKEN, diffs=DIFFS)
    assert render_text(shown) == "\n".join(line.text for line in render_lines(shown))
    cut = plan(WEB, diffs=(replace(DIFFS[0], note="12 more lines"),))
    assert "server/a.conf changed (and 12 more lines)" in render_text(cut).splitlines()


def test_a_path_is_shortened_to_the_stack_only_where_it_stays_true() -> None:
    """Of a mount's path on the node, only all that leads to the stack's folder may go."""
    texts = {
        "server/stacks/web/a.conf changed": "a.conf changed",
        "a, server/stacks/web/b changed": "a, b changed",
        "volumes /fleet/server/stacks/web/a:/a -> /fleet/server/stacks/b:/a": (
            "volumes ./a:/a -> /fleet/server/stacks/b:/a"
        ),
        "volumes: + /srv/fleet/server/stacks/web/a:/a": "volumes: + /srv/fleet/server/stacks/web/a:/a",
        "volumes: + C:/aios/server/stacks/web/a:/a": "volumes: + C:/aios/server/stacks/web/a:/a",
    }
    reasons = tuple(Reason(code="volumes", text=text) for text in texts)
    changed = replace(WEB, services=(replace(WEB.services[1], reasons=reasons),))
    assert [line.text.strip() for line in render_lines(plan(changed))[3:8]] == [*texts.values()]


def test_a_body_says_which_nodes_its_merge_deploys() -> None:
    assert "\nMerging deploys this. Plan" in render_body(plan(WEB), Links())
    nothing = "\nMerging deploys nothing: fix the stacks that could not be analysed first. Plan"
    assert nothing in render_body(plan(WEB, BROKEN), Links())
    two = plan(WEB, BROKEN, nodes=("A", "B"))
    half = replace(two, nodes=(two.nodes[0], replace(two.nodes[1], stacks=(WEB,))))
    assert "\nMerging deploys this to 1 of 2 nodes. Plan" in render_body(half, Links())
