"""Find what people have to know of a stack besides its actions: what is missing, or not seen by the plan. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from bot.domain.names import short
from bot.fleetfile import Node
from bot.plan.causes import ReasonCode
from bot.plan.contents import find_mounts, unseen_contents
from bot.plan.model import ServicePlan
from bot.plan.rendering import BuildProblem, Rendered, Side, StackChange, Variable
from bot.protocol.action import Action

_SHOWN = 5  # names of one kind


def find_remarks(change: StackChange, services: tuple[ServicePlan, ...], node: Node) -> tuple[str, ...]:
    """The remarks on the new version of a stack whose services are planned as `services`."""
    new = change.new
    if new is None or not isinstance(new.rendering, Rendered):
        return ()
    before, after = change.models
    touched = [one.service for one in services if one.action not in (Action.NONE, Action.REMOVE)]
    return (
        *_apart(change),
        *_first_file(change.old, new),
        *new.rendering.remarks,
        *_pointers(new),
        *_missing_files(new, after, touched, node),
        *_unwritable(after, touched),
        *_external_volumes(before, after),
        *_owned_networks(before, after),
        *_build_secrets(change),
        *_unlikely_builds(change, services),
    )


def _apart(change: StackChange) -> Iterator[str]:
    if change.old_pin is not None:
        yield f"compared with {short(change.old_pin)}, which it was deployed at without the node's other stacks"


def _first_file(old: Side | None, new: Side) -> Iterator[str]:
    """By hand, the folder of the first file is the project's, where neither the plan nor the node starts from it."""
    was, now = (posixpath.dirname(side.files[0]) if side and side.files else "" for side in (old, new))
    if now and (old is None or was != now):
        yield (
            f"the first compose file is in {now}: by hand, compose takes that folder for the project's name and "
            "paths; the node takes the stack's"
        )


def find_build_error(change: StackChange, services: tuple[ServicePlan, ...]) -> BuildProblem | None:
    """Why an image that the plan would build certainly cannot be built."""
    for plan, problem in _build_problems(change, services):
        if problem.is_certain:
            return replace(problem, text=f"the image of {plan.service} cannot be built: {problem.text}")
    return None


def _build_problems(
    change: StackChange, services: tuple[ServicePlan, ...]
) -> Iterator[tuple[ServicePlan, BuildProblem]]:
    for plan in services:
        problem = change.build_problems.get(plan.service)
        if problem is not None and plan.action in (Action.CREATE, Action.REBUILD):
            yield plan, problem


def _pointers(new: Side) -> Iterator[str]:
    if new.pointers:
        verb = "is" if len(new.pointers) == 1 else "are"
        yield f"{_listed(new.pointers)} {verb} kept in Git LFS: the node has to fetch the content itself"


def _missing_files(new: Side, model: dict[str, Any], touched: list[Any], node: Node) -> Iterator[str]:
    """Files that services need and the repository lacks. A missing folder is where a service keeps its data."""
    missing = {
        (mount.source, mount.code is ReasonCode.SECURITY_PROFILE)
        for service in touched
        if service in model["services"]
        for mount in find_mounts(service, model, node)
        if mount.source in new.places and not new.places[mount.source].kind
    }
    mounted = sorted(path for path, is_profile in missing if not is_profile and _looks_like_file(path))
    if mounted:
        yield f"{_listed(mounted)} is mounted and not in the repository: without it the engine makes a folder"
    profiles = sorted(path for path, is_profile in missing if is_profile)
    if profiles:
        yield (
            f"{_listed(profiles)} is a profile of seccomp and not in the repository: "
            "without it compose makes no container"
        )


def _unwritable(model: dict[str, Any], touched: list[Any]) -> Iterator[str]:
    """Secrets and configs that compose cannot put into containers: those elsewhere, and texts in read-only services.

    It finds out when it makes the container, or when it has made it (docker/compose v2.40.3 pkg/compose/create.go,
    secrets.go).
    """
    for service in touched:
        spec = model["services"].get(service) or {}
        for section in ("secrets", "configs"):
            for one in spec.get(section) or ():
                defined = (model.get(section) or {}).get(one.get("source")) or {}
                what = f"{section.removesuffix('s')} {one.get('source')}"
                if defined.get("external"):
                    yield f"{service} cannot start: the {what} is external, and compose takes none from elsewhere"
                elif spec.get("read_only") and (defined.get("environment") or defined.get("content")):
                    yield f"{service} cannot start: compose puts the {what} into a read-only service only from a file"


def _build_secrets(change: StackChange) -> Iterator[str]:
    """Secrets that an image is built with and that changed: what the builder has kept does not depend on them."""
    before, after = change.models
    was, now = unseen_contents(change.old), unseen_contents(change.new)
    for service, spec in after["services"].items():
        then = ((before.get("services") or {}).get(service) or {}).get("build") or {}
        had = {one.get("source") for one in then.get("secrets") or ()}
        for one in (spec.get("build") or {}).get("secrets") or ():
            name = str(one.get("source"))
            place, sides = f"secrets.{name}", [(model.get("secrets") or {}).get(name) for model in (before, after)]
            if name in had and (was.get(place) != now.get(place) or sides[0] != sides[1]):
                yield f"the secret {name} is another one: for that alone no other image of {service} is made"


def _unlikely_builds(change: StackChange, services: tuple[ServicePlan, ...]) -> Iterator[str]:
    for plan, problem in _build_problems(change, services):
        yield f"{problem.text}: unless the node has it, the image of {plan.service} cannot be built"


def _looks_like_file(path: str) -> bool:
    return "." in posixpath.basename(path).lstrip(".")


def _owned_networks(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Networks that somebody else made, and that the stack is to make itself from now on."""
    theirs = {
        (body or {}).get("name") for body in (before.get("networks") or {}).values() if (body or {}).get("external")
    }
    for body in (after.get("networks") or {}).values():
        name = (body or {}).get("name")
        if name in theirs and not (body or {}).get("external"):
            text = f"the network {name} was external, and is to be made by the stack: the node refuses to change"
            other = "the stack while a network is there that compose did not make under the same key"
            yield f"{text} {other}. Keep `external: true`, or remove the network first"


def _external_volumes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    then = {str((body or {}).get("name")) for body in (before.get("volumes") or {}).values()}
    for body in (after.get("volumes") or {}).values():
        name = str((body or {}).get("name"))
        if (body or {}).get("external") and name not in then:
            yield f"the volume {name} has to be on the node already: it is external, and compose makes none"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def find_missing(variables: tuple[Variable, ...], node: Node) -> tuple[str, ...]:
    """The variables without a default that the fleet file does not set for `node`; the node itself may."""
    return tuple(v.name for v in variables if v.default is None and v.name not in node.variables)
