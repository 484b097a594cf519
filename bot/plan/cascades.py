"""Find what else a change affects: who depends on a changed service, network or volume. Pure.

As docker/compose v2.40.3 does it (pkg/compose/convergence.go, create.go, restart.go):

- who shares a namespace of a container, or mounts its volumes, names it by its id: a new container means a new one
  for all of them. A restart alone gives a container a new network namespace, so that who shares it starts again.
  Compose itself follows `service:` only; `container:` may name one of another stack, and the engine keeps its id too;
- who is linked to a container on the engine's own bridge names it by its id, too. Compose by itself restarts who
  names it in `links`, and fails ("Cannot link to a non running container");
- `depends_on: restart: true` restarts who depends on a service that was recreated, one step far; an explicit
  restart goes on to those who depend on these;
- a network with another configuration is recreated, with everything that is attached to it, of other stacks too.
  Compose itself only reconnects the containers of its own project, which then lose the names by which others find
  them, and fails when another project's are attached: so all of them are recreated;
- a network of another name is another network. Later versions only reconnect the containers of one that the stack
  owns (bot.plan.compose_versions), and they lose their names then, too;
- a volume of another name is another volume. One of the same name keeps its configuration, and its data.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from bot.domain.names import ServiceName
from bot.plan.causes import Cause, ReasonCode, find_source
from bot.plan.followers import (
    NAMESPACES,
    container_name,
    container_of,
    linked_cause,
    linked_to,
    made_images,
    mounted_images,
    run_images,
    shared_cause,
    volumes_cause,
)
from bot.plan.image_sources import image_name
from bot.plan.rendering import Rendering
from bot.plan.scale import replicas
from bot.protocol.action import Action

_REPLACES = (Action.RECREATE, Action.REBUILD)

Causes = dict[str, list[Cause]]
"""The causes by service, of services that exist before and after."""


def remade_networks(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Find the real names of the stack's own networks that have to go before its containers are recreated.

    Those are the networks with another configuration; those that the files call by another key, whose label compose
    refuses; and those that got another name while a service joins them, which compose would cut off from the old one.
    """
    networks, then = after.get("networks") or {}, before.get("networks") or {}
    found = []
    for key in _renamed_or_changed(before, after, "networks"):
        if networks[key].get("name") == _name(before, key):
            found.append(networks[key]["name"])
        elif not _is_external(before, after, key) and _has_joined(before, after, key):
            found.append(_name(before, key))
    own = {(body or {}).get("name"): key for key, body in then.items() if not (body or {}).get("external")}
    for key, body in networks.items():
        name = (body or {}).get("name")
        if own.get(name, key) != key and not (body or {}).get("external"):
            found.append(name)
    return tuple(dict.fromkeys(str(name) for name in found))


def _has_joined(before: Mapping[str, Any], after: Mapping[str, Any], network: str) -> bool:
    """Whether a service that was there is on `network` now, and was not."""
    then = before["services"]
    return any(
        network in (spec.get("networks") or {})
        and service in then
        and network not in (then[service].get("networks") or {})
        for service, spec in after["services"].items()
    )


def _name(model: Mapping[str, Any], network: str) -> object:
    return model["networks"][network].get("name")


def resource_causes(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    rendering: Rendering,
    remade: Collection[str],
    reconnects: bool = False,
) -> Iterator[tuple[str, Cause]]:
    """Find the services that a changed network or volume recreates. `remade` are networks of any stack.

    `reconnects`: compose would only reconnect the containers of a network of another name.
    """
    moved = set(_renamed_or_changed(before, after, "networks"))
    for key, network in (after.get("networks") or {}).items():
        name = (network or {}).get("name")
        if key in moved or (name in remade and (network or {}).get("external")):
            was = _name(before, key) if key in moved else name
            text = f"network {key} " + ("is recreated" if was == name else f"is {name} instead of {was}")
            if reconnects and was != name and not _is_external(before, after, key):
                text += ", where compose alone would leave it without its names"
            where = find_source(rendering, f"networks.{key}")
            for service, spec in after["services"].items():
                if key in (spec.get("networks") or {}):
                    yield service, Cause(Action.RECREATE, ReasonCode.NETWORK_CHANGED, text, where)
    for service, spec in after["services"].items():
        mode = spec.get("network_mode")
        if mode in remade:
            where = find_source(rendering, f"services.{service}.network_mode")
            yield service, Cause(Action.RECREATE, ReasonCode.NETWORK_CHANGED, f"network {mode} is recreated", where)
    for key in _renamed_or_changed(before, after, "volumes"):
        was, now = before["volumes"][key], after["volumes"][key]
        text = f"volume {key} is {now.get('name')} instead of {was.get('name')}"
        for service, spec in after["services"].items():
            if any(v.get("type") == "volume" and v.get("source") == key for v in spec.get("volumes") or ()):
                where = find_source(rendering, f"volumes.{key}")
                yield service, Cause(Action.RECREATE, ReasonCode.VOLUME_MOVED, text, where)


def _renamed_or_changed(before: Mapping[str, Any], after: Mapping[str, Any], section: str) -> Iterator[str]:
    """Find the keys of networks or volumes that now name another one."""
    then, now = before.get(section) or {}, after.get(section) or {}
    for key in sorted(set(then) & set(now)):
        was, becomes = then[key] or {}, now[key] or {}
        external = section == "networks" and _is_external(before, after, key)
        if was.get("name") != becomes.get("name") or (
            section == "networks" and not external and _plain(was) != _plain(becomes)
        ):
            yield key


