"""Risks of networks, logs, and labels that programs beside the engine obey."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain import host_rules, risk_rules
from bot.risks.pairs import Found, ServicePair, StackPair, as_map, network_name

_HOST = "joins the node's own network: every port it opens is a port of the node"
_KEPT_HERE = ("", "json-file", "local", "journald", "none", "db")
_CONTROLLERS = re.compile(
    r"(?:caddy|ofelia\.|chadburn\.|swag|tsdproxy\.|com\.centurylinklabs\.watchtower|wud\.|docker-volume-backup\."
    r"|autoheal|willfarrell|deunhealth|com\.github\.(?:jrcs|nginx-proxy)|lazytainer\.|sablier\.|cloudflare\.|swarm\.)"
)


def check_host_network(service: ServicePair) -> Iterator[Found]:
    """Find services that join the network of the node itself, or of a container by its name."""
    changed, place = service.changed("network_mode"), f"{service.place}.network_mode"
    mode = str(changed[1] or "") if changed else ""
    if mode == "host":
        yield Found(risk_rules.HOST_NETWORK, _HOST, place)
    elif mode.startswith("container:"):
        yield Found(host_rules.CONTAINER_NETWORK, f"joins the network of {mode}", place)
    elif mode.startswith("ns:"):  # Podman's, of a namespace by its path
        yield Found(risk_rules.HOST_NETWORK, f"joins the network {mode}", place)
    before = as_map(service.old.get("networks"))
    for name in as_map(service.new.get("networks")):
        # An external network of this name is the node's own: the other way to write `network_mode: host`.
        if name not in before and network_name(name, service.stack_new) == "host":
            yield Found(risk_rules.HOST_NETWORK, _HOST, f"{service.place}.networks.{name}")


def check_endpoints(service: ServicePair) -> Iterator[Found]:
    """Find options of a service's place in a network: drivers read them, some as settings of the kernel."""
    before = as_map(service.old.get("networks"))
    for name, endpoint in as_map(service.new.get("networks")).items():
        known, options = (
            as_map(as_map(before.get(name)).get("driver_opts")),
            as_map(as_map(endpoint).get("driver_opts")),
        )
        changed = [str(option) for option, value in options.items() if known.get(option) != value]
        if changed:
            text = f"its place in network {name} gets options {', '.join(changed)}"
            yield Found(host_rules.NETWORK_DRIVER, text, f"{service.place}.networks.{name}")


def check_log(service: ServicePair) -> Iterator[Found]:
    """Find logs that leave the engine's own files."""
    changed = service.changed("logging")
    driver = str(as_map(changed[1]).get("driver") or "") if changed else ""
    if driver not in _KEPT_HERE:
        yield Found(host_rules.LOG_DRIVER, f"writes its log to {driver}", f"{service.place}.logging")


def check_labels(service: ServicePair) -> Iterator[Found]:
    """Find labels that other programs obey. Those of traefik have rules of their own."""
    before = as_map(service.old.get("labels"))
    for name, value in as_map(service.new.get("labels")).items():
        if before.get(name) != value and _CONTROLLERS.match(str(name).lower()):
            yield Found(host_rules.CONTROLLER_LABEL, f"label {name} is {value}", f"{service.place}.labels.{name}")


def check_networks(pair: StackPair) -> Iterator[Found]:
    """Find networks that are made in another way than the engine's usual one."""
    before, after = as_map((pair.old or {}).get("networks")), as_map((pair.new or {}).get("networks"))
    for key, body in after.items():
        new, old = as_map(body), as_map(before.get(key))
        driver = str(new.get("driver") or "")
        if driver not in ("", "bridge", "default", str(old.get("driver") or "")):
            yield Found(host_rules.NETWORK_DRIVER, f"network {key} is made by {driver}", f"networks.{key}.driver")
        known, options = as_map(old.get("driver_opts")), as_map(new.get("driver_opts"))
        changed = [str(name) for name, value in options.items() if known.get(name) != value]
        if changed:
            text = f"network {key} gets options {', '.join(changed)}"
            yield Found(host_rules.NETWORK_DRIVER, text, f"networks.{key}.driver_opts")
        planner = str(as_map(new.get("ipam")).get("driver") or "")
        if planner not in ("", "default", str(as_map(old.get("ipam")).get("driver") or "")):
            text = f"network {key} gets its addresses from {planner}"
            yield Found(host_rules.NETWORK_DRIVER, text, f"networks.{key}.ipam")
        if old.get("internal") and not new.get("internal"):
            yield Found(host_rules.NETWORK_DRIVER, f"network {key} is internal no more", f"networks.{key}")
