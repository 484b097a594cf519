"""Find ports that an order needs and that something else holds, before anything is stopped."""

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
from bot.engine.containers import Container, HostPort, parse_port
from bot.engine.docker import Docker, DockerError

_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


class PortBinding(NamedTuple):
    """A port of the host that a service is to publish."""

    project: str
    service: ServiceName
    port: HostPort


def requested_ports(
    project: str, services: Iterable[ServiceName], model: Mapping[str, Any]
) -> tuple[PortBinding, ...]:
    """The host ports that `services` of a resolved model ask for. Ranges and random ports are left to the engine."""
    found = []
    for service in services:
        for spec in (model["services"].get(service) or {}).get("ports") or ():
            published = str(spec.get("published") or "")
            if published.isdecimal() and int(published):
                port = parse_port(published, spec.get("protocol") or "", spec.get("host_ip") or "")
                found.append(PortBinding(project, service, port))
    return tuple(found)


def find_port_conflicts(
    bindings: Iterable[PortBinding],
    running: Iterable[Container],
    leaving: Iterable[tuple[str, ServiceName]],
    docker: Docker,
) -> list[str]:
    """One line for each port that is taken. `leaving` are the services whose containers this order removes."""
    bindings, running = tuple(bindings), tuple(running)
    going = set(leaving)
    conflicts = []
    for index, binding in enumerate(bindings):
        twin = next((other for other in bindings[:index] if other.port.conflicts_with(binding.port)), None)
        holder = next((c for c in running if any(port.conflicts_with(binding.port) for port in c.ports)), None)
        if twin is not None and (twin.project, twin.service) != (binding.project, binding.service):
            conflicts.append(f"{_name(binding)} and {_name(twin)} both ask for port {binding.port}")
        elif holder is not None and (holder.project, holder.service) not in going:
            conflicts.append(f"port {binding.port} of {_name(binding)} is held by {_holder(holder)}")
        elif holder is None and is_taken(binding.port) and shares_our_network(docker):
            conflicts.append(f"port {binding.port} of {_name(binding)} is held by a program of this machine")
    return conflicts


def is_taken(port: HostPort) -> bool:
    """Whether a program of this machine listens there, as far as this user may find out."""
    kind = _KINDS.get(port.protocol)
    if kind is None:
        return False
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if sys.platform == "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that just ended holds nothing
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
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(path)
            pid, _, _ = struct.unpack("3i", engine.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return os.path.samestat(Path(f"/proc/{pid}/ns/net").stat(), Path("/proc/self/ns/net").stat())
    except PermissionError:
        return _has_bridge(docker)  # another user's engine: does the address of its bridge exist here?
    except OSError:
        return False


def _has_bridge(docker: Docker) -> bool:
    try:
        gateway = docker.bridge_gateway()
        with socket.socket() as probe:
            probe.bind((gateway, 0))
    except (DockerError, OSError):
        return False
    return bool(gateway)


def _name(binding: PortBinding) -> str:
    return f"{binding.project}/{binding.service}"


def _holder(container: Container) -> str:
    if container.project:
        return f"{container.project}/{container.service}"
    return f"the container {container.id[:12]} ({container.image_name})"
