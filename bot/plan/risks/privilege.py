"""Risks of privilege: what a container may do on the node beyond what containers usually may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.domain import risk_rules as rules
from bot.plan.risks.pairs import Found, NamedMount, ServicePair, as_list, as_map, read_mounts
from bot.redaction.shapes import word_set

_STRONG = word_set(
    "ALL SYS_ADMIN SYS_MODULE SYS_PTRACE SYS_RAWIO SYS_BOOT SYS_TIME NET_ADMIN DAC_READ_SEARCH DAC_OVERRIDE BPF "
    "PERFMON MAC_ADMIN MAC_OVERRIDE SYSLOG MKNOD AUDIT_CONTROL"
)
_SOCKETS = re.compile(r"(?:docker|containerd|podman|crio|dockershim)\.sock$|[\\/]+\.[\\/]pipe[\\/]docker_engine$")
_HOLDS_SOCKET = ("/var/run", "/run", "/var", "/")
_SYSTEM = word_set(
    "/ /etc /root /proc /sys /boot /dev /var /usr /bin /sbin /lib /lib64 /home /opt /srv /run /var/run /var/lib "
    "/var/lib/docker /var/log /etc/shadow /etc/passwd /etc/ssh /root/.ssh ~ ~/.ssh ~/.docker"
)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]?(?:(?:windows|users|programdata|program files)[\\/]?)?", re.IGNORECASE)
_NAMESPACES = {"pid": "process", "ipc": "IPC", "userns_mode": "user", "uts": "UTS", "cgroup": "cgroup"}
_LOOSE = re.compile(r"(?:(?:seccomp|apparmor|systempaths)[:=]unconfined|label[:=]disable)")
_ROOT = frozenset(("", "0", "root", "0:0", "root:root"))


def check_privilege(service: ServicePair) -> Iterator[Found]:
    """Find everything that widens what a service may do."""
    place = service.place
    if service.new.get("privileged") and not service.old.get("privileged"):
        text = "runs privileged: it can do on the node whatever root can"
        yield Found(rules.PRIVILEGED, text, f"{place}.privileged")
    for capability in service.added("cap_add"):
        name = str(capability).upper().removeprefix("CAP_")
        rule = rules.STRONG_CAPABILITY if name in _STRONG else rules.CAPABILITY
        yield Found(rule, f"gets capability {name}", f"{place}.cap_add")
    for field, kind in _NAMESPACES.items():
        changed = service.changed(field)
        if changed and changed[1] == "host":
            yield Found(rules.HOST_NAMESPACE, f"joins the node's {kind} namespace", f"{place}.{field}")
    for device in service.added("devices"):
        yield Found(rules.DEVICE, f"gets device {_device(device)}", f"{place}.devices")
    yield from _confinement(service)
    was, now = str(service.old.get("user") or ""), str(service.new.get("user") or "")
    if service.old and service.new and now != was and now in _ROOT and was not in _ROOT:
        yield Found(
            rules.ROOT_USER, f"ran as user {was}, now as {now or 'the default of its image'}", f"{place}.user"
        )


def _device(device: Any) -> str:
    return str(as_map(device).get("source") or device)


def _confinement(service: ServicePair) -> Iterator[Found]:
    place = f"{service.place}.security_opt"
    for option in service.added("security_opt"):
        if _LOOSE.fullmatch(str(option)):
            yield Found(rules.UNCONFINED, f"runs with {option}", place)
    if service.new and any("no-new-privileges" in str(o) for o in as_list(service.old.get("security_opt"))):
        kept = (str(option) for option in as_list(service.new.get("security_opt")))
        if not any("no-new-privileges" in option and not option.endswith("false") for option in kept):
            yield Found(rules.UNCONFINED, "loses no-new-privileges", place)


def check_binds(service: ServicePair) -> Iterator[Found]:
    """Find mounts of system folders and of the engine's socket."""
    if service.new.get("use_api_socket") and not service.old.get("use_api_socket"):
        yield Found(rules.DOCKER_SOCKET, "gets the engine's socket", f"{service.place}.use_api_socket")
    before = {(m.source, m.target): m for m, _ in read_mounts(service.old, service.stack_old).values()}
    for mount, index in read_mounts(service.new, service.stack_new).values():
        same = before.get((mount.source, mount.target))
        if mount.kind not in ("bind", "npipe") or (same and (mount.read_only or not same.read_only)):
            continue
        place = f"{service.place}.volumes.{index}"
        source = mount.source.rstrip("/") or "/"
        if _SOCKETS.search(source):
            yield Found(rules.DOCKER_SOCKET, f"gets the engine's socket ({source})", place)
        elif source in _SYSTEM or _DRIVE.fullmatch(source):
            yield Found(rules.SYSTEM_BIND, f"gets {source} of the node{_how(mount)}", place)
            if source in _HOLDS_SOCKET:
                yield Found(rules.DOCKER_SOCKET, f"gets {source}, which holds the engine's socket", place)


def _how(mount: NamedMount) -> str:
    return ", read-only" if mount.read_only else ", writable"
