"""Tell what happens to published ports as ranges: `1-12000:1-12000` is one finding, read once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from bot.domain.names import ServiceName, StackName
from bot.domain.risk_rules import Rule
from bot.risks.pairs import EVERYWHERE, Found, Port

_PLURAL = {"is": "are", "listens": "listen"}


class PortChange(NamedTuple):
    """What happens to one port: `verb` and `rest` follow its name, which is told with as much as `named` says."""

    port: Port
    place: str
    rule: Rule
    verb: str
    rest: str
    named: Literal["number", "protocol", "whole"] = "number"
    stack: StackName | None = None
    service: ServiceName | None = None


class PortIndex:
    """Ports by number and protocol, with the one that reaches farthest of each.

    Where the engine chooses the number, those to the same port of the container are the same.
    """

    def __init__(self, ports: Iterable[Port]) -> None:
        self.ports = frozenset(ports)
        self._farthest: dict[tuple[int, str, str], Port] = {}
        for port in ports:
            other = self._farthest.setdefault(_same(port), port)
            if reach(port) > reach(other):
                self._farthest[_same(port)] = port

    def counterpart(self, port: Port) -> Port | None:
        """The port of the same number and protocol; of several, the first one that reaches farthest."""
        return self._farthest.get(_same(port))


def _same(port: Port) -> tuple[int, str, str]:
    return port.published, "" if port.published else port.target, port.protocol


def reach(port: Port) -> int:
    """From where a port is reached: 0 the node itself, 1 one of its networks, 2 all of them."""
    return 2 if port.is_everywhere else 0 if port.is_local else 1


def as_ranges(changes: Iterable[PortChange]) -> Iterator[Found]:
    """One finding for each run of neighbouring ports to which the same happens."""
    run: list[PortChange] = []
    for change in changes:
        if run and not _follows(run[-1], change):
            yield _found(run)
            run = []
        run.append(change)
    if run:
        yield _found(run)


def _follows(last: PortChange, change: PortChange) -> bool:
    follows = (
        last.port.published
        and last.port.target.isdecimal()
        and change.port
        == last.port._replace(published=last.port.published + 1, target=str(int(last.port.target) + 1))
    )
    return bool(follows) and last._replace(port=change.port, place=change.place) == change


def _found(run: list[PortChange]) -> Found:
    first, last = run[0], run[-1]
    text = f"port {_name(first, last)} {first.verb} {first.rest}"
    if first is not last:
        text = f"ports {_name(first, last)} {_PLURAL[first.verb]} {first.rest}"
    return Found(first.rule, text, first.place, first.stack, first.service)


def _name(first: PortChange, last: PortChange) -> str:
    port, end = first.port, last.port
    numbers = str(port.published) + (f"-{end.published}" if first is not last else "")
    if first.named == "whole":
        address = f"[{port.address}]" if ":" in port.address else port.address or EVERYWHERE
        targets = port.target + (f"-{end.target}" if first is not last else "")
        return f"{address}:{numbers if port.published else '(any)'} to {targets}/{port.protocol}"
    if not port.published:
        return f"(any) to {port.target}/{port.protocol}"
    return f"{numbers}/{port.protocol}" if first.named == "protocol" else numbers
