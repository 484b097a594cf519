"""Risk rules: each fires where it should, and stays silent where nothing changed."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import NodeName, ServiceName, StackName
from bot.domain.risk_rules import RULES, Tuning
from bot.domain.severity import Severity
from bot.fleetfile import Node
from bot.plan.model import NodePlan, ServicePlan, SourceLine, StackPlan
from bot.plan.rendering import (
    OUTSIDE,
    LostGuards,
    NodeChange,
    OutsideFile,
    Place,
    Rendered,
    Side,
    StackChange,
    Unreadable,
)
from bot.protocol.action import Action
from bot.risks.assess import add_risks, assess, find_risks
from bot.risks.pairs import NodePair, StackPair
from tests.unit.plan.risk_cases import (
    BASE,
    NODE_WIDE,
    ONE_SERVICE,
    ROUTER,
    SOCKET,
    VOLUMES,
    bind,
    db,
    model,
    network,
    port,
    stack,
    volume,
    web,
)


def fired(*stacks: tuple[Any, Any], platform: str = "linux") -> list[tuple[str, str | None, str]]:
    """What fires on a node with these (old, new) stacks, as (rule, service, text)."""
    pairs = tuple(StackPair(StackName(f"s{i}"), old, new) for i, (old, new) in enumerate(stacks))
    return [(f.rule.id, f.service, f.text) for f in find_risks(NodePair(NodeName("N"), platform, pairs))]


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


@pytest.mark.parametrize(("rule", "stacks", "words"), NODE_WIDE, ids=lambda v: v if isinstance(v, str) else "")
def test_what_concerns_a_whole_node_fires_its_rule(rule: str, stacks: list[tuple[Any, Any]], words: str) -> None:
    found = fired(*stacks)
    assert any(id_ == rule and words in text for id_, _, text in found), found
    after = [(new, new) for _, new in stacks if new is not None]
    assert fired(*after) == []


def test_a_router_that_goes_is_one_remark_and_no_lost_guard() -> None:
    """Traefik makes a router of its own, without guard, of a container that has none: then the guard is lost."""
    router = {f"{ROUTER}.rule": "Host(`a`)", f"{ROUTER}.tls": "true", f"{ROUTER}.middlewares": "auth@file"}
    other = {"traefik.http.routers.other.rule": "Host(`b`)"}
    on, off = {"traefik.enable": "true"}, {"traefik.enable": "false"}

    def rules(before: dict[str, str], after: dict[str, str]) -> set[str]:
        return {rule for rule, *_ in fired((web(labels=before), web(labels=after)))}

    gone = {"exposure.traefik_route"}
    lost = {*gone, "exposure.traefik_tls", "exposure.traefik_guard"}
    assert rules({**router, **other}, other) == gone
    assert rules({**on, **router}, {}) == gone
    assert rules({**on, **router}, off) == gone
    assert rules(router, off) == gone
    assert rules({**on, **router}, on) == lost
    assert rules(router, {}) == lost
    assert rules({**off, **router}, {}) == lost
    assert rules({**on, **router}, {**on, f"{ROUTER}.rule": "Host(`a`)"}) == lost - gone


def test_every_rule_has_a_case_above() -> None:
    of_files = {"exposure.file_guard", "variable.conditional"}
    assert {rule for rule, *_ in [*ONE_SERVICE, *NODE_WIDE]} | of_files == set(RULES)


def test_a_mounted_file_that_loses_a_guard_is_a_risk_at_its_line() -> None:
    where = SourceLine("server/s/web.yml", 5)
    lost: dict[ServiceName, tuple[LostGuards, ...]] = {ServiceName("web"): (LostGuards(("tls", "basicauth"), where),)}
    both = Side(Rendered(model=web(), sources={"services.web": SourceLine("server/s/compose.yaml", 1)}))
    change = StackChange(StackName("s"), "s", old=both, new=both, lost_guards=lost)
    services = (ServicePlan(service=ServiceName("web"), action=Action.RESTART),)
    bare = NodePlan(NodeName("N"), "linux", (StackPlan(StackName("s"), "s", (), services=services),))
    plan = add_risks(bare, NodeChange(Node(name=NodeName("N")), (change,)), {})
    (risk,) = plan.stacks[0].services[0].risks
    assert (risk.rule, risk.severity, risk.where) == ("exposure.file_guard", Severity.RISKY, where)
    assert (
        risk.text
        == "authentication or TLS may be gone: the mounted web.yml names tls, basicauth less often than before"
    )


def test_a_text_that_depends_on_the_nodes_own_variable_is_a_risk_whenever_the_files_change() -> None:
    def told(old: dict[str, str] | None, new: dict[str, str]) -> list[tuple[str, str]]:
        sides = [None if one is None else Side(Rendered(model=web(), conditional=one)) for one in (old, new)]
        bare = NodePlan(NodeName("N"), "linux", (StackPlan(StackName("s"), "s", (), services=()),))
        change = NodeChange(Node(name=NodeName("N")), (StackChange(StackName("s"), "s", old=sides[0], new=sides[1]),))
        risks = add_risks(bare, change, {}).stacks[0].risks
        return [(one.severity, one.text) for one in risks if one.rule == "variable.conditional"]

    path = (Severity.RISKY, "what `${PATH:+...}` stands for depends on whether the node has PATH set")
    assert told(None, {"PATH": "1"}) == told({"HOME": "1"}, {"PATH": "1"}) == [path]
    assert told({"PATH": "1"}, {"PATH": "2"}) == [path]
    assert told({"PATH": "1"}, {"PATH": "1"}) == told({"PATH": "1"}, {}) == []


def test_a_link_out_of_the_checkout_is_a_risk_by_its_target() -> None:
    model = web(volumes=[{"type": "bind", "source": "/fleet/server/s/data", "target": "/x"}])

    where = SourceLine("server/s/compose.yaml", 7)

    def told(old: str, new: str) -> list[tuple[str, str]]:
        path = "server/s/data"
        rendered = Rendered(model=model, sources={"services.web.volumes.0": where})
        sides = [Side(rendered, places={path: Place(path=path, outside=one)}) for one in (old, new)]
        services = (ServicePlan(service=ServiceName("web"), action=Action.RESTART),)
        bare = NodePlan(NodeName("N"), "linux", (StackPlan(StackName("s"), "s", (), services=services),))
        change = NodeChange(Node(name=NodeName("N")), (StackChange(StackName("s"), "s", old=sides[0], new=sides[1]),))
        risks = add_risks(bare, change, {}).stacks[0].services[0].risks
        assert all(one.where == where for one in risks)
        return [(one.rule, one.text) for one in risks]

    etc = ("privilege.system_bind", "gets /etc of the node, writable, by the link server/s/data")
    anywhere = ("privilege.system_bind", "gets server/s/data, a link that leads out of the checkout")
    assert told("", "/etc") == told("/srv/media", "/etc") == told(OUTSIDE, "/etc") == [etc]
    assert told("/etc", OUTSIDE) == [anywhere]
    assert told("/etc", "/etc") == told("/etc", "") == told("", "/srv/media") == []


def test_a_file_of_the_node_that_is_read_into_a_container_is_a_risk_by_its_path() -> None:
    where = SourceLine("server/s/compose.yaml", 4)

    def told(old: str, new: str, service: str = "web", key: str = "env_file") -> list[tuple[str, str]]:
        read = [(OutsideFile(ServiceName(service), key, one, where),) if one else () for one in (old, new)]
        sides = [Side(Rendered(model=web(), outside=one)) for one in read]
        services = (ServicePlan(service=ServiceName("web"), action=Action.RESTART),)
        bare = NodePlan(NodeName("N"), "linux", (StackPlan(StackName("s"), "s", (), services=services),))
        change = NodeChange(Node(name=NodeName("N")), (StackChange(StackName("s"), "s", old=sides[0], new=sides[1]),))
        (stack,) = add_risks(bare, change, {}).stacks
        risks = stack.services[0].risks if service == "web" else stack.risks
        assert all(one.where == where for one in risks)
        return [(one.rule, one.text) for one in risks]

    etc = ("privilege.system_bind", "gets /etc/x of the node, read-only, by env_file")
    unknown = ("privilege.system_bind", "gets a file by env_file, and nobody can follow which of the node's it is")
    assert told("", "/etc/x") == told("/srv/x", "/etc/x") == told("", "../../etc/x") == [etc]
    assert told("", "/etc/x", service="") == [etc]
    assert told("", "../.ssh/x", key="label_file") == [
        (etc[0], "gets ~/.ssh/x of the node, read-only, by label_file")
    ]
    assert told("", OUTSIDE) == [unknown]
    assert told("", "/etc/hosts") == [("privilege.system_read", "may read /etc/hosts of the node, by env_file")]
    assert told("/etc/x", "/etc/x") == told("/etc/x", "") == told("", "/srv/x") == told("", "../x") == []


SILENT: list[tuple[str, tuple[Any, Any]]] = [
    ("a loopback port", (web(), web(ports=[port("80", "127.0.0.1")]))),
    ("the exporter of a database", (web(image="postgres-exporter:1.1"), web(image="postgres-exporter:1.2"))),
    ("a minor version", (web(image="postgres:16.1"), web(image="postgres:16.3"))),
    ("a version named less exactly", (web(image="postgres:16.1"), web(image="postgres:16"))),
    ("a minor version of an application", (web(image="app:1.9"), web(image="app:1.10"))),
    ("an application with a calendar's version", (web(image="app:2024.1"), web(image="app:2025.1"))),
    ("the first calendar's version of an application", (web(image="app:9.1"), web(image="app:2025.1"))),
    ("an application without a version", (web(image="app:main"), web(image="app:2"))),
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
    ("an image in full", (web(image="docker.io/redis:7"), web(image="docker.io/library/redis:7"))),
    ("an image of the older address", (web(image="index.docker.io/redis:7"), web(image="library/redis:7"))),
]


def test_a_service_that_is_only_called_otherwise_can_do_no_more() -> None:
    body = {"image": "app:1", "privileged": True, "ports": [port("80")], "labels": {f"{ROUTER}.rule": "Host(`a`)"}}
    was, opened = model({"web": body}), {**body, "user": "1"}
    assert {rule for rule, _, _ in fired((was, model({"site": body})))} <= {"handover.port"}
    found = fired((was, model({"site": body, "other": body})))
    assert {name for rule, name, _ in found if rule.startswith("privilege.")} == {"other"}
    assert "exposure.port_published" in {rule for rule, _, _ in fired((was, model({"site": opened})))}


def test_a_service_whose_container_is_called_otherwise_too_can_do_no_more() -> None:
    body = {"image": "app:1", "privileged": True, "ports": [port("80")]}
    waits = {"condition": "service_started"}
    was = {**body, "container_name": "web", "hostname": "web", "depends_on": {"db": waits}}
    now = was | {"container_name": "site", "hostname": "site", "depends_on": {"data": waits}}
    db = {"image": "db:1", "ports": [port("5432")], "container_name": "db"}
    found = fired((model({"web": was, "db": db}), model({"site": now, "data": db | {"container_name": "data"}})))
    assert {rule for rule, _, _ in found} <= {"handover.port"}
    assert fired((model({"web": was, "db": db}), model({"web": now, "db": db}))) == []


def test_a_stack_that_goes_leaves_its_volumes() -> None:
    gone = stack("x", services={"db": {"image": "db:1"}}, volumes={"db": {"name": "x_db"}})
    assert [text for rule, _, text in fired((gone, None)) if rule == "data.stack_removed"] == [
        "the stack is removed: db will stop; volume x_db stays on the node"
    ]


def test_no_tag_is_the_tag_latest() -> None:
    found = fired((web(image="redis"), web(image="redis:latest")))
    assert [rule for rule, _, _ in found] == ["image.unpinned"]


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


def test_a_change_whose_stack_cannot_be_read_says_so() -> None:
    """Its networks may be among those that others miss."""
    stacks = (
        StackChange(
            stack=StackName("s0"),
            folder="server/s0",
            new=Side(rendering=Rendered(model=stack("x", **network("n", external=True)))),
        ),
        StackChange(stack=StackName("s1"), folder="server/s1", new=Side(rendering=Unreadable(message="line 3"))),
    )
    plan = NodePlan(
        node=NodeName("N"), platform="linux", stacks=(StackPlan(stack=StackName("s0"), folder="", files=()),)
    )
    (found,) = add_risks(plan, NodeChange(node=Node(name=NodeName("N")), stacks=stacks), {}).stacks[0].risks
    assert found.text == "external network n: no stack that could be read creates it"


def test_a_fleet_tunes_a_rule_by_its_id() -> None:
    tuned = {"privilege.privileged": Tuning.OFF, "privilege.capability": Tuning.INFO, "image.unpinned": Tuning.RISKY}
    (stack_plan,) = assess(*plan_of(), tuned).stacks
    assert [(risk.rule, risk.severity) for risk in stack_plan.services[0].risks] == [
        ("image.unpinned", Severity.RISKY),
        ("privilege.capability", Severity.INFO),
    ]


def test_a_stack_that_cannot_be_read_may_create_what_is_missing() -> None:
    user = StackPair(StackName("x"), stack("x"), stack("x", **network("n", external=True)))
    broken = StackPair(StackName("y"), None, None, unreadable=True)
    (found,) = find_risks(NodePair(NodeName("N"), "linux", (user, broken)))
    assert found.text == "external network n: no stack that could be read creates it"
    assert (found.place, found.stack, found.service) == ("networks.n", "x", None)


def test_risks_of_a_renamed_project_belong_to_the_new_one() -> None:
    old, new = (
        StackPlan(stack=StackName("s"), folder="server/s", files=(), project=name, services=(service,))
        for name, service in (
            ("old", ServicePlan(service=ServiceName("web"), action=Action.REMOVE)),
            ("app", ServicePlan(service=ServiceName("web"), action=Action.CREATE)),
        )
    )
    plan = NodePlan(node=NodeName("N"), platform="linux", stacks=(old, new))
    after = web(privileged=True, volumes=[bind("/fleet/server/b")])
    change = NodeChange(
        node=Node(name=NodeName("N")),
        stacks=(
            StackChange(
                stack=StackName("s"),
                folder="server/s",
                old=Side(rendering=Rendered(model=web(volumes=[bind("/fleet/server/a")]))),
                new=Side(rendering=Rendered(model=after, sources={"services": SourceLine(path="c.yml", line=1)})),
            ),
        ),
    )
    removed, added = add_risks(plan, change, {}).stacks
    assert removed == old
    assert added.risks == ()
    assert [(risk.rule, risk.text, risk.where) for risk in added.services[0].risks] == [
        (
            "privilege.privileged",
            "runs privileged: it can do on the node whatever root can",
            SourceLine(path="c.yml", line=1),
        ),
        (
            "data.folder_moved",
            "/x holds folder server/b instead of folder server/a",
            SourceLine(path="c.yml", line=1),
        ),
    ]


def test_what_no_service_of_the_plan_has_is_the_stacks_own() -> None:
    pair = StackPair(
        StackName("s0"), db(volume("db")), db(), sources={"services.db": SourceLine(path="c.yml", line=4)}
    )
    plan = NodePlan(
        node=NodeName("N"),
        platform="linux",
        stacks=tuple(StackPlan(stack=StackName(name), folder="", files=()) for name in ("s0", "other")),
    )
    first, second = assess(plan, NodePair(NodeName("N"), "linux", (pair,)), {}).stacks
    assert [(risk.rule, risk.where) for risk in first.risks] == [
        ("data.volume_dropped", SourceLine(path="c.yml", line=4))
    ]
    assert second.risks == ()
