"""Find who depends on what other stacks replace: containers by name (`container:NAME`, links), and images. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from bot.domain.names import ServiceName
from bot.plan.causes import Cause, ReasonCode, find_source
from bot.plan.image_sources import image_name
from bot.plan.model import StackPlan
from bot.plan.rendering import Rendering
from bot.plan.scale import replicas
from bot.protocol.action import Action

NAMESPACES = ("network_mode", "ipc", "pid")
_BRIDGES = ("bridge", "default")  # names of the engine's own network
_MADE = {Action.RECREATE: Action.RECREATE, Action.REBUILD: Action.RECREATE, Action.RESTART: Action.RESTART}

Replaced = Mapping[str, Action]
"""Containers that are recreated or restarted, by name.

Behind `volumes:` those with new content in what they mount; behind `image:` images that are rebuilt, by name.
"""
T = TypeVar("T")


def settle(
    follows: Sequence[frozenset[str]], decide: Callable[[int, Replaced], T], replaced_by: Callable[[int, T], Replaced]
) -> tuple[T, ...]:
    """Decide stacks, each with what the others replace of the containers that it follows.

    A stack is decided again while that changes: it only grows.
    """
    seen: list[Replaced] = [{} for _ in follows]
    decided = [decide(number, {}) for number in range(len(follows))]
    while True:
        replaced = [replaced_by(number, one) for number, one in enumerate(decided)]
        others: list[Replaced] = [
            {
                name: one[name]
                for at, one in enumerate(replaced)
                if at != number
                for name in sorted(names & one.keys())
            }
            for number, names in enumerate(follows)
        ]
        if others == seen:
            return tuple(decided)
        for number, (was, now) in enumerate(zip(seen, others, strict=True)):
            if was != now:
                decided[number] = decide(number, now)
        seen = others


def followed(services: Mapping[str, Any], bases: Mapping[ServiceName, Collection[str]]) -> frozenset[str]:
    """What `services` depend on by name, as in Replaced; `bases` are the images that they are built on."""
    specs = services.values()
    shared = {container_of(spec.get(field)) for spec in specs for field in NAMESPACES}
    mounted = {container_of(one) for spec in specs for one in spec.get("volumes_from") or ()}
    linked = {one for spec in specs for one in linked_to(spec, "external_links")}
    containers = (shared | mounted | linked) - {""}
    images = itertools.chain(*(used_images(spec) for spec in specs), *bases.values())
    return frozenset({*containers, *map(_volumes_key, mounted - {""}), *map(_image_key, images)})


def held_containers(model: Mapping[str, Any]) -> dict[str, str]:
    """The names of a stack's containers, each with its service."""
    return {
        container_name(model.get("name"), service, spec): service
        for service, spec in (model.get("services") or {}).items()
        if replicas(spec)
    }


def find_replaced(
    plans: Iterable[StackPlan], before: Mapping[str, Any], after: Mapping[str, Any], held: Collection[str]
) -> Replaced:
    """What the plans of one stack replace: its containers, and the images that it builds again.

    A new container replaces the one that has had its name until now, of whichever stack: `held` are those names.
    """
    found: dict[str, Action] = {}
    for plan in plans:
        own = held_containers(before) if before.get("name") == plan.project else {}
        for one in plan.services:
            spec = (after.get("services") or {}).get(one.service)
            if spec is None:
                continue
            name = container_name(plan.project, one.service, spec)
            if one.action in _MADE:
                found[name] = _MADE[one.action]
            elif one.action is Action.CREATE and name in held and own.get(name) != one.service:
                found[name] = Action.RECREATE
            if any(reason.code is ReasonCode.BIND_CONTENT for reason in one.reasons):
                found[_volumes_key(name)] = Action.RESTART
            if one.action is Action.REBUILD:
                found |= dict.fromkeys(map(_image_key, made_images(plan.project, one.service, spec)), Action.REBUILD)
    return found


def container_name(project: object, service: str, spec: Mapping[str, Any]) -> str:
    """The name of a service's (first) container."""
    return str(spec.get("container_name") or f"{project}-{service}-1")


def follower_causes(
    services: Mapping[str, Any], rendering: Rendering, replaced: Mapping[str, Action]
) -> Iterator[tuple[str, Cause]]:
    """Find the services that share a namespace or volumes of a container of another stack, or are linked to one.

    `replaced` are the names of the other stacks' containers that are recreated, or restarted.
    """
    for name, spec in services.items():
        for field in NAMESPACES:
            origin = container_of(spec.get(field))
            if origin in replaced:
                yield name, shared_cause(name, field, origin, replaced[origin], rendering)
        for origin in linked_to(spec, "external_links"):
            if replaced.get(origin) is Action.RECREATE:
                yield name, linked_cause(name, "external_links", origin, rendering)
        for mounted in spec.get("volumes_from") or ():
            origin = container_of(mounted)
            if replaced.get(origin) is Action.RECREATE:
                yield name, volumes_cause(name, origin, Action.RECREATE, rendering)
            elif _volumes_key(origin) in replaced:
                yield name, volumes_cause(name, origin, Action.RESTART, rendering)


