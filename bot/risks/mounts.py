"""Risks of what a container is given of the node: folders, sockets, devices, and volumes made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.domain import host_rules as rules
from bot.plan.rendering import OUTSIDE
from bot.risks.host_paths import Holds, judge_device, judge_path
from bot.risks.pairs import (
    Found,
    Model,
    NamedMount,
    ServicePair,
    StackPair,
    as_list,
    as_map,
    read_mounts,
    volume_name,
)

# All devices, disks, the memory, input devices, and whole groups such as all terminals.
_STRONG_NUMBERS = re.compile(r"(?:a.*|b .*|c \*:.*|c 1:.*|c 13:.*|c (?:4|5|7|10):\*.*)")
_NETWORK_DRIVES = ("nfs", "nfs3", "nfs4", "cifs", "smb3", "smbfs")
_MADE_HERE = ("", "none", "bind", "tmpfs")
_BIND = frozenset(("bind", "rbind"))
_MOST_INHERITED = 20  # services whose volumes a service takes over


def check_binds(service: ServicePair) -> Iterator[Found]:
    """Find mounts of system folders and of the engine's socket, also those taken over from another service."""
    if service.new.get("use_api_socket") and not service.old.get("use_api_socket"):
        yield Found(rules.DOCKER_SOCKET, "gets the engine's socket", f"{service.place}.use_api_socket")
    before = {(m.source, m.target): m for m, _ in _all_mounts(service.old, service.stack_old, service.place)}
    for mount, place in _all_mounts(service.new, service.stack_new, service.place):
        same = before.get((mount.source, mount.target))
        if mount.kind not in ("bind", "npipe") or (same and (mount.read_only or not same.read_only)):
            continue
        yield from _judge(mount.source, place, read_only=mount.read_only)
    yield from _ways_to_mount(service)


def check_links(pair: StackPair) -> Iterator[Found]:
    """Judge links out of the checkout by where they lead; one that cannot be followed may lead anywhere."""
    for mount in pair.leaving:
        if mount.target == OUTSIDE:
            text = f"gets {mount.source}, a link that leads out of the checkout"
            yield Found(rules.SYSTEM_BIND, text, mount.place, service=mount.service)
            continue
        for found in _judge(mount.target, mount.place, read_only=False):
            yield found._replace(text=f"{found.text}, by the link {mount.source}", service=mount.service)


def check_outside(pair: StackPair) -> Iterator[Found]:
    """Judge env files and label files outside the checkout: who writes the stack reads what the node keeps there."""
    for one in pair.outside:
        if OUTSIDE in one.paths:
            text = f"gets a file by {one.key}, and nobody can follow which of the node's it is"
            found = [Found(rules.SYSTEM_BIND, text)]
        else:
            judged = (list(_judge(path, "", read_only=True)) for path in one.paths)
            found = [risk._replace(text=f"{risk.text}, by {one.key}") for risk in next(filter(None, judged), [])]
        for risk in found:
            yield risk._replace(service=one.service or None, where=one.where)


def _all_mounts(service: Model, stack: Model, place: str) -> Iterator[tuple[NamedMount, str]]:
    for mount, index in read_mounts(service, stack).values():
        yield mount, f"{place}.volumes.{index}"
    yield from _files(service, stack, place)
    services, waiting, seen = as_map(stack.get("services")), [service], set[str]()
    while waiting and len(seen) < _MOST_INHERITED:
        for source in as_list(waiting.pop().get("volumes_from")):
            name, _, mode = str(source).partition(":")
            if name in seen or name not in services:
                continue
            seen.add(name)
            waiting.append(as_map(services[name]))
            for mount, _ in read_mounts(as_map(services[name]), stack).values():
                yield mount._replace(read_only=mount.read_only or mode == "ro"), f"{place}.volumes_from"


def _files(service: Model, stack: Model, place: str) -> Iterator[tuple[NamedMount, str]]:
    """Files of configs and secrets: compose mounts them, and a builder reads them, wherever they lie."""
    for owner, at in ((service, place), (as_map(service.get("build")), f"{place}.build")):
        for field in ("configs", "secrets"):
            known = as_map(stack.get(field))
            for index, item in enumerate(as_list(owner.get(field))):
                key = str(as_map(item).get("source") or item)
                source = str(as_map(known.get(key)).get("file") or "")
                if source:
                    target = str(as_map(item).get("target") or key)
                    yield NamedMount("bind", source, target, read_only=True), f"{at}.{field}.{index}"


