"""Fleets in every state that their pages have to show, each under a name of its own, in one database."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec.structs import replace

from bot.domain.names import (
    BranchName,
    CommitSha,
    DeploymentId,
    InstallationId,
    NodeName,
    PlanId,
    PullNumber,
    RepoName,
    ServiceName,
    StackName,
    SubmodulePath,
)
from bot.domain.notices import Topic
from bot.features.audit.facts import Audited, AuditRecord
from bot.features.audit.store import AuditTrail, append_records, approval_key
from bot.features.bump.store import PlanStore
from bot.features.fleets.store import PinStore
from bot.features.holds.facts import Hold, HoldKind, Lock
from bot.features.holds.store import HoldStore, take_lock
from bot.features.outbox.facts import Condition, Notice, WaitingPull
from bot.features.outbox.pulls import WaitingPulls
from bot.features.outbox.store import Outbox
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.facts import PastOrder, Stage
from bot.features.rollout.history import NodeDetails, RefusedPlan, RolloutDetails, keep_details, keep_orders
from bot.features.rollout.jobs import SyncRollout
from bot.features.rollout.store import NodeStatus, RolloutStatus, RolloutStore
from bot.plan.model import Plan
from bot.protocol.action import Action
from bot.protocol.order import OrderKind
from bot.protocol.outcome import Difference, DifferenceKind, DiskSpace, OrderEnd, ServiceOutcome
from bot.protocol.report import Report
from bot.queue import lanes
from bot.queue.turns import Drain
from bot.storage.store import Store
from tests.browser.plan_states import (
    ATTACKED,
    DEPLOYED,
    HUNDRED,
    OPENED,
    WAITING,
    attacked,
    deployed,
    hundred_stacks,
    opened,
)
from tests.plans import NEW as PLANNED
from tests.queueing import delivery
from tests.unit.features.visitors.test_visitors import pin

HOSTILE = "</pre><script>document.title='taken'</script><img src=x onerror=alert(1)> {{ 8191*8191 }} \u202egnp.exe"
NOW = int(time.time()) // 3600 * 3600 - 3600
DAY = 86_400
OLD, NEW = CommitSha("d" * 40), CommitSha("e5" * 20)
AT, BEFORE = CommitSha("c1" * 20), CommitSha("b7" * 20)
BASE, SERVER = BranchName("main"), SubmodulePath("server")
STACKS = tuple(StackName(name) for name in ("ingress", "observability", "secrets"))


def node(name: str, standing: Standing = Standing.GOOD, text: str = "", **more: object) -> NodeStatus:
    """A node that runs what was merged, or what was before."""
    good = standing is Standing.GOOD
    values: dict[str, object] = {
        "platform": "linux",
        "wave": 1,
        "log_url": "https://github.com/acme/aios-win/actions/runs/12",
        "runs": AT if good else BEFORE,
        "runs_pin": NEW if good else OLD,
        "deployed_at": NOW - (600 if good else 3 * DAY),
        "planned": 12,
    }
    return NodeStatus(node=NodeName(name), standing=standing, text=text, **(values | more))  # type: ignore[arg-type]  # a state says only its difference


def past(number: int, stage: Stage, at: int, text: str, **more: object) -> PastOrder:
    """An order as GitHub told it."""
    values: dict[str, object] = {
        "kind": OrderKind.DEPLOY,
        "submodule": SERVER,
        "commit": AT,
        "pin": NEW if stage is Stage.SUCCEEDED else OLD,
        "marker": "merge:" + AT,
        "pull": PullNumber(41),
        "description": text,
        "log_url": "https://github.com/acme/aios-win/actions/runs/12",
        "updated_at": at,
    }
    return PastOrder(number=DeploymentId(number), stage=stage, **(values | more))  # type: ignore[arg-type]  # the same


class Fleets:
    """Writes fleets as the service would have."""

    def __init__(self, store: Store, statuses: RolloutStore) -> None:
        self.store, self.statuses = store, statuses
        self._pins = PinStore(store)
        self._waiting = WaitingPulls(store)
        self._holds = HoldStore(store)
        self._plans = PlanStore(store)

    def add(
        self,
        name: str,
        nodes: Sequence[NodeStatus] = (),
        *,
        reason: RolloutReason = RolloutReason.DONE,
        stacks: Sequence[StackName] = STACKS,
        refused: RefusedPlan | None = None,
        orders: dict[str, tuple[PastOrder, ...]] | None = None,
        pulls: Sequence[WaitingPull] = (),
    ) -> RepoName:
        """A fleet whose only rollout stands so. `refused`: of the first node."""
        fleet = RepoName(f"acme/{name}")
        self._pins.replace_pins(fleet, [replace(pin(), fleet=fleet)])
        if nodes:
            status = RolloutStatus(
                fleet=fleet,
                base=BASE,
                submodule=SERVER,
                commit=AT,
                pin=NEW,
                pull=PullNumber(41),
                reason=reason,
                looked_at=NOW,
                nodes=tuple(nodes),
            )
            details = RolloutDetails(
                upstream=RepoName("acme/server"),
                nodes=tuple(
                    NodeDetails(
                        node=one.node,
                        stacks=tuple(stacks),
                        behind=0 if one.runs_pin == NEW else 4,
                        refused=refused if index == 0 else None,
                    )
                    for index, one in enumerate(nodes)
                ),
            )
            merged = AuditRecord(
                what=Audited.APPROVED, fleet=fleet, at="2026-11-29T07:40:00Z", actor="grace", pull=status.pull
            )
            AuditTrail(self.store).append(approval_key(fleet, PullNumber(41)), merged)
            page = self.statuses.page_of(fleet)
            self.statuses.save(status, also=lambda connection: keep_details(connection, page, status, details))
        history = {NodeName(node): given for node, given in (orders or {}).items()}
        self.store.write(lambda connection: keep_orders(connection, fleet, history))
        for pull in pulls:
            self._waiting.save(fleet, pull)
        return fleet

    def lock(self, fleet: RepoName, node_name: str, reason: str) -> None:
        """A lock of pull request 40."""
        lock = Lock(
            fleet=fleet,
            node=NodeName(node_name),
            pull=PullNumber(40),
            owner="ada",
            reason=reason,
            taken_at=NOW,
            expires_at=NOW + 2 * DAY,
        )
        self.store.write(lambda connection: take_lock(connection, lock, now=NOW))

    def hold(self, fleet: RepoName, reason: str) -> None:
        """No new commit is proposed."""
        made = Hold(
            fleet=fleet, base=BASE, submodule=SERVER, kind=HoldKind.HOLD, by="ada", reason=reason, pull=PullNumber(40)
        )
        self._holds.save_hold(made)

    def plan(self, fleet: RepoName, number: int, plan: Plan) -> None:
        """The plan that a pull request shows."""
        self._plans.save(plan)
        self._plans.mark_posted(fleet, PullNumber(number), plan.id)

    def notice(self, fleet: RepoName, topic: Topic, subject: str, text: str) -> None:
        """An open condition."""
        notice = Notice(topic=topic, fleet=fleet, subject=subject, text=text, url="https://github.com/acme")
        Outbox(self.store).replace(fleet, f"{topic} {subject}", [Condition(notice=notice)], now=NOW - DAY)

    def report(self, fleet: RepoName, number: int, *, log: str = "", services: Sequence[ServiceOutcome] = ()) -> None:
        """What a node told of an order."""
        report = Report(
            version=1,
            number=number,
            end=OrderEnd.SUCCESS,
            text="runs it",
            services=tuple(services),
            untouched=9,
            differences=(Difference(kind=DifferenceKind.EDITED, text="edited by hand", stack="ingress"),),
            seconds=14.2,
            engine="Docker Engine 28.5.1",
            compose="2.40.3",
            agent="0.1.0",
            space=(DiskSpace(use="checkout and images", free=38 * 1024**3, size=512 * 1024**3),),
        )
        self.statuses.save_result(fleet, NodeName("AIOS"), report, log=log)


def waiting(number: int, title: str, *, days: int, to_merge: bool = True) -> WaitingPull:
    """A pull request that waits."""
    why = "ready to merge" if to_merge else "A person with write permission must approve the newest commit"
    return WaitingPull(
        number=PullNumber(number),
        title=title,
        author="aios-bot[bot]",
        since=NOW - days * DAY,
        head=AT,
        why=why,
        to_merge=to_merge,
    )


def outcome(stack: str, service: str, action: Action, actual: Action | None = None) -> ServiceOutcome:
    """What a deploy did to a service."""
    return ServiceOutcome(
        stack=StackName(stack), service=ServiceName(service), predicted=action, actual=actual or action
    )


def history_of(names: Sequence[str]) -> dict[str, tuple[PastOrder, ...]]:
    """Two weeks of orders, some of which failed."""
    found: dict[str, tuple[PastOrder, ...]] = {}
    for row, name in enumerate(names):
        orders = []
        for index in range(7):
            failed = (index + row) % 5 == 2
            stage = Stage.FAILED if failed else Stage.SUCCEEDED
            text = "ingress/traefik exited with code 1" if failed else "runs server@e5e5e5e: 1 recreated, 9 untouched"
            at = NOW - index * 2 * DAY + row * 4000 - 9000
            orders.append(past(9000 - index * 40 - row, stage, at, text))
        found[name] = tuple(orders)
    return found


def fill_records(store: Store, fleet: RepoName) -> None:
    """A delivery that failed, and who did what; with a stranger's words."""
    job = SyncRollout(fleet=fleet, installation=InstallationId(7), base=BASE)
    lanes.store_delivery(store, delivery(job, guid="8d1f-failing"), lanes.Burst())
    lanes.claim(store, Drain(fleet, 1, "local"), "run", lanes.Burst())
    lanes.finish(store, "run", error=f"GitHub refused: {HOSTILE}")
    said = {"permission": "write", "pull": PullNumber(44), "node": NodeName("AIOS"), "commit": str(AT)}
    records = [
        AuditRecord(what=what, fleet=fleet, at="2026-11-28T16:50:00Z", actor="ada", said=HOSTILE, **said)  # type: ignore[arg-type]  # the same for all
        for what in Audited
    ]
    store.write(lambda connection: append_records(connection, "states", records))


