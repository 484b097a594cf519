"""Parse what `docker container inspect` prints into containers and their ports. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from bot.domain.errors import BotError
from bot.domain.names import ServiceName
from bot.domain.values import StoredValue, Wire

PROJECT, SERVICE, ONEOFF, CONFIG_HASH = (
    f"com.docker.compose.{name}" for name in ("project", "service", "oneoff", "config-hash")
)
_SECOND = 1_000_000_000  # of the engine's nanoseconds


class HostPort(StoredValue, frozen=True):
    """A port of the host. `address` "" means all of its addresses."""

    number: int
    protocol: str  # tcp, udp, sctp
    address: str = ""

    def conflicts_with(self, other: HostPort) -> bool:
        """Whether two programs cannot listen on both at once."""
        same = (self.number, self.protocol) == (other.number, other.protocol)
        return same and (not self.address or not other.address or self.address == other.address)

    def __str__(self) -> str:
        return f"{self.address + ':' if self.address else ''}{self.number}/{self.protocol}"


class Container(StoredValue, frozen=True, rename={"decides_within": "patience"}):
    """One container of a stack. A node's record keeps these under their JSON names."""

    id: str
    project: str
    service: ServiceName
    image: str  # id of the image it runs
    status: str  # created, running, paused, restarting, removing, exited, dead
    exit_code: int
    started: str  # when it started the last time, as the engine writes it
    restarts: int  # by the engine, since it was made
    restart_policy: str  # no, always, unless-stopped, on-failure
    health: str = ""  # starting, healthy, unhealthy; "" without a healthcheck
    decides_within: float = 0.0  # seconds until its healthcheck has surely decided; 0 without one
    binds: tuple[str, ...] = ()  # host paths that it mounts
    image_name: str = ""  # the image as the stack names it: "traefik:v3.1"
    config: str = ""  # compose's own hash of the service's configuration
    ports: tuple[HostPort, ...] = ()  # those it holds on the host now


class _Health(Wire, frozen=True, rename="pascal"):
    status: str = ""


class _State(Wire, frozen=True, rename="pascal"):
    status: str
    exit_code: int
    started_at: str
    health: _Health | None = None


class _Check(Wire, frozen=True, rename="pascal"):
    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    retries: int = 0
    start_period: int = 0


class _Binding(Wire, frozen=True, rename="pascal"):
    host_ip: str = ""
    host_port: str = ""


class _Endpoint(Wire, frozen=True):
    ipv4: str = msgspec.field(default="", name="IPAddress")
    ipv6: str = msgspec.field(default="", name="GlobalIPv6Address")


class _Network(Wire, frozen=True, rename="pascal"):
    ports: dict[str, list[_Binding] | None] | None = None
    networks: dict[str, _Endpoint | None] | None = None


class _Config(Wire, frozen=True, rename="pascal"):
    image: str = ""
    labels: dict[str, str] | None = None
    healthcheck: _Check | None = None


class _RestartPolicy(Wire, frozen=True, rename="pascal"):
    name: str = ""


class _HostConfig(Wire, frozen=True, rename="pascal"):
    restart_policy: _RestartPolicy = _RestartPolicy()


class _Mount(Wire, frozen=True, rename="pascal"):
    type: str = ""
    source: str = ""


class _Container(Wire, frozen=True, rename="pascal"):
    id: str
    image: str
    state: _State
    config: _Config
    host_config: _HostConfig
    name: str = ""
    restart_count: int = 0
    mounts: list[_Mount] | None = None
    network_settings: _Network = _Network()


def parse_containers(text: str) -> tuple[Container, ...]:
    """The containers in the output of `docker container inspect`. Raises BotError."""
    return tuple(_convert(wire) for wire in _decode(text))


def _decode(text: str) -> list[_Container]:
    try:
        return msgspec.json.decode(text or "[]", type=list[_Container])
    except msgspec.DecodeError as problem:
        raise BotError(
            f"`docker container inspect` printed what cannot be read ({problem}): install docker again"
        ) from None


class Holding(NamedTuple):
    """What one container has for itself beside its ports: its name, and its addresses ("NETWORK/ADDRESS")."""

    name: str = ""
    addresses: frozenset[str] = frozenset()


def parse_holdings(text: str) -> dict[str, Holding]:
    """The names and addresses of containers, by id, in the output of `docker container inspect`. Raises BotError."""
    return {wire.id: _holding(wire) for wire in _decode(text)}


def _holding(wire: _Container) -> Holding:
    addresses = (
        f"{network}/{address}"
        for network, endpoint in (wire.network_settings.networks or {}).items()
        if endpoint
        for address in (endpoint.ipv4, endpoint.ipv6)
        if address
    )
    return Holding(wire.name.removeprefix("/"), frozenset(addresses))


def parse_port(number: str, protocol: str, address: str) -> HostPort:
    """A port as compose and the engine write it; both wildcard addresses become ""."""
    everywhere = address in ("0.0.0.0", "::")  # noqa: S104 - read, not bound
    return HostPort(number=int(number), protocol=protocol or "tcp", address="" if everywhere else address)


def _convert(wire: _Container) -> Container:
    labels = wire.config.labels or {}
    health = wire.state.health.status if wire.state.health else ""
    return Container(
        id=wire.id,
        project=labels.get(PROJECT, ""),
        service=ServiceName(labels.get(SERVICE, "")),
        image=wire.image,
        status=wire.state.status,
        exit_code=wire.state.exit_code,
        started=wire.state.started_at,
        restarts=wire.restart_count,
        restart_policy=wire.host_config.restart_policy.name or "no",
        health="" if health == "none" else health,
        decides_within=_time_to_decide(wire.config.healthcheck),
        binds=tuple(mount.source for mount in wire.mounts or () if mount.type == "bind"),
        image_name=wire.config.image,
        config=labels.get(CONFIG_HASH, ""),
        ports=_ports(wire.network_settings.ports or {}),
    )


def _ports(published: dict[str, list[_Binding] | None]) -> tuple[HostPort, ...]:
    found = (
        parse_port(binding.host_port, name.partition("/")[2], binding.host_ip)
        for name, bindings in published.items()
        for binding in bindings or ()
        if binding.host_port
    )
    return tuple(dict.fromkeys(found))


def _time_to_decide(check: _Check | None) -> float:
    """Seconds until a healthcheck has surely decided. The defaults are the engine's: 30 s, 30 s, 3 times."""
    if check is None or not check.test or check.test[0] == "NONE":
        return 0.0
    interval, timeout = check.interval or 30 * _SECOND, check.timeout or 30 * _SECOND
    return (check.start_period + (interval + timeout) * ((check.retries or 3) + 1)) / _SECOND
