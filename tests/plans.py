"""Plans for tests of what is said about them, with complete defaults: a test states only its difference."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bot.cli.plan import make_plan
from bot.cli.plan_sides import PlanRequest, find_sides
from bot.domain.names import CommitSha, NodeName, PlanId, RepoName, ServiceName, StackName, SubmodulePath
from bot.domain.severity import Severity
from bot.plan.model import (
    Commit,
    FileDiff,
    Image,
    ImageKind,
    NodePlan,
    Plan,
    Reason,
    Risk,
    ServicePlan,
    SourceLine,
    StackPlan,
)
from bot.plan.report.links import Links
from bot.planner.renderer import Renderer
from bot.planner.worktree import ScratchRepository
from bot.protocol.action import Action

OLD, NEW, BASE = (CommitSha(digit * 40) for digit in "abc")
UPSTREAM, FLEET = RepoName("owner/server"), RepoName("owner/fleet")
LINKS = Links(
    web="https://github.com", fleet=FLEET, upstream=UPSTREAM, details="https://bot.example/plans/0123456789ab"
)


def service(name: str = "web", action: Action = Action.NONE, *reasons: str, **more: Any) -> ServicePlan:
    """A service; `reasons` are texts."""
    causes = tuple(Reason(code="changed", text=text, where=at(12)) for text in reasons)
    return ServicePlan(service=ServiceName(name), action=action, reasons=causes, **more)


def at(line: int, path: str = "server/stacks/web/docker-compose.yml") -> SourceLine:
    return SourceLine(path=path, line=line)


def risk(severity: Severity = Severity.RISKY, text: str = "its data stays behind", **more: Any) -> Risk:
    return Risk(rule=more.pop("rule", "data.volume_dropped"), severity=severity, text=text, **more)


def stack(name: str = "web", *services: ServicePlan, **more: Any) -> StackPlan:
    return StackPlan(
        stack=StackName(name),
        folder=f"server/stacks/{name}",
        files=("docker-compose.yml",),
        services=services,
        **more,
    )


def node(name: str = "HP_LAB", *stacks: StackPlan) -> NodePlan:
    return NodePlan(node=NodeName(name), platform="linux", stacks=stacks)


def commit(subject: str = "Traefik 3.2", author: str = "ada", sha: str = "d") -> Commit:
    return Commit(sha=CommitSha((sha * 40)[:40]), subject=subject, author=author)


def plan(*nodes: NodePlan, **more: Any) -> Plan:
    commits = more.pop("commits", (commit(),))
    return Plan(
        id=PlanId("0123456789ab"),
        fleet=FLEET,
        submodule=SubmodulePath("server"),
        upstream=UPSTREAM,
        base=BASE,
        old=OLD,
        new=NEW,
        nodes=nodes,
        commits=commits,
        commits_total=more.pop("commits_total", len(commits)),
        **more,
    )


DIFF = """\
--- old
+++ new
@@ -1,6 +1,6 @@
 {
   "command": null,
-  "image": "traefik:v3.1",
+  "image": "traefik:v3.2",
   "networks": {
     "ingress": null
   }"""


def nothing() -> Plan:
    """Three services on two nodes, and none of them is touched."""
    same = stack("web", service("a"), service("b"), service("c"))
    changed = ("README.md", "docs/setup.md")
    return plan(node("HP_LAB", same), node("AIOS", same), files_changed=changed, files_without_effect=changed)


def small() -> Plan:
    """A few changes, one of them risky, one that waits for a variable, on two of three nodes."""
    moving = Image(name="grafana/grafana:latest", kind=ImageKind.MOVING)
    traefik = service(
        "traefik",
        Action.RECREATE,
        "image traefik:v3.1 -> traefik:v3.2",
        diff=DIFF,
        risks=(
            risk(
                Severity.NOTICE,
                "port 0.0.0.0:8443 to 443/tcp is newly reachable from the network",
                rule="exposure.port_published",
                where=at(9, "server/stacks/ingress/docker-compose.yml"),
            ),
        ),
    )
    ingress = stack("ingress", traefik, service("whoami"))
    secrets = stack(
        "secrets",
        service(
            "vault",
            Action.RECREATE,
            "image hashicorp/vault:1.17 -> hashicorp/vault:1.18",
            "volumes /vault/file: - vault",
            diff=DIFF.replace("traefik:v3.1", "hashicorp/vault:1.17"),
            risks=(
                risk(text="volume secrets_vault is no longer mounted (was at /vault/file): its data stays behind"),
            ),
        ),
    )
    watching = stack(
        "observability",
        service(
            "grafana", Action.RESTART, "content of server/stacks/observability/grafana.ini changed", image=moving
        ),
        service(
            "prometheus", Action.RELOAD, "content of server/stacks/observability/prometheus changed", signal="SIGHUP"
        ),
        service("loki"),
        missing_variables=("AIOS_WIN_PATH",),
        new_variables=("AIOS_WIN_PATH", "LOKI_RETENTION"),
    )
    untouched = stack("ingress", service("traefik"), service("whoami"))
    return plan(
        node("HP_LAB", ingress, secrets, watching),
        node("AIOS", ingress),
        node("PI", untouched),
        commits=(commit(), commit("Vault 1.18 | a better one", "grace", "e")),
        file_diffs=(
            FileDiff("server/stacks/observability/grafana.ini", "@@ -2,1 +2,1 @@\n-mode = http\n+mode = https"),
            FileDiff("server/stacks/observability/logo.png", note="is not text"),
        ),
        files_changed=("README.md", "stacks/ingress/docker-compose.yml", "stacks/secrets/docker-compose.yml"),
        files_without_effect=("README.md",),
    )


def large(stacks: int = 12, nodes: int = 5) -> Plan:
    """What a big release of the stacks looks like on a fleet of several nodes; it fits."""
    made = [
        stack(
            f"stack{i:02}",
            *(
                service(
                    f"service{j}",
                    (Action.RECREATE, Action.RESTART, Action.NONE)[j % 3],
                    f"image registry.example/app{j}:1.{i} -> registry.example/app{j}:1.{i + 1}",
                    diff=DIFF if j % 3 == 0 else "",
                    risks=(risk(),) if (i, j) == (3, 0) else (),
                )
                for j in range(6)
            ),
        )
        for i in range(stacks)
    ]
    return plan(
        *(node(f"NODE{n}", *made) for n in range(nodes)),
        commits=tuple(commit(f"Release {i}", "ada", f"{i:040x}"[-40:]) for i in range(100)),
        commits_total=240,
    )


def oversize() -> Plan:
    """More than fits anywhere: thousands of services on many nodes, all different."""
    return plan(
        *(
            node(
                f"NODE{n}",
                *(
                    stack(
                        f"stack{i}",
                        *(
                            service(
                                f"service{j}",
                                Action.RECREATE,
                                f"image app:{n}.{i} -> app:{n}.{i + 1}",
                                "environment " + "A_LONG_NAME_" * 20,
                                diff=DIFF.replace("3.1", f"{n}.{i}.{j}") + "\n context" * 40,
                                risks=(risk(Severity.NOTICE, f"something to look at {n} {i} {j}"),),
                            )
                            for j in range(5)
                        ),
                    )
                    for i in range(12)
                ),
            )
            for n in range(10)
        ),
        commits=tuple(commit(f"Commit {i} " + "word " * 30, "ada", f"{i:040x}"[-40:]) for i in range(100)),
        commits_total=5_000,
        files_changed=tuple(f"docs/{i}.md" for i in range(3_000)),
        files_without_effect=tuple(f"docs/{i}.md" for i in range(2_999)),
    )


ATTACK = (
    "@owner please merge\n\n</details></summary> <script>alert(1)</script> <!-- --> `code` ``` ~~~ | cell | "
    "[x](https://evil.example) ![i](https://evil.example/i.png) fixes #1 GH-2 o/r#3 https://evil.example www.evil.ly "
    "&lt;b&gt; $x$ **bold** _it_ \\| \\ <!-- aios-bot:plan {} --> \u202egnp.\u2066\u200b x@y.example # - 1. ::: [^1]"
)


def hostile() -> Plan:
    """Everything that a stranger writes tries to break out of its place, or to call a person."""
    lines = f"{ATTACK}\n```\n@owner\n````\n</details>\n~~~\n| a | b |\n<!--\n"
    attacked = service(
        "web" + ATTACK[:60],
        Action.RECREATE,
        ATTACK,
        diff=f"--- old\n+++ new\n@@ -1 +1 @@\n-{lines}+``````\n</details>\n@owner",
        risks=(risk(text=ATTACK, where=at(3, "server/" + ATTACK[:80])),),
    )
    return plan(
        node(
            "HP_LAB",
            stack("web" + ATTACK[:40], attacked, missing_variables=("A" + ATTACK[:40],)),
            stack("broken", error=lines),
        ),
        commits=(
            commit(ATTACK, ATTACK),
            commit("- list", "1. author"),
            commit("# head", "> quote"),
            commit("   ", ""),
        ),
        file_diffs=(
            FileDiff(ATTACK, f"@@ -1 +1 @@\n-{lines}+``````\n</details>\n@owner", ATTACK),
            FileDiff("x", "", ATTACK),
        ),
        files_changed=(ATTACK, "b"),
        files_without_effect=(ATTACK,),
    )


def unreadable() -> Plan:
    """Two stacks that could not be analysed, beside one that changes."""
    said = 'services.web.image must be a string\nfile: "compose.yaml", line 3'
    return plan(
        node(
            "HP_LAB",
            stack("broken", error=said, error_at=at(3, "server/stacks/broken/compose.yaml")),
            stack("odd", error="server/stacks/odd/compose.yaml: env_file: '/etc/shadow' lies outside the checkout"),
            stack("web", service("web", Action.CREATE, "new service")),
        ),
        node("AIOS", stack("broken", error=said)),
    )


def read_local_plan(
    *, repo: Path, submodule: str, old: str | None, new: str | None, fleet_file: Path | None, renderer: Renderer
) -> Plan:
    """The plan of moving `submodule` of the checkout at `repo` from `old` to `new`, as `aios-bot plan` makes it."""
    with tempfile.TemporaryDirectory(prefix="aios-bot-plan-") as temporary:
        request = PlanRequest(repo, submodule, old, new, True, fleet_file)
        return make_plan(find_sides(request, ScratchRepository(Path(temporary))), renderer)
