"""Risk rules: each fires where it should, and stays silent where nothing changed."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import NodeName, ServiceName, StackName
from bot.domain.risk_rules import RULES, Tuning
from bot.domain.severity import Severity
from bot.plan.model import NodePlan, ServicePlan, SourceLine, StackPlan
from bot.plan.risks.assess import assess, find_risks
from bot.plan.risks.pairs import NodePair, StackPair
from bot.protocol.action import Action

BASE: dict[str, Any] = {"image": "app:1.0", "healthcheck": {"test": ["CMD", "true"]}, "user": "1000"}
HIDDEN, OTHER = "‹secret 0a1b2c3d›", "‹secret 99999999›"
SOCKET = "/var/run/docker.sock"


def model(services: dict[str, Any], **top: Any) -> dict[str, Any]:
    """A stack's model."""
    return {"name": "app", "services": services} | top


def web(**fields: Any) -> dict[str, Any]:
    """A model with one service, `web`; None removes a field."""
    body = BASE | fields
    return model({"web": {name: value for name, value in body.items() if value is not None}})


def bind(source: str, target: str = "/x", **more: Any) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target} | more


def volume(source: str, target: str = "/data", **more: Any) -> dict[str, Any]:
    return {"type": "volume", "source": source, "target": target} | more


def port(published: str, address: str = "", target: int = 80) -> dict[str, Any]:
    return {"mode": "ingress", "target": target, "published": published, "protocol": "tcp", "host_ip": address}


def fired(*stacks: tuple[Any, Any], platform: str = "linux") -> list[tuple[str, str | None, str]]:
    """What fires on a node with these (old, new) stacks, as (rule, service, text)."""
    pairs = tuple(StackPair(StackName(f"s{i}"), old, new) for i, (old, new) in enumerate(stacks))
    return [(f.rule.id, f.service, f.text) for f in find_risks(NodePair(NodeName("N"), platform, pairs))]


