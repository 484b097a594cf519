"""Ports that an order wants and somebody else holds: found before anything is stopped."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bot.domain.names import ServiceName
from bot.engine.containers import Container, Port, parse_port
from bot.engine.docker import Docker, DockerError
from bot.protocol.action import Action

_STARTS = (Action.CREATE, Action.RECREATE, Action.REBUILD)
_GOES = (*_STARTS, Action.REMOVE)
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


class Wish(NamedTuple):
    """A port that a service is to get."""

    project: str
    service: ServiceName
    port: Port


def wished_ports(project: str, services: Iterable[ServiceName], model: Mapping[str, Any]) -> tuple[Wish, ...]:
    """The ports of the host that `services` of a resolved model name; ranges and random ones find their own."""
    found = []
    for service in services:
        for spec in (model["services"].get(service) or {}).get("ports") or ():
            published = str(spec.get("published") or "")
            if published.isdecimal() and int(published):
                port = parse_port(published, spec.get("protocol") or "", spec.get("host_ip") or "")
                found.append(Wish(project, service, port))
    return tuple(found)


def find_port_conflicts(
    wishes: Iterable[Wish], running: Iterable[Container], leaving: Iterable[tuple[str, ServiceName]], docker: Docker
) -> list[str]:
    """A line for every port that cannot be had. `leaving` are services whose containers go in this order."""
    wishes, running = tuple(wishes), tuple(running)
    going = set(leaving)
    told = []
    for index, wish in enumerate(wishes):
        twin = next((other for other in wishes[:index] if other.port.meets(wish.port)), None)
        holder = next((c for c in running if any(port.meets(wish.port) for port in c.ports)), None)
        if twin is not None and (twin.project, twin.service) != (wish.project, wish.service):
            told.append(f"{_name(wish)} and {_name(twin)} both want port {wish.port}")
        elif holder is not None and (holder.project, holder.service) not in going:
            told.append(f"port {wish.port} of {_name(wish)} is held by {_who(holder)}")
        elif holder is None and is_taken(wish.port) and shares_our_network(docker):
            told.append(f"port {wish.port} of {_name(wish)} is held by a program of this machine")
    return told


def is_taken(port: Port) -> bool:
    """Whether a program of this machine listens there, as far as this user may find out."""
    kind = _KINDS.get(port.protocol)
    if kind is None:
        return False
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if sys.platform == "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that just ended is nobody
        try:
            probe.bind((port.address, port.number))
        except OSError as problem:
            return problem.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", None))
    return False


def shares_our_network(docker: Docker) -> bool:
    """Whether ports of the engine's host are ports of this machine as this process sees it; in doubt, no."""
    kind, _, path = docker.host.partition("://")
    if kind == "npipe":
        return True
    if kind != "unix" or not hasattr(socket, "SO_PEERCRED"):
        return False
    try:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(path)
            pid, _, _ = struct.unpack("3i", asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return os.path.samestat(Path(f"/proc/{pid}/ns/net").stat(), Path("/proc/self/ns/net").stat())
    except PermissionError:
        return _has_address(docker)  # another user's engine: does its bridge's address exist here?
    except OSError:
        return False


def _has_address(docker: Docker) -> bool:
    try:
        gateway = docker.run("network", "inspect", "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}", "bridge")
        with socket.socket() as probe:
            probe.bind((gateway.split()[0], 0))
    except (DockerError, OSError, IndexError):
        return False
    return True


def _name(wish: Wish) -> str:
    return f"{wish.project}/{wish.service}"


def _who(container: Container) -> str:
    if container.project:
        return f"{container.project}/{container.service}"
    return f"the container {container.id[:12]} ({container.image_name})"