def built_elsewhere(
    services: Mapping[str, Any],
    bases: Mapping[ServiceName, Collection[str]],
    rendering: Rendering,
    replaced: Replaced,
) -> Iterator[tuple[str, Cause]]:
    """Find the services that run, mount, or are built on, an image that another stack builds again."""
    for name, spec in services.items():
        for image in bases.get(ServiceName(name), ()):
            if _image_key(image) in replaced:
                text = f"is built on {image}, which another stack rebuilds"
                where = find_source(rendering, f"services.{name}.build")
                yield name, Cause(Action.REBUILD, ReasonCode.IMAGE_REBUILT, text, where)
        for image in run_images(spec):
            if _image_key(image) in replaced:
                text = f"another stack rebuilds its image {image}: recreated only if that comes out different"
                where = find_source(rendering, f"services.{name}.image")
                yield name, Cause(Action.RECREATE, ReasonCode.IMAGE_REBUILT, text, where, if_different=True)
        for image in mounted_images(spec):
            if _image_key(image) in replaced:
                text = f"mounts the image {image}, which another stack rebuilds"
                where = find_source(rendering, f"services.{name}.volumes")
                yield name, Cause(Action.RECREATE, ReasonCode.IMAGE_REBUILT, text, where)


def used_images(spec: Mapping[str, Any]) -> list[str]:
    """The images that a service runs or mounts without building them."""
    return [*run_images(spec), *mounted_images(spec)]


def made_images(project: object, service: str, spec: Mapping[str, Any]) -> frozenset[str]:
    """The images that a service with a build makes, as `image_name` spells them; none without one."""
    build = spec.get("build")
    if not isinstance(build, Mapping):
        return frozenset()
    names = (spec.get("image") or f"{project}-{service}", *(build.get("tags") or ()))
    return frozenset(image_name(str(name)) for name in names)


def run_images(spec: Mapping[str, Any]) -> list[str]:
    """The image that a service runs without building it."""
    return [] if spec.get("build") or not spec.get("image") else [str(spec["image"])]


def mounted_images(spec: Mapping[str, Any]) -> list[str]:
    """The images that a service mounts."""
    return [str(one.get("source")) for one in spec.get("volumes") or () if one.get("type") == "image"]


def _volumes_key(container: str) -> str:
    return f"volumes:{container}"


def _image_key(image: str) -> str:
    return f"image:{image_name(image)}"


def container_of(value: object) -> str:
    """The container that `container:NAME` (with a mode behind it or not) means; "" for anything else."""
    kind, _, rest = str(value or "").partition(":")
    return rest.partition(":")[0] if kind == "container" else ""


def linked_to(spec: Mapping[str, Any], field: str) -> list[str]:
    """What `links` or `external_links` name of a service on the engine's own bridge.

    There the engine links containers by their ids: it does not start one again whose other end is gone. On any other
    network a link is only a name.
    """
    on_bridge = spec.get("network_mode") in _BRIDGES
    return [str(one).partition(":")[0] for one in spec.get(field) or ()] if on_bridge else []


def linked_cause(name: str, field: str, origin: str, rendering: Rendering) -> Cause:
    """The cause of a service that is linked to `origin`, which is recreated."""
    at = find_source(rendering, f"services.{name}.{field}")
    text = f"is linked to {origin} on the engine's bridge, which is recreated"
    return Cause(Action.RECREATE, ReasonCode.LINKED, text, at)


def shared_cause(name: str, field: str, origin: str, action: Action, rendering: Rendering) -> Cause:
    """The cause of a service that shares a namespace of `origin`, which is recreated or restarted."""
    text = (
        f"shares {_shared(field)} with {origin}, which is {'restarted' if action is Action.RESTART else 'recreated'}"
    )
    return Cause(action, ReasonCode.NAMESPACE_SHARED, text, find_source(rendering, f"services.{name}.{field}"))


def volumes_cause(name: str, origin: str, action: Action, rendering: Rendering) -> Cause:
    """The cause of a service that mounts the volumes of `origin`: another container now, or with new content."""
    at = find_source(rendering, f"services.{name}.volumes_from")
    if action is Action.RESTART:
        text = f"mounts the volumes of {origin}, whose content changed"
        return Cause(Action.RESTART, ReasonCode.VOLUMES_FROM, text, at)
    return Cause(Action.RECREATE, ReasonCode.VOLUMES_FROM, f"mounts the volumes of {origin}", at)


def _shared(field: str) -> str:
    return {"network_mode": "the network", "ipc": "memory (ipc)", "pid": "processes (pid)"}[field]