def _is_external(before: Mapping[str, Any], after: Mapping[str, Any], network: str) -> bool:
    return any((model["networks"][network] or {}).get("external") for model in (before, after))


def _plain(network: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in network.items() if not key.startswith("x-")}


def image_causes(
    model: Mapping[str, Any],
    rebuilt: Iterable[str],
    rendering: Rendering,
    bases: Mapping[ServiceName, Collection[ServiceName]],
) -> Iterator[tuple[str, Cause]]:
    """Find the services that run, mount, or are built on, an image that another service rebuilds.

    `bases` are the services whose images a Dockerfile names.
    """
    services = model["services"]
    waiting = deque(rebuilt)
    seen = set(waiting)
    while waiting:
        builder = waiting.popleft()
        images = made_images(model.get("name"), builder, services[builder])
        for service, spec in services.items():
            contexts = ((spec.get("build") or {}).get("additional_contexts") or {}).values()
            if service == builder:
                continue
            if f"service:{builder}" in contexts or builder in bases.get(ServiceName(service), ()):
                text = f"is built on {builder}, which is rebuilt"
                where = find_source(rendering, f"services.{service}.build.additional_contexts")
                yield service, Cause(Action.REBUILD, ReasonCode.IMAGE_REBUILT, text, where)
                if service not in seen:
                    seen.add(service)
                    waiting.append(service)
            elif any(image_name(image) in images for image in mounted_images(spec)):
                text, where = f"mounts the image of {builder}", find_source(rendering, f"services.{service}.volumes")
                yield service, Cause(Action.RECREATE, ReasonCode.IMAGE_REBUILT, text, where)
            elif any(image_name(image) in images for image in run_images(spec)):
                text = f"{builder} rebuilds its image: recreated only if that comes out different"
                where = find_source(rendering, f"services.{service}.image")
                yield service, Cause(Action.RECREATE, ReasonCode.IMAGE_REBUILT, text, where, if_different=True)


def lender_causes(
    before: Mapping[str, Any], after: Mapping[str, Any], rendering: Rendering
) -> Iterator[tuple[str, Cause]]:
    """Find the services that share something of one that has fewer containers from now on, or are linked to it.

    It may be that container.
    """
    fewer = {
        name
        for name, spec in after["services"].items()
        if name in before["services"] and 0 < replicas(spec) < replicas(before["services"][name])
    }
    for name, spec in after["services"].items():
        for field in NAMESPACES:
            origin = str(spec.get(field) or "").removeprefix("service:")
            if origin in fewer and spec[field] != origin:
                text = f"{field} is that of {origin}, which loses containers"
                where = find_source(rendering, f"services.{name}.{field}")
                yield name, Cause(Action.RECREATE, ReasonCode.NAMESPACE_SHARED, text, where)
        for origin in sorted(fewer.intersection(linked_to(spec, "links"))):
            text = f"is linked to {origin} on the engine's bridge, which loses containers"
            where = find_source(rendering, f"services.{name}.links")
            yield name, Cause(Action.RECREATE, ReasonCode.LINKED, text, where)


def add_causes(causes: Causes, found: Iterable[tuple[str, Cause]]) -> None:
    """Add what was found for services that exist before and after; others are created or removed."""
    for name, cause in found:
        if name in causes:
            causes[name].append(cause)


def spread(causes: Causes, model: Mapping[str, Any], rendering: Rendering) -> None:
    """Add to `causes` what follows from them for the services of `model`, until nothing new does."""
    services = model["services"]
    waiting = deque(name for name, found in causes.items() if found)
    while waiting:
        origin = waiting.popleft()
        container = container_name(model.get("name"), origin, services[origin])
        for name, cause in _consequences(origin, container, causes[origin], services, rendering):
            if name in causes and not any((c.code, c.text) == (cause.code, cause.text) for c in causes[name]):
                causes[name].append(cause._replace(origin=origin))
                waiting.append(name)


def _consequences(
    origin: str, container: str, causes: list[Cause], services: Mapping[str, Any], rendering: Rendering
) -> Iterator[tuple[str, Cause]]:
    replaced = any(cause.action in _REPLACES for cause in causes)
    restarts = [cause for cause in causes if cause.action is Action.RESTART]
    explicit = any(cause.spreads for cause in restarts)
    if not replaced and not restarts:
        return
    action, done = (Action.RECREATE, "recreated") if replaced else (Action.RESTART, "restarted")
    for name, spec in services.items():
        for field in NAMESPACES:
            if spec.get(field) == f"service:{origin}" or container_of(spec.get(field)) == container:
                yield name, shared_cause(name, field, origin, action, rendering)
        for field, linked in (("links", origin), ("external_links", container)):
            if replaced and linked in linked_to(spec, field):
                yield name, linked_cause(name, field, linked, rendering)
        mounted = [str(one) for one in spec.get("volumes_from") or ()]
        by_name = any(container == container_of(one) for one in mounted)
        if replaced and (by_name or any(origin == one.partition(":")[0] for one in mounted)):
            yield name, volumes_cause(name, origin, Action.RECREATE, rendering)
        elif by_name and any(cause.code is ReasonCode.BIND_CONTENT for cause in restarts):
            yield name, volumes_cause(name, origin, Action.RESTART, rendering)
        depends = (spec.get("depends_on") or {}).get(origin) or {}
        if depends.get("restart") and (replaced or explicit):
            at = find_source(rendering, f"services.{name}.depends_on.{origin}")
            text = f"depends on {origin}, which is {done}"
            yield name, Cause(Action.RESTART, ReasonCode.DEPENDENCY_RESTARTED, text, at, spreads=not replaced)