def deploy_otherwise(fleets: Fleets, fleet: RepoName) -> None:
    """A plan, and what became of it: one node did as predicted, one restarted what was to be recreated."""
    fleets.plan(fleet, 44, deployed(fleet))
    own = {"pin": PLANNED, "pull": PullNumber(44)}
    orders = {
        NodeName("AIOS"): (past(9600, Stage.SUCCEEDED, NOW - 400, "runs server@ccccccc: 2 recreated", **own),),
        NodeName("PI"): (past(9601, Stage.SUCCEEDED, NOW - 300, "runs server@ccccccc: 2 restarted", **own),),
    }
    fleets.store.write(lambda connection: keep_orders(connection, fleet, orders))
    whoami, vault = outcome("ingress", "whoami", Action.RESTART), outcome("secrets", "vault", Action.RECREATE)
    fleets.report(fleet, 9600, services=[outcome("ingress", "traefik", Action.RECREATE), whoami, vault])
    surprise = outcome("ingress", "static", Action.NONE, Action.RESTART)
    changed = outcome("ingress", "traefik", Action.RECREATE, Action.RESTART)
    fleets.report(fleet, 9601, services=[changed, whoami, surprise])


def fill(store: Store, statuses: RolloutStore) -> dict[str, str]:
    """Every state by its name: the address of the page that shows it."""
    fleets = Fleets(store, statuses)
    ok = [node("AIOS", text="runs server@e5e5e5e: 1 recreated, 9 untouched"), node("HP_LAB", platform="windows")]
    calm = fleets.add("aios-calm", ok, orders=history_of(["AIOS", "HP_LAB"]))
    services = [
        outcome("ingress", "traefik", Action.RECREATE),
        outcome("secrets", "vault", Action.RESTART, Action.RECREATE),
    ]
    fleets.report(calm, 9000, services=services, log="success: runs it\n  ingress/traefik: recreate\n  pull: 4.1 s")
    fleets.add("aios-empty")
    mixed = [
        node("AIOS", Standing.FAILED, "ingress/traefik exited with code 1"),
        node("HP_LAB", Standing.WAVE_NOT_YET, "not started: wave 1 failed", platform="windows", wave=2),
        node("NAS", Standing.OFFLINE, "offline: no runner took its order for 10 min", wave=2),
        node("PI", wave=2, surprises=2),
    ]
    failing = fleets.add(
        "aios-failing",
        mixed,
        reason=RolloutReason.HALTED,
        orders=history_of(["AIOS", "HP_LAB", "NAS", "PI"]),
        pulls=[
            waiting(44, "Bump server from d1f2 to e5a1 (7 commits)", days=3),
            waiting(45, "Open port 8443", days=1, to_merge=False),
        ],
    )
    newest = past(9500, Stage.FAILED, NOW - 500, "ingress/traefik exited with code 1")
    store.write(lambda connection: keep_orders(connection, failing, {NodeName("AIOS"): (newest,)}))
    fleets.report(
        failing,
        9500,
        services=[outcome("ingress", "traefik", Action.RECREATE), outcome("ingress", "whoami", Action.RESTART)],
        log="rolled_back: ingress/traefik exited with code 1\n  ingress/traefik: recreate\n"
        "  ingress/traefik exited with code 1; its last lines:\n    | error: entry point 8443 is in use\n",
    )
    fleets.notice(
        failing, Topic.DEPLOY_FAILED, "AIOS", "deploy of server e5e5e5e: ingress/traefik exited with code 1"
    )
    fleets.notice(failing, Topic.DRIFT, "PI", "server: ingress/traefik: image moved")
    refused = RefusedPlan(
        plan=PlanId("9f2e00aa11bb"), approved=PlanId("77aa00cc22dd"), beyond="ingress/traefik: recreate"
    )
    fleets.add(
        "aios-refused",
        [node("AIOS", Standing.HELD, "not deployed: its plan goes beyond the approved one"), *ok[1:]],
        reason=RolloutReason.NODES_AWAY,
        refused=refused,
    )
    held = [node("AIOS", Standing.HELD, "pull request 40 has it (ada)"), node("HP_LAB", Standing.UNDER_WAY)]
    locked = fleets.add("aios-held", held, reason=RolloutReason.UNDER_WAY)
    fleets.lock(locked, "AIOS", "trying the new disk")
    fleets.hold(locked, "wait for the release")
    hostile = fleets.add(
        "aios-hostile",
        [node("AIOS", Standing.FAILED, HOSTILE), node("x" * 60, Standing.HELD, HOSTILE)],
        reason=RolloutReason.HALTED,
        orders={"AIOS": (past(31, Stage.FAILED, NOW - 900, HOSTILE, log_url="javascript:alert(1)"),)},
        pulls=[waiting(50, HOSTILE * 3, days=9)],
        stacks=(*STACKS, StackName("long-" * 12)),
    )
    fleets.lock(hostile, "AIOS", HOSTILE)
    fleets.hold(hostile, HOSTILE)
    fleets.notice(hostile, Topic.DRIFT, "AIOS", HOSTILE)
    fleets.report(hostile, 31, log=f"failed: {HOSTILE}\n" + "W" * 400)
    many = [f"node-{number:02}" for number in range(20)]
    fleets.add("aios-twenty", [node(name, wave=1 + n % 3) for n, name in enumerate(many)], orders=history_of(many))
    hundred = [StackName(f"stack-{number:03}") for number in range(100)]
    fleets.add("aios-hundred", ok, stacks=hundred)
    fleets.plan(RepoName("acme/aios-hundred"), 60, hundred_stacks(RepoName("acme/aios-hundred")))
    fleets.plan(hostile, 50, attacked(hostile))
    fleets.plan(failing, 44, deployed(failing, WAITING))
    fleets.plan(failing, 45, opened(failing))
    deploy_otherwise(fleets, fleets.add("aios-deployed", [ok[0], node("PI", surprises=2)]))
    fill_records(store, failing)
    return {
        "list": "/fleets",
        "calm": "/fleets/acme/aios-calm",
        "empty": "/fleets/acme/aios-empty",
        "failing": "/fleets/acme/aios-failing",
        "refused": "/fleets/acme/aios-refused",
        "held": "/fleets/acme/aios-held",
        "hostile": "/fleets/acme/aios-hostile",
        "twenty-nodes": "/fleets/acme/aios-twenty",
        "hundred-stacks": "/fleets/acme/aios-hundred",
        "node": "/fleets/acme/aios-calm/nodes/AIOS",
        "node-failing": "/fleets/acme/aios-failing/nodes/AIOS",
        "node-hostile": "/fleets/acme/aios-hostile/nodes/AIOS",
        "stack": "/fleets/acme/aios-failing/stacks/ingress",
        "deliveries": "/fleets/acme/aios-failing/deliveries",
        "plan": f"/plans/{OPENED}",
        "plan-deployed": f"/plans/{DEPLOYED}",
        "plan-filtered": f"/plans/{DEPLOYED}?node=PI&risk=notice",
        "plan-hostile": f"/plans/{ATTACKED}?node=%3Cscript%3E",
        "plan-hundred": f"/plans/{HUNDRED}",
        "audit": "/fleets/acme/aios-failing/audit",
        "audit-empty": "/fleets/acme/aios-calm/audit?q=nobody",
        "missing": "/fleets/acme/none",
    }
