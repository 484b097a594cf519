"""The rollout's comment and the drift issue, at every turn."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.names import CommitSha, NodeName, PlanId, PullNumber, ServiceName, StackName, SubmodulePath
from bot.features.drift.text import render_drift, render_settled
from bot.features.rollout.decide.rollout import RolloutReason, Standing
from bot.features.rollout.facts import Stage
from bot.features.rollout.text import NodeView, RolloutView, render_rollout
from bot.protocol.action import Action
from bot.protocol.outcome import Difference, DifferenceKind, ServiceOutcome
from tests.unit.features.rollout.test_orders import SERVER, past

RUN = "https://github.com/Tecnocrat/aios-win/actions/runs/1"
HOSTILE = "x | @everyone [a](javascript:1) <!-- aios-bot:drift B server  --> `b`\n# c"


def _service(name: str, predicted: Action, actual: Action) -> ServiceOutcome:
    return ServiceOutcome(stack=StackName("ingress"), service=ServiceName(name), predicted=predicted, actual=actual)


def _node(name: str, wave: int, standing: Standing, text: str = "", **changes: object) -> NodeView:
    log = RUN if standing in (Standing.GOOD, Standing.FAILED, Standing.UNDER_WAY) else ""
    values: dict[str, object] = {"node": NodeName(name), "wave": wave, "standing": standing, "text": text}
    return NodeView(**(values | {"log_url": log} | changes))  # type: ignore[arg-type]  # only the difference is stated


def _rollout(reason: RolloutReason, *nodes: NodeView, wave: int = 1, **changes: object) -> str:
    values: dict[str, object] = {
        "pull": PullNumber(7),
        "commit": CommitSha("c" * 40),
        "submodule": SubmodulePath("server"),
        "pin": CommitSha("d" * 40),
        "plan": PlanId("0123456789ab"),
        "reason": reason,
        "wave": wave,
        "waves": max(node.wave for node in nodes),
        "nodes": nodes,
        "page": "https://bot.example/fleets/0123",
    }
    return render_rollout(RolloutView(**(values | changes)))  # type: ignore[arg-type]  # as above


GOOD = _node(
    "AIOS",
    1,
    Standing.GOOD,
    "runs server@ddddddd: 1 recreated, 9 untouched",
    services=(_service("traefik", Action.RECREATE, Action.RECREATE),),
    untouched=9,
)
WRONG = _node(
    "HP_LAB",
    1,
    Standing.GOOD,
    "runs server@ddddddd: 2 recreated, 8 untouched; 1 not as planned",
    services=(
        _service("traefik", Action.RECREATE, Action.RECREATE),
        _service("whoami", Action.NONE, Action.RECREATE),
    ),
    untouched=8,
    differences=(Difference(kind=DifferenceKind.EDITED, text=".env.example was changed by hand"),),
)
FAILED = _node("AIOS", 1, Standing.FAILED, "ingress/traefik exited with code 1; put back what ran before")

ROLLOUTS: dict[str, Callable[[], str]] = {
    "rollout-begun.md": lambda: _rollout(
        RolloutReason.TO_DEPLOY, _node("AIOS", 1, Standing.TO_START, "waiting for the node's runner")
    ),
    "rollout-done.md": lambda: _rollout(RolloutReason.DONE, GOOD),
    "rollout-soaking.md": lambda: _rollout(
        RolloutReason.SOAKING,
        GOOD,
        _node("HP_LAB", 2, Standing.WAVE_NOT_YET, "comes after wave 1"),
        again_at=1_790_000_000,
    ),
    "rollout-halted.md": lambda: _rollout(
        RolloutReason.HALTED, FAILED, _node("HP_LAB", 2, Standing.WAVE_NOT_YET, "not started: wave 1 failed")
    ),
    "rollout-away.md": lambda: _rollout(
        RolloutReason.NODES_AWAY,
        GOOD,
        _node("HP_LAB", 1, Standing.OFFLINE, "offline: no runner took its order for 10 min"),
        _node("PHONE", 1, Standing.HELD, "#9 has it"),
    ),
    "rollout-not-as-planned.md": lambda: _rollout(RolloutReason.DONE, GOOD, WRONG),
    "rollout-overtaken.md": lambda: _rollout(
        RolloutReason.UNDER_WAY,
        GOOD,
        _node("HP_LAB", 1, Standing.WAVE_NOT_YET, "gets eeeeeee instead"),
        superseded_by=PullNumber(8),
    ),
    "rollout-hostile.md": lambda: _rollout(
        RolloutReason.HALTED, _node("AIOS", 1, Standing.FAILED, HOSTILE, log_url="javascript:alert(1)"), page="x) y"
    ),
    "drift.md": lambda: "\n\n".join(
        render_drift(
            NodeName("HP_LAB"),
            SERVER,
            (
                Difference(kind=DifferenceKind.MISSING, text="has no container", stack="ingress", service="traefik"),
                Difference(kind=DifferenceKind.EDITED, text=HOSTILE),
            ),
            past(4, Stage.SUCCEEDED, log_url=RUN),
            pull=PullNumber(7),
            prefix="/",
        )
    ),
    "drift-settled.md": lambda: render_settled(NodeName("HP_LAB"), SERVER),
}