VOLUMES = {"volumes": {"db": {"name": "app_db"}, "other": {"name": "app_other"}}}
ROUTER = "traefik.http.routers.web"
ONE_SERVICE: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("data.folder_moved", {"volumes": [bind("/fleet/a")]}, {"volumes": [bind("/fleet/b")]}, "folder /fleet/b"),
    ("data.database_major", {"image": "postgres:15.6"}, {"image": "postgres:16.2-alpine"}, "15.6 to 16.2-alpine"),
    ("data.database_major", {"image": "pgvector/pgvector:pg15"}, {"image": "pgvector/pgvector:pg16"}, "pg15 to pg16"),
    ("data.database_major", {"image": "mongo"}, {"image": "mongo:7"}, "no tag to 7"),
    ("data.database_downgrade", {"image": "redis:7.4"}, {"image": "redis:7.2"}, "7.4 to 7.2"),
    ("exposure.port_published", {}, {"ports": [port("8443", target=443)]}, "0.0.0.0:8443 to 443/tcp"),
    (
        "exposure.port_published",
        {"ports": [port("80", "127.0.0.1")]},
        {"ports": [port("81", "10.0.0.5")]},
        "10.0.0.5",
    ),
    ("exposure.port_closed", {"ports": [port("80")]}, {}, "port 80 is no longer published"),
    ("exposure.port_closed", {"ports": [port("80")]}, {"ports": [port("80", "127.0.0.1")]}, "only on 127.0.0.1"),
    (
        "exposure.bind_address",
        {"ports": [port("80", "127.0.0.1")]},
        {"ports": [port("80")]},
        "0.0.0.0 instead of 127",
    ),
    ("exposure.host_network", {}, {"network_mode": "host"}, "node's own network"),
    ("exposure.traefik_route", {}, {"labels": {"traefik.enable": "true"}}, "traefik.enable is new: true"),
    (
        "exposure.traefik_route",
        {"labels": {f"{ROUTER}.rule": "Host(`a`)"}},
        {"labels": {"Traefik.http.Routers.web.rule": "PathPrefix(`/`)"}},
        "Host(`a`) -> PathPrefix(`/`)",
    ),
    ("exposure.traefik_tls", {"labels": {f"{ROUTER}.tls": "true"}}, {"labels": {}}, "tls is removed (was true)"),
    (
        "exposure.traefik_guard",
        {"labels": {f"{ROUTER}.middlewares": "auth@file, gzip"}},
        {"labels": {f"{ROUTER}.middlewares": "gzip"}},
        "loses middleware auth@file",
    ),
    (
        "exposure.traefik_guard",
        {"labels": {"traefik.http.middlewares.ip.ipallowlist.sourcerange": "10.0.0.0/8"}},
        {"labels": {"traefik.http.middlewares.ip.ipallowlist.sourcerange": "0.0.0.0/0"}},
        "10.0.0.0/8 -> 0.0.0.0/0",
    ),
    ("privilege.privileged", {}, {"privileged": True}, "privileged"),
    ("privilege.capability", {}, {"cap_add": ["IPC_LOCK"]}, "IPC_LOCK"),
    (
        "privilege.strong_capability",
        {"cap_add": ["IPC_LOCK"]},
        {"cap_add": ["IPC_LOCK", "CAP_SYS_ADMIN"]},
        "SYS_ADMIN",
    ),
    ("privilege.docker_socket", {}, {"volumes": [bind(SOCKET)]}, SOCKET),
    ("privilege.docker_socket", {}, {"volumes": [bind("/var/run/")]}, "holds the engine's socket"),
    ("privilege.docker_socket", {}, {"use_api_socket": True}, "socket"),
    (
        "privilege.docker_socket",
        {},
        {"volumes": [{"type": "npipe", "source": r"\\.\pipe\docker_engine", "target": r"\\.\pipe\docker_engine"}]},
        "docker_engine",
    ),
    ("privilege.host_namespace", {}, {"pid": "host"}, "process namespace"),
    ("privilege.host_namespace", {"ipc": "private"}, {"ipc": "host"}, "IPC namespace"),
    ("privilege.system_bind", {}, {"volumes": [bind("/", "/host", read_only=True)]}, "/ of the node, read-only"),
    ("privilege.system_bind", {}, {"volumes": [bind("C:\\", "/host")]}, "C:\\ of the node"),
    (
        "privilege.system_bind",
        {"volumes": [bind("/etc", read_only=True)]},
        {"volumes": [bind("/etc")]},
        "/etc of the node, writable",
    ),
    ("privilege.device", {}, {"devices": [{"source": "/dev/ttyUSB0", "target": "/dev/ttyUSB0"}]}, "/dev/ttyUSB0"),
    ("privilege.unconfined", {}, {"security_opt": ["seccomp:unconfined"]}, "seccomp:unconfined"),
    ("privilege.unconfined", {"security_opt": ["no-new-privileges:true"]}, {}, "loses no-new-privileges"),
    ("privilege.root_user", {}, {"user": None}, "ran as user 1000"),
    ("image.unpinned", {}, {"image": "nginx:latest"}, "tag latest moves"),
    ("image.unpinned", {}, {"image": "ghcr.io/a/nginx"}, "no tag"),
    ("image.unpinned", {"image": "nginx:1.27"}, {"image": "nginx:stable-alpine"}, "stable-alpine"),
    ("image.other_source", {"image": "nginx:1"}, {"image": "evil.example/nginx:1"}, "evil.example/nginx"),
    ("secret.changed", {"environment": {"K": HIDDEN}}, {"environment": {"K": OTHER}}, "secret K changed"),
    ("health.removed", {}, {"healthcheck": None}, "removed"),
    ("health.removed", {}, {"healthcheck": {"disable": True}}, "disabled"),
    ("health.removed", {}, {"healthcheck": {"test": ["NONE"]}}, "disabled"),
    ("platform.foreign_path", {}, {"volumes": [bind("C:\\data")]}, "Windows path, and this node runs Linux"),
]


