"""Risks of exposure: what becomes reachable, and from where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.domain import risk_rules as rules
from bot.plan.risks.pairs import EVERYWHERE, Found, Port, ServicePair, as_map, read_ports

_ROUTER = re.compile(r"traefik\.(?:http|tcp|udp)\.routers\.([^.]+)\.(.+)")
_MIDDLEWARE = re.compile(r"traefik\.(?:http|tcp)\.middlewares\.([^.]+)\.(.+)")
_ROUTES = ("rule", "entrypoints", "service", "priority")


def check_ports(service: ServicePair) -> Iterator[Found]:
    """Find ports that open, close, or listen on another address."""
    before = [port for port, _ in read_ports(service.old)]
    after = read_ports(service.new)
    for port, index in after:
        if port in before:
            continue
        place = f"{service.place}.ports.{index}"
        was = _counterpart(port, before)
        if was is not None and _reach(port) > _reach(was):
            now_on, was_on = port.address or EVERYWHERE, was.address or EVERYWHERE
            text = f"port {port.published} listens on {now_on} instead of {was_on}"
            yield Found(rules.BIND_ADDRESS, text, place)
        elif was is None and not port.is_local:
            yield Found(rules.PORT_PUBLISHED, f"port {port} is newly reachable from the network", place)
    now = [port for port, _ in after]
    for port in before:
        counterpart = _counterpart(port, now)
        if service.new and not port.is_local and (counterpart is None or _reach(counterpart) < _reach(port)):
            where = f"only on {counterpart.address}" if counterpart else "no longer published"
            text = f"port {port.published or port.target} is {where}"
            yield Found(rules.PORT_CLOSED, text, f"{service.place}.ports")


def _counterpart(port: Port, others: list[Port]) -> Port | None:
    same = [o for o in others if (o.published, o.protocol) == (port.published, port.protocol) and o.published]
    return max(same, key=_reach, default=None)


def _reach(port: Port) -> int:
    return 2 if port.is_everywhere else 0 if port.is_local else 1


def check_traefik(service: ServicePair) -> Iterator[Found]:
    """Find labels that open, close or unprotect a route. Traefik ignores the case of label names."""
    old, new = _labels(service.old), _labels(service.new)
    for name in sorted(old.keys() | new.keys()):
        (was, _), (now, key) = old.get(name, (None, "")), new.get(name, (None, ""))
        if was == now:
            continue
        found = _traefik(name, was, now)
        if found and (service.old or found.rule is rules.TRAEFIK_ROUTE) and service.new:
            yield found._replace(place=f"{service.place}.labels" + (f".{key}" if key else ""))


def _labels(service: Any) -> dict[str, tuple[str, str]]:
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
