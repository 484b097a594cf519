"""The inputs of the risk rules: each stack of a node before and after, and readers of compose's model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bot.domain.names import NodeName, ServiceName, StackName
from bot.domain.risk_rule import Rule
from bot.plan.model import SourceLine
from bot.plan.rendering import LostGuards

Model = Mapping[str, Any]
_NOTHING: Model = {}
_NAMES = ("container_name", "hostname", "depends_on")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - read in stacks, never bound
_MARK = re.compile(r"‹secret [0-9a-f]{8}›")


class LeavingMount(NamedTuple):
    """A mount whose path in the checkout is a link out of it, to `target`: an absolute path, or OUTSIDE."""

    service: ServiceName
    source: str
    target: str
    place: str


class OutsideRead(NamedTuple):
    """A file outside the checkout that compose reads into a container, and the paths that it may be on the node."""

    service: ServiceName
    key: str
    paths: tuple[str, ...]
    where: SourceLine


class StackPair(NamedTuple):
    """One stack before and after, as compose's canonical model; None where it is not there or cannot be read."""

    stack: StackName
    old: Model | None
    new: Model | None
    unreadable: bool = False
    sources: Mapping[str, SourceLine] = {}  # of the new model; of the old one when the stack is gone
    lost_guards: Mapping[ServiceName, tuple[LostGuards, ...]] = {}
    leaving: tuple[LeavingMount, ...] = ()  # new ones
    outside: tuple[OutsideRead, ...] = ()  # new ones
    conditional: tuple[str, ...] = ()  # variables that only the node knows, on which it depends what compose reads


class NodePair(NamedTuple):
    """One node: its stacks in deployment order."""

    node: NodeName
    platform: str
    stacks: tuple[StackPair, ...]


class Found(NamedTuple):
    """A rule that fired. `place` is the dotted place in the model that caused it, for its line."""

    rule: Rule
    text: str
    place: str = ""
    stack: StackName | None = None
    service: ServiceName | None = None
    where: SourceLine | None = None  # where it is no place of the model, but a line of another file


class ServicePair(NamedTuple):
    """One service before and after, an empty mapping where it is not there, with its stack's models around it."""

    name: str
    old: Model
    new: Model
    stack_old: Model
    stack_new: Model
    at: str = ""  # of another container than the service's own

    @property
    def place(self) -> str:
        return self.at or f"services.{self.name}"

    def changed(self, field: str) -> tuple[Any, Any] | None:
        """Old and new value of `field`, or None when they are the same."""
        before, after = self.old.get(field), self.new.get(field)
        return None if before == after else (before, after)

    def added(self, field: str) -> list[Any]:
        """The items of the list `field` that were not there before."""
        before = as_list(self.old.get(field))
        return [item for item in as_list(self.new.get(field)) if item not in before]


def service_pairs(pair: StackPair) -> Iterator[ServicePair]:
    """Every service of either side. One that only has another name now is compared with itself: it can do no more."""
    old, new = pair.old or _NOTHING, pair.new or _NOTHING
    before, after = as_map(old.get("services")), as_map(new.get("services"))
    was = _find_renamed(before, after)
    for name in [*after, *(name for name in before if name not in after)]:
        yield ServicePair(str(name), as_map(before.get(was.get(name, name))), as_map(after.get(name)), old, new)


def _find_renamed(before: Model, after: Model) -> dict[str, str]:
    """The services that have other names and nothing else that is new: by name, how they were called."""
    gone = [name for name in before if name not in after]
    found = {}
    for name, body in after.items():
        is_new = name not in before
        was = next((one for one in gone if is_new and _unnamed(before[one]) == _unnamed(body)), None)
        if was is not None:
            found[name] = was
            gone.remove(was)
    return found


def _unnamed(service: Any) -> dict[str, Any]:
    """A service without its own names, and without those of the services that it waits for."""
    return {key: value for key, value in as_map(service).items() if key not in _NAMES}


def other_containers(pair: StackPair) -> Iterator[ServicePair]:
    """Containers that are started beside the services' own: hooks before a start, and jobs."""
    old, new = pair.old or _NOTHING, pair.new or _NOTHING
    for service in service_pairs(pair):
        before = as_list(service.old.get("pre_start"))
        for index, hook in enumerate(as_list(service.new.get("pre_start"))):
            was = as_map(before[index]) if index < len(before) else _NOTHING
            yield service._replace(old=was, new=as_map(hook), at=f"{service.place}.pre_start.{index}")
    jobs = as_map(old.get("jobs"))
    for name, job in as_map(new.get("jobs")).items():
        yield ServicePair(str(name), as_map(jobs.get(name)), as_map(job), old, new, f"jobs.{name}")


def as_map(value: Any) -> Mapping[str, Any]:
    """`value`, or an empty mapping when it is something else."""
    return value if isinstance(value, (dict, Mapping)) else _NOTHING  # it mostly is a dict: that is quick


def as_list(value: Any) -> list[Any]:
    """`value`, or an empty list when it is something else."""
    return value if isinstance(value, list) else []


def is_hidden(value: Any) -> bool:
    """Whether `value` holds the mark of a secret."""
    return isinstance(value, str) and _MARK.search(value) is not None


class Port(NamedTuple):
    """One published port. `address` "" is every address of the node; `published` 0 is any free port."""

    address: str
    published: int
    target: str
    protocol: str

    @property
    def is_local(self) -> bool:
        return self.address == "::1" or self.address.startswith("127.")

    @property
    def is_everywhere(self) -> bool:
        return self.address in ("", EVERYWHERE, "::")


def read_ports(service: Model) -> list[tuple[Port, int]]:
    """The published ports with their index in the list. A range that compose may choose from counts as any."""
    found = []
    for index, port in enumerate(as_list(service.get("ports"))):
        if isinstance(port, Mapping):
            published = str(port.get("published", ""))
            number = int(published) if published.isdecimal() else 0
            protocol = str(port.get("protocol") or "tcp")
            found.append((Port(str(port.get("host_ip") or ""), number, str(port.get("target", "")), protocol), index))
    return found


class NamedMount(NamedTuple):
    """One mount. `source` of a volume is its name on the node, where the model tells it; "" is an anonymous one."""

    kind: str
    source: str
    target: str
    read_only: bool

    def __str__(self) -> str:
        kind = {"bind": "folder", "volume": "volume"}.get(self.kind, self.kind)
        return f"{kind} {self.source}" if self.source else f"a new {kind}"


def read_mounts(service: Model, stack: Model) -> dict[str, tuple[NamedMount, int]]:
    """The mounts by their target, with their index in the list."""
    found = {}
    for index, item in enumerate(as_list(service.get("volumes"))):
        fields = as_map(item)
        source, kind = str(fields.get("source") or ""), str(fields.get("type") or "")
        if kind == "volume" and source:
            source = volume_name(source, stack)
        target = str(fields.get("target") or "")
        found[target] = (NamedMount(kind, source, target, bool(fields.get("read_only"))), index)
    return found


def volume_name(key: str, stack: Model) -> str:
    """The name on the node of the volume that the stack calls `key`."""
    return str(as_map(as_map(stack.get("volumes")).get(key)).get("name") or key)


def network_name(key: str, stack: Model) -> str:
    """The name on the node of the network that the stack calls `key`."""
    return str(as_map(as_map(stack.get("networks")).get(key)).get("name") or key)