def _judge(source: str, place: str, *, read_only: bool) -> Iterator[Found]:
    shown = source.rstrip("/") or "/"
    how = ", read-only" if read_only else ", writable"
    match judge_path(source, read_only=read_only):
        case Holds.SOCKET:
            yield Found(rules.DOCKER_SOCKET, f"gets the engine's socket ({shown})", place)
        case Holds.SOCKET_FOLDER:
            yield Found(rules.SYSTEM_BIND, f"gets {shown} of the node{how}", place)
            yield Found(rules.DOCKER_SOCKET, f"gets {shown}, which holds the engine's socket", place)
        case Holds.SYSTEM:
            yield Found(rules.SYSTEM_BIND, f"gets {shown} of the node{how}", place)
        case Holds.STRONG_DEVICE:
            yield Found(rules.STRONG_DEVICE, f"gets {shown} of the node{how}", place)
        case Holds.DEVICE:
            yield Found(rules.DEVICE, f"gets device {shown}", place)
        case Holds.READABLE:
            yield Found(rules.SYSTEM_READ, f"may read {shown} of the node", place)


def _ways_to_mount(service: ServicePair) -> Iterator[Found]:
    before = as_list(service.old.get("volumes"))
    for index, mount in enumerate(as_list(service.new.get("volumes"))):
        bind = as_map(as_map(mount).get("bind"))
        spread = str(bind.get("propagation") or "")
        how = [spread] if "shared" in spread else []
        how += ["relabelled for SELinux"] if bind.get("selinux") == "Z" else []
        if how and mount not in before:
            text = f"{as_map(mount).get('source', '')} is mounted {' and '.join(how)}"
            yield Found(rules.MOUNT_PROPAGATION, text, f"{service.place}.volumes.{index}")


def check_devices(service: ServicePair) -> Iterator[Found]:
    """Find devices, rules that open more of them, and graphics cards."""
    place = service.place
    for device in service.added("devices"):
        source = str(as_map(device).get("source") or device).partition(":")[0] or str(device)
        strong = judge_device(source) is Holds.STRONG_DEVICE
        yield Found(rules.STRONG_DEVICE if strong else rules.DEVICE, f"gets device {source}", f"{place}.devices")
    for rule in service.added("device_cgroup_rules"):
        words = " ".join(str(rule).split())
        kind = rules.STRONG_DEVICE if _STRONG_NUMBERS.fullmatch(words) else rules.DEVICE
        yield Found(kind, f"may use devices {words}", f"{place}.device_cgroup_rules")
    if service.added("gpus"):
        yield Found(rules.DEVICE, "gets graphics cards", f"{place}.gpus")
    reserved = _reserved(service.new)
    if reserved and reserved != _reserved(service.old):
        yield Found(rules.DEVICE, "gets reserved devices", f"{place}.deploy.resources.reservations.devices")


def _reserved(service: Model) -> list[Any]:
    resources = as_map(as_map(service.get("deploy")).get("resources"))
    return as_list(as_map(resources.get("reservations")).get("devices"))


def check_volume_drivers(pair: StackPair) -> Iterator[Found]:
    """Find named volumes that are folders of the node, network drives, made by plug-ins, or somebody else's."""
    before, after = as_map((pair.old or {}).get("volumes")), as_map((pair.new or {}).get("volumes"))
    for key, body in after.items():
        fields, was = as_map(body), as_map(before.get(key))
        place = f"volumes.{key}"
        if fields.get("external") and not was.get("external"):
            text = f"uses volume {volume_name(key, pair.new or {})}, which it does not make itself"
            yield Found(rules.FOREIGN_VOLUME, text, place)
        same = all(fields.get(name) == was.get(name) for name in ("driver", "driver_opts"))
        if not same:
            yield from _driven(key, fields, place)


def _driven(key: str, fields: Model, place: str) -> Iterator[Found]:
    options = {str(name).lower(): str(value) for name, value in as_map(fields.get("driver_opts")).items()}
    driver = str(fields.get("driver") or "local")
    if driver != "local":
        yield Found(rules.VOLUME_DRIVER, f"volume {key} is made by {driver}", f"{place}.driver")
        return
    kind, device, how = options.get("type", ""), options.get("device", ""), options.get("o", "")
    if _BIND.intersection(how.split(",")):
        kind = "bind"  # the kernel asks for no type then
    if kind in _NETWORK_DRIVES:
        yield Found(
            rules.VOLUME_DRIVER, f"volume {key} lies on {device or 'a network drive'}", f"{place}.driver_opts"
        )
        return
    if kind not in _MADE_HERE:
        text = f"volume {key} mounts {device or kind} as {kind}"
        yield Found(rules.STRONG_DEVICE, text, f"{place}.driver_opts")
    read_only = "ro" in how.split(",")
    for path in [device, *re.split(r"[,=:]", how)]:
        if kind != "tmpfs" and (path.startswith(("/", "\\", "~")) or path[1:2] == ":"):
            yield from _judge(path, f"{place}.driver_opts", read_only=read_only)
