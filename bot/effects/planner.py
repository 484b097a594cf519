"""Two pins in, a Plan out: finds the stacks, has them rendered, compares."""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec

from bot.effects.compose import Renderer, RenderRequest, find_default_files
from bot.effects.snapshot import Snapshot
from bot.fleet import Fleet, Node, Submodule
from bot.names import NodeName, PlanId, RepoName, ServiceName, StackName
from bot.plan.changes import ReasonCode, action_of, service_reasons
from bot.plan.model import Action, Commit, NodePlan, Plan, Reason, ServicePlan, StackPlan
from bot.plan.rendering import CHECKOUT, NodeChange, Rendered, Rendering, Side, StackChange, Unreadable
from bot.plan.risks.assess import add_risks
from bot.plan.risks.catalogue import Tuning


def read_plan(
    *,
    fleet: Fleet,
    repo: RepoName | None,
    submodule: Submodule,
    upstream_name: RepoName | None,
    old: Snapshot | None,
    new: Snapshot,
    renderer: Renderer,
    commits: tuple[Commit, ...],
    commits_total: int,
) -> Plan:
    """What moving `submodule` from `old` to `new` does on every node of `fleet`."""
    nodes = fleet.nodes or (Node(name=NodeName("any node")),)
    plans = tuple(_node_plan(node, submodule, old, new, renderer=renderer, tuning=fleet.risks) for node in nodes)
    changed = new.upstream.changed_files(old.pin if old else None, new.pin)
    identity = [new.commit, old.pin if old else None, new.pin, msgspec.to_builtins(plans)]
    digest = hashlib.sha256(msgspec.json.encode(identity, order="deterministic")).hexdigest()
    return Plan(
        id=PlanId(digest[:12]),
        fleet=repo,
        submodule=submodule.path,
        upstream=upstream_name,
        base=new.commit,
        old=old.pin if old else None,
        new=new.pin,
        nodes=plans,
        commits=commits,
        commits_total=commits_total,
        files_changed=changed,
    )


def find_stacks(snapshot: Snapshot, submodule: Submodule) -> dict[StackName, str]:
    """Name and folder of each stack that the submodule holds, in deployment order."""
    pattern = f"{submodule.path}/{submodule.stacks}"
    folders = {str(PurePosixPath(path).parent) for path in snapshot.files_under(submodule.path)}
    found = {
        StackName(PurePosixPath(folder).name): folder
        for folder in sorted(folders)
        if fnmatch.fnmatchcase(folder, pattern) and folder.count("/") == pattern.count("/")
    }
    rank = {name: index for index, name in enumerate(submodule.order)}
    return dict(sorted(found.items(), key=lambda item: (rank.get(item[0], len(rank)), item[0])))


def _node_plan(
    node: Node,
    submodule: Submodule,
    old: Snapshot | None,
    new: Snapshot,
    *,
    renderer: Renderer,
    tuning: Mapping[str, Tuning],
) -> NodePlan:
    before = _render(node, submodule, old, renderer) if old else {}
    after = _render(node, submodule, new, renderer)
    names = [*after, *(name for name in before if name not in after)]
    stacks = tuple(_stack_plan(name, before.get(name), after.get(name), old, new) for name in names)
    plan = NodePlan(node=node.name, platform=node.platform, stacks=stacks)
    changes = tuple(
        StackChange(stack=name, folder="", old=_side(before.get(name)), new=_side(after.get(name))) for name in names
    )
    return add_risks(plan, NodeChange(node=node, stacks=changes), tuning)


def _side(side: tuple[RenderRequest, Rendering] | None) -> Side | None:
    return Side(rendering=side[1]) if side else None


def _render(
    node: Node, submodule: Submodule, snapshot: Snapshot, renderer: Renderer
) -> dict[StackName, tuple[RenderRequest, Rendering]]:
    stacks = {
        name: folder
        for name, folder in find_stacks(snapshot, submodule).items()
        if not node.stacks or name in node.stacks
    }
    requests = [
        RenderRequest(
            folder=folder,
            files=node.files.get(name, ()) or find_default_files(snapshot, folder),
            profiles=node.profiles,
            variables=node.variables,
        )
        for name, folder in stacks.items()
    ]
    kept = [(name, request) for name, request in zip(stacks, requests, strict=True) if request.files]
    rendered = renderer.render(snapshot, [request for _, request in kept])
    return {name: (request, one) for (name, request), one in zip(kept, rendered, strict=True)}


def _stack_plan(
    name: StackName,
    before: tuple[RenderRequest, Rendering] | None,
    after: tuple[RenderRequest, Rendering] | None,
    old: Snapshot | None,
    new: Snapshot,
) -> StackPlan:
    request, rendering = after or before or (RenderRequest(folder=""), Unreadable(message=""))
    for side in (after, before):
        if side is not None and isinstance(side[1], Unreadable):
            return StackPlan(
                stack=name,
                folder=request.folder,
                files=request.files,
                profiles=request.profiles,
                error=side[1].message,
            )
    old_services = _services(before)
    new_services = _services(after)
    services = tuple(
        _service_plan(ServiceName(service), old_services.get(service), new_services.get(service), old, new)
        for service in [*new_services, *(s for s in old_services if s not in new_services)]
    )
    model = rendering.model if isinstance(rendering, Rendered) else {}
    return StackPlan(
        stack=name,
        folder=request.folder,
        files=request.files,
        profiles=request.profiles,
        project=str(model.get("name", "")),
        services=services,
    )


def _services(side: tuple[RenderRequest, Rendering] | None) -> dict[str, dict[str, Any]]:
    return side[1].model.get("services", {}) if side and isinstance(side[1], Rendered) else {}


def _service_plan(
    service: ServiceName,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    old: Snapshot | None,
    new: Snapshot,
) -> ServicePlan:
    diff = _diff(before, after)
    if before is None:
        reason = Reason(code=ReasonCode.NEW_SERVICE, text="new service")
        return ServicePlan(service=service, action=Action.CREATE, reasons=(reason,), diff=diff)
    if after is None:
        reason = Reason(code=ReasonCode.GONE_SERVICE, text="no longer defined")
        return ServicePlan(service=service, action=Action.REMOVE, reasons=(reason,), diff=diff)
    reasons = service_reasons(before, after) + _content_reasons(after, old, new)
    return ServicePlan(service=service, action=action_of(reasons), reasons=reasons, diff=diff)


def _content_reasons(service: dict[str, Any], old: Snapshot | None, new: Snapshot) -> tuple[Reason, ...]:
    sources = [v["source"] for v in service.get("volumes", []) if v.get("type") == "bind"]
    inside = [s.removeprefix(f"{CHECKOUT}/") for s in sources if s.startswith(f"{CHECKOUT}/")]
    return tuple(
        Reason(code=ReasonCode.BIND_CONTENT, text=f"content of {path} changed")
        for path in inside
        if old is not None and old.oid(path) != new.oid(path)
    )


def _diff(before: object, after: object) -> str:
    def lines(model: object) -> list[str]:
        return json.dumps(model, indent=2, ensure_ascii=False).splitlines() if model is not None else []

    return "\n".join(difflib.unified_diff(lines(before), lines(after), "old", "new", n=3, lineterm=""))
