"""Plans in the states that their page has to show: large, hostile, and deployed otherwise than predicted."""

from __future__ import annotations

from msgspec.structs import replace

from bot.domain.names import PlanId, RepoName
from bot.domain.severity import Severity
from bot.plan.model import FileDiff, Plan
from bot.protocol.action import Action
from tests.plans import DIFF, hostile, node, plan, risk, service, stack

HUNDRED, ATTACKED, DEPLOYED, OPENED, WAITING = (PlanId(f"{digit}" * 12) for digit in "12345")


def hundred_stacks(fleet: RepoName) -> Plan:
    """A release that touches every one of 100 stacks on two nodes."""
    stacks = [
        stack(
            f"stack-{number:03}",
            service(
                "web",
                (Action.RECREATE, Action.RESTART, Action.CREATE)[number % 3],
                f"image registry.example/app:1.{number} -> registry.example/app:1.{number + 1}",
                diff=DIFF.replace("3.2", f"3.2.{number}"),
                risks=(risk(),) if number % 10 == 0 else (),
            ),
            service("database"),
        )
        for number in range(100)
    ]
    return replace(plan(node("AIOS", *stacks), node("HP_LAB", *stacks)), id=HUNDRED, fleet=fleet)


def attacked(fleet: RepoName) -> Plan:
    """Everything in it is a stranger's, and tries to break out of its place."""
    return replace(hostile(), id=ATTACKED, fleet=fleet)


def deployed(fleet: RepoName, number: PlanId = DEPLOYED) -> Plan:
    """Three services on two nodes; of what became of it `states` tells."""
    traefik = service(
        "traefik",
        Action.RECREATE,
        "image traefik:v3.1 -> traefik:v3.2",
        diff=DIFF,
        risks=(risk(Severity.NOTICE, "port 8443 is newly reachable", rule="exposure.port_published"),),
    )
    whoami = service("whoami", Action.RESTART, "content of server/stacks/ingress/whoami.ini changed")
    vault = service(
        "vault",
        Action.RECREATE,
        "volumes /vault/file: - vault",
        diff=DIFF.replace("traefik", "vault"),
        risks=(risk(),),
    )
    ingress = stack("ingress", traefik, whoami, service("static"))
    file = FileDiff(
        "server/stacks/ingress/whoami.ini",
        "@@ -1,4 +1,5 @@\n [server]\n-mode = http\n-port = 80\n+mode = https\n+port = 443\n+# " + "a long line " * 12,
    )
    made = plan(node("AIOS", ingress, stack("secrets", vault)), node("PI", ingress), file_diffs=(file,))
    return replace(made, id=number, fleet=fleet)


def opened(fleet: RepoName) -> Plan:
    """One service on one node."""
    web = service("traefik", Action.RECREATE, "ports 8443:443/tcp added", diff=DIFF)
    return replace(plan(node("AIOS", stack("ingress", web))), id=OPENED, fleet=fleet)
