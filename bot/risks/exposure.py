"""Risks of exposure: what becomes reachable, and from where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.domain import risk_rules as rules
from bot.risks.pairs import EVERYWHERE, Found, Port, ServicePair, StackPair, as_map, read_ports
from bot.risks.port_ranges import PortChange, PortIndex, as_ranges, reach

_ROUTER = re.compile(r"traefik\.(?:http|tcp|udp)\.routers\.([^.]+)\.(.+)")
_MIDDLEWARE = re.compile(r"traefik\.(?:http|tcp)\.middlewares\.([^.]+)\.(.+)")
_ROUTES = ("rule", "entrypoints", "service", "priority")


def check_ports(service: ServicePair) -> Iterator[Found]:
    """Find ports that open, close, or listen on another address."""
    before, after = [port for port, _ in read_ports(service.old)], read_ports(service.new)
    yield from as_ranges(_opened(service, PortIndex(before), after))
    if service.new:
        yield from as_ranges(_closed(service, before, PortIndex([port for port, _ in after])))


def _opened(service: ServicePair, before: PortIndex, after: list[tuple[Port, int]]) -> Iterator[PortChange]:
    for port, index in after:
        place, was = f"{service.place}.ports.{index}", before.counterpart(port)
        if port in before.ports:
            continue
        if was is not None and reach(port) > reach(was):
            rest = f"on {port.address or EVERYWHERE} instead of {was.address or EVERYWHERE}"
            yield PortChange(port, place, rules.BIND_ADDRESS, "listens", rest)
        elif was is None and not port.is_local:
            rest = "newly reachable from the network"
            yield PortChange(port, place, rules.PORT_PUBLISHED, "is", rest, "whole")


def _closed(service: ServicePair, before: list[Port], now: PortIndex) -> Iterator[PortChange]:
    for port in before:
        counterpart = now.counterpart(port)
        if port.is_local or port in now.ports:
            continue
        if counterpart is None or reach(counterpart) < reach(port):
            rest = f"only on {counterpart.address}" if counterpart else "no longer published"
            yield PortChange(port, f"{service.place}.ports", rules.PORT_CLOSED, "is", rest)


def check_files(pair: StackPair) -> Iterator[tuple[str, Found]]:
    """Find mounted files that lose authentication or TLS; each with the service's name."""
    for service, files in pair.lost_guards.items():
        for lost in files:
            words = ", ".join(lost.words)
            name = lost.where.path.rpartition("/")[2]
            text = f"authentication or TLS may be gone: the mounted {name} names {words} less often than before"
            yield service, Found(rules.FILE_GUARD, text, where=lost.where)


def check_traefik(service: ServicePair) -> Iterator[Found]:
    """Find labels that open, close or unprotect a route. Traefik ignores the case of label names."""
    old, new = _labels(service.old), _labels(service.new)
    removed = _removed_routers(old, new)
    for name in sorted(old.keys() | new.keys()):
        (was, _), (now, key) = old.get(name, (None, "")), new.get(name, (None, ""))
        if was == now:
            continue
        found = _traefik(name, was, now)
        if found and found.rule is not rules.TRAEFIK_ROUTE and _router_of(name) in removed:
            continue  # a route that is gone needs neither TLS nor a guard
        if found and service.new:
            yield found._replace(place=f"{service.place}.labels" + (f".{key}" if key else ""))


Labels = dict[str, tuple[str, str]]


def _removed_routers(old: Labels, new: Labels) -> frozenset[str]:
    """The routers that are gone for good.

    Of a container without any router Traefik makes one of its own, with the default rule and no middleware, unless
    its label says that it is not enabled: then nothing is gone.
    """
    kept = {_router_of(name) for name in new} - {""}
    enabled = [labels.get("traefik.enable", ("", ""))[0] for labels in (old, new)]
    if not kept and enabled[1] != "false" and not (enabled[0] == "true" and not enabled[1]):
        return frozenset()
    return frozenset({_router_of(name) for name in old} - kept - {""})


def _router_of(name: str) -> str:
    found = _ROUTER.fullmatch(name)
    return found[1] if found else ""


def _labels(service: Any) -> Labels:
    labels = as_map(as_map(service).get("labels"))
    return {key.lower(): (str(value), key) for key, value in labels.items() if key.lower().startswith("traefik.")}


def _traefik(name: str, was: str | None, now: str | None) -> Found | None:
    change = _change(was, now)
    if name == "traefik.enable":
        return Found(rules.TRAEFIK_ROUTE, f"traefik.enable {change}")
    if router := _ROUTER.fullmatch(name):
        route, option = router.groups()
        if option in _ROUTES:
            return Found(rules.TRAEFIK_ROUTE, f"route {route}: {option} {change}")
        if option.split(".")[0] == "tls":
            # TLS that is new where none was is the one change that cannot expose anything.
            return Found(rules.TRAEFIK_TLS, f"route {route}: {option} {change}") if was is not None else None
        if option == "middlewares":
            lost = [name for name in _names(was) if name not in _names(now)]
            return Found(rules.TRAEFIK_GUARD, f"route {route} loses middleware {', '.join(lost)}") if lost else None
    if (guard := _MIDDLEWARE.fullmatch(name)) and was is not None:
        return Found(rules.TRAEFIK_GUARD, f"middleware {guard[1]}: {guard[2]} {change}")
    if name.endswith((".loadbalancer.server.port", ".loadbalancer.server.url", ".loadbalancer.server.scheme")):
        return Found(rules.TRAEFIK_ROUTE, f"{name.removeprefix('traefik.')} {change}")
    return None


def _names(value: str | None) -> list[str]:
    return [name.strip() for name in (value or "").split(",") if name.strip()]


def _change(was: str | None, now: str | None) -> str:
    if was is None:
        return f"is new: {now}"
    return f"is removed (was {was})" if now is None else f"{was} -> {now}"