@pytest.mark.parametrize(
    ("rule", "before", "after", "words"), ONE_SERVICE, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_service_that_changes_fires_its_rule(
    rule: str, before: dict[str, Any], after: dict[str, Any], words: str
) -> None:
    found = fired((web(**before), web(**after)))
    texts = [text for id_, service, text in found if id_ == rule and service == "web"]
    assert any(words in text for text in texts), found
    assert fired((web(**after), web(**after))) == []


def stack(name: str = "app", *, services: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    return model(services or {"a": {"image": "app:1"}}, **top) | {"name": name}


def network(name: str, *, external: bool = False, subnet: str = "") -> dict[str, Any]:
    body: dict[str, Any] = {"name": name} | ({"external": True} if external else {})
    return {"networks": {name: body | ({"ipam": {"config": [{"subnet": subnet}]}} if subnet else {})}}


def db(*volumes: dict[str, Any], **top: Any) -> dict[str, Any]:
    return model({"db": {"image": "app:1", "volumes": list(volumes)}}, **(VOLUMES | top))


DRIVEN = {"volumes": {"db": {"name": "app_db", "driver_opts": {"type": "nfs"}}, "other": {"name": "app_other"}}}
SECRETS: list[Any] = [{"secrets": {"k": {"name": "k", "file": f"/fleet/{name}"}}} for name in ("a", "b")]
NODE_WIDE: list[tuple[str, list[tuple[Any, Any]], str]] = [
    ("data.volume_dropped", [(db(volume("db")), db())], "app_db is no longer mounted"),
    ("data.volume_dropped", [(db(volume("db")), model({"x": {"image": "app:1"}}))], "app_db is no longer mounted"),
    ("data.volume_renamed", [(db(volume("db")), db(volume("other")))], "volume app_other instead of volume app_db"),
    ("data.mount_replaced", [(db(volume("db")), db(bind("/fleet/d", "/data")))], "folder /fleet/d instead of volume"),
    (
        "data.volume_reconfigured",
        [(db(volume("db")), db(volume("db"), **DRIVEN))],
        "app_db is configured differently",
    ),
    ("data.stack_removed", [(db(volume("db")), None)], "volumes app_db, app_other stay"),
    ("secret.changed", [(stack(**SECRETS[0]), stack(**SECRETS[1]))], "secret k is taken from elsewhere"),
    (
        "collision.container_name",
        [
            (stack("x"), stack("x", services={"a": {"container_name": "n"}})),
            (stack("y"), stack("y", services={"b": {"container_name": "n"}})),
        ],
        "taken by s0 / a",
    ),
    (
        "collision.port",
        [
            (stack("x"), stack("x", services={"a": {"ports": [port("80", "10.0.0.1")]}})),
            (stack("y"), stack("y", services={"b": {"ports": [port("80")]}})),
        ],
        "port 80/tcp is taken by s0 / a",
    ),
    (
        "collision.subnet",
        [
            (stack("x"), stack("x", **network("n", subnet="10.1.0.0/16"))),
            (stack("y"), stack("y", **network("m", subnet="10.1.2.0/24"))),
        ],
        "10.1.2.0/24 of network m overlaps with 10.1.0.0/16",
    ),
    ("collision.network", [(stack("x"), stack("x", **network("n"))), (stack("y"), stack("y", **network("n")))], "s0"),
    ("collision.project", [(stack("x"), stack("x")), (stack("y"), stack("x"))], "project name x is that of s0"),
    (
        "network.external_missing",
        [(stack(), stack(**network("n", external=True)))],
        "no stack of this node creates it",
    ),
    (
        "network.external_missing",
        [
            (stack("x", **network("n")), stack("x")),
            (stack("y", **network("n", external=True)), stack("y", **network("n", external=True))),
        ],
        "no stack of this node creates it",
    ),
    (
        "network.created_later",
        [(stack("x"), stack("x", **network("n", external=True))), (stack("y"), stack("y", **network("n")))],
        "created by s1",
    ),
]


@pytest.mark.parametrize(("rule", "stacks", "words"), NODE_WIDE, ids=lambda v: v if isinstance(v, str) else "")
def test_what_concerns_a_whole_node_fires_its_rule(rule: str, stacks: list[tuple[Any, Any]], words: str) -> None:
    found = fired(*stacks)
    assert any(id_ == rule and words in text for id_, _, text in found), found
    after = [(new, new) for _, new in stacks if new is not None]
    assert fired(*after) == []


def test_every_rule_has_a_case_above() -> None:
    assert {rule for rule, *_ in [*ONE_SERVICE, *NODE_WIDE]} == set(RULES)


SILENT: list[tuple[str, tuple[Any, Any]]] = [
    ("a loopback port", (web(), web(ports=[port("80", "127.0.0.1")]))),
    ("the exporter of a database", (web(image="postgres-exporter:1"), web(image="postgres-exporter:2"))),
    ("a minor version", (web(image="postgres:16.1"), web(image="postgres:16.3"))),
    ("a version named less exactly", (web(image="postgres:16.1"), web(image="postgres:16"))),
    ("a patch of an application", (web(image="app:1.0"), web(image="app:2.0"))),
    ("a digest", (web(image="app:1.0"), web(image="app:latest@sha256:" + "0" * 64))),
    (
        "a read-only folder moved",
        (web(volumes=[bind("/a", read_only=True)]), web(volumes=[bind("/b", read_only=True)])),
    ),
    ("a volume moved to another service", (db(volume("db")), model({"x": {"volumes": [volume("db")]}}, **VOLUMES))),
    ("a socket made read-only", (web(volumes=[bind(SOCKET)]), web(volumes=[bind(SOCKET, read_only=True)]))),
    ("new TLS", (web(labels={"a": "b"}), web(labels={f"{ROUTER}.tls": "true"}))),
    ("a new middleware", (web(), web(labels={f"{ROUTER}.middlewares": "auth"}))),
    ("a public variable", (web(environment={"A": "1"}), web(environment={"A": "2"}))),
    ("a port of another protocol", (web(), web(ports=[port("53", "127.0.0.1")]))),
]


@pytest.mark.parametrize(("what", "pair"), SILENT, ids=lambda v: v if isinstance(v, str) else "")
def test_what_is_harmless_fires_nothing(what: str, pair: tuple[Any, Any]) -> None:
    assert fired(pair) == [], what


def test_a_network_that_is_there_already_may_be_created_by_a_later_stack() -> None:
    user = (stack("x"), stack("x", **network("n", external=True)))
    owner = stack("y", **network("n"))
    assert fired(user, (owner, owner)) == []


def test_a_port_range_that_compose_may_choose_from_collides_with_nothing() -> None:
    ranged = {"a": {"ports": [port("8000-8010")]}}
    assert (
        fired((stack("x"), stack("x", services=ranged)), (stack("y"), stack("y", services=ranged)))
        == [("exposure.port_published", "a", "port 0.0.0.0:(any) to 80/tcp is newly reachable from the network")] * 2
    )


@pytest.mark.parametrize("path", ["/srv/data", "/etc/localtime", "/home/ada/x"])
def test_a_linux_path_on_a_windows_node(path: str) -> None:
    rules = [id_ for id_, _, _ in fired((web(), web(volumes=[bind(path)])), platform="windows")]
    assert "platform.foreign_path" in rules


@pytest.mark.parametrize(
    "path", ["C:\\aios", "c:/aios", "/fleet/server/x", SOCKET, "//var/run/docker.sock", "/mnt/c/x"]
)
def test_a_path_that_works_on_a_windows_node(path: str) -> None:
    rules = [id_ for id_, _, _ in fired((web(), web(volumes=[bind(path)])), platform="windows")]
    assert "platform.foreign_path" not in rules


def test_a_model_of_any_shape_fires_or_not_but_never_fails() -> None:
    odd: list[Any] = [None, [], "x", 7, {"services": []}, {"services": {"a": None, "b": "x", "c": []}}]
    fields = (*BASE, "ports", "volumes", "labels", "cap_add", "environment", "security_opt", "devices")
    values: list[Any] = [None, 1, "x", [None, 1, []], {"a": None}]
    odd += [{"services": {"a": dict.fromkeys(fields, value)}} for value in values]
    odd += [{"networks": {"n": None, "m": {"ipam": {"config": [{"subnet": "?"}, None]}}}, "volumes": {"v": None}}]
    models = [value if isinstance(value, dict) else {} for value in odd]
    for old in models:
        for new in models:
            fired((old, new), (new, old))


def plan_of(risky: bool = True) -> tuple[NodePlan, NodePair]:
    service = ServicePlan(service=ServiceName("web"), action=Action.RECREATE)
    plan = StackPlan(stack=StackName("s0"), folder="server/s0", files=(), services=(service,))
    before, after = web(), web(image="app:latest", privileged=risky, cap_add=["IPC_LOCK"])
    sources = {
        "services.web": SourceLine(path="c.yml", line=2),
        "services.web.privileged": SourceLine(path="c.yml", line=9),
    }
    pair = StackPair(StackName("s0"), before, after, sources=sources)
    return NodePlan(node=NodeName("N"), platform="linux", stacks=(plan,)), NodePair(NodeName("N"), "linux", (pair,))


def test_the_gravest_comes_first_with_its_line() -> None:
    (stack_plan,) = assess(*plan_of(), {}).stacks
    risks = stack_plan.services[0].risks
    assert [risk.rule for risk in risks] == ["privilege.privileged", "privilege.capability", "image.unpinned"]
    assert risks[0].where == SourceLine(path="c.yml", line=9)
    assert risks[2].where == SourceLine(path="c.yml", line=2)  # the nearest line known
    assert stack_plan.risks == ()


def test_what_cannot_be_compared_counts_as_new() -> None:
    mended = StackPair(StackName("s"), None, web(privileged=True), unreadable=True)
    found = find_risks(NodePair(NodeName("N"), "linux", (mended,)))
    assert "privilege.privileged" in [one.rule.id for one in found]
    broken = StackPair(StackName("s"), web(privileged=True), None, unreadable=True)
    assert list(find_risks(NodePair(NodeName("N"), "linux", (broken,)))) == []


def test_a_fleet_tunes_a_rule_by_its_id() -> None:
    tuned = {"privilege.privileged": Tuning.OFF, "privilege.capability": Tuning.INFO, "image.unpinned": Tuning.RISKY}
    (stack_plan,) = assess(*plan_of(), tuned).stacks
    assert [(risk.rule, risk.severity) for risk in stack_plan.services[0].risks] == [
        ("image.unpinned", Severity.RISKY),
        ("privilege.capability", Severity.INFO),
    ]
