"""Where a risk rule begins and ends: the neighbour of what fires stays silent, and the other way round."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.names import NodeName, ServiceName, StackName
from bot.fleetfile import Node
from bot.plan.model import NodePlan, ServicePlan, StackPlan
from bot.plan.rendering import NodeChange, Place, Rendered, Side, StackChange
from bot.protocol.action import Action
from bot.risks.assess import add_risks, assess
from bot.risks.pairs import NodePair, StackPair
from tests.unit.plan.risk_cases import bind, db, driven, model, port, stack, volume, web
from tests.unit.plan.test_risks import fired

SAFE = {"security_opt": ["no-new-privileges:true"]}
OTHER = {"x": {"image": "app:1"}}
ANONYMOUS = {"type": "volume", "target": "/data"}

SILENT: dict[str, tuple[Any, Any]] = {
    "a build on the usual network": (web(), web(build={"context": "/fleet/a", "network": "default"})),
    "a build from a folder that is called as a repository is": (web(), web(build={"context": "/fleet/app.git/src"})),
    "a build on the image of a service that is called as a repository is": (
        web(build={"context": "/fleet/a"}),
        web(build={"context": "/fleet/a", "additional_contexts": {"b": "service:app.git"}}),
    ),
    "an anonymous volume that goes": (db(ANONYMOUS), db()),
    "any free port that stays": (web(ports=[port("8000-8010")]), web(ports=[port("8000-8010")], image="app:1.1")),
    "a label of SELinux that others may share": (web(), web(volumes=[bind("/srv/a", bind={"selinux": "z"})])),
    "containerd's own runtime": (web(), web(runtime="io.containerd.runc.v2")),
    "the first to be killed": (web(), web(oom_score_adj=500)),
    "an external network that the same stack creates under another key": (
        stack(),
        stack(networks={"a": {"name": "n", "external": True}, "b": {"name": "n"}}),
    ),
    "a service that goes, with what it had": (
        model(web(ports=[port("80")], **SAFE)["services"] | OTHER),
        model(OTHER),
    ),
}


@pytest.mark.parametrize("what", SILENT)
def test_what_only_looks_like_a_risk_fires_nothing(what: str) -> None:
    assert fired(SILENT[what]) == []


BUILD = {"context": "/fleet/a"}
LENDERS = {"a": {"volumes_from": ["b"]}, "b": {"volumes_from": ["c"]}, "c": {"volumes": [bind("/etc", "/c")]}}
FIRES: dict[str, tuple[Any, Any, list[tuple[str, str]]]] = {
    "a build from somebody's repository by SSH": (
        web(build=BUILD),
        web(build={"context": "deploy@git.example:acme/app"}),
        [("image.remote_build", "its image is built from deploy@git.example:acme/app")],
    ),
    "volumes of a service that has them of another one": (
        model(LENDERS | {"a": {}}),
        model(LENDERS),
        [("privilege.system_bind", "gets /etc of the node, writable")],
    ),
    "a context that becomes another one": (
        web(build=BUILD | {"additional_contexts": {"b": "./b"}}),
        web(build=BUILD | {"additional_contexts": {"b": "docker-image://evil"}}),
        [("image.remote_build", "its build takes in docker-image://evil")],
    ),
    "a database that becomes another program": (
        web(image="postgres:15"),
        web(image="acme/store:16"),
        [
            (
                "image.other_source",
                "image comes from docker.io/acme/store instead of docker.io/library/postgres",
            ),
            ("data.database_major", "postgres changes its major version, 15 to 16: back up first"),
        ],
    ),
    "another program that becomes a database": (
        web(image="acme/store:16"),
        web(image="postgres:15"),
        [("image.other_source", "image comes from docker.io/library/postgres instead of docker.io/acme/store")],
    ),
    "an anonymous volume that becomes memory": (
        web(volumes=[ANONYMOUS]),
        web(volumes=[{"type": "tmpfs", "target": "/data"}]),
        [("data.mount_replaced", "/data holds a new tmpfs instead of a new volume")],
    ),
    "the folder of a runner": (
        web(),
        web(volumes=[bind("/srv/actions-runner/_work")]),
        [("privilege.system_bind", "gets /srv/actions-runner/_work of the node, writable")],
    ),
    "the folder of a runner, to read": (web(), web(volumes=[bind("/srv/actions-runner", read_only=True)]), []),
    "a network drive whose options hold the word bind": (
        None,
        driven(driver_opts={"type": "nfs", "o": "addr=bind.lan,rw", "device": ":/d"}),
        [("data.volume_driver", "volume db lies on :/d")],
    ),
    "a folder of the system that calls itself a network drive": (
        None,
        driven(driver_opts={"type": "nfs", "o": "rbind,rw", "device": "/etc"}),
        [("privilege.system_bind", "gets /etc of the node, writable")],
    ),
    "a folder of the system whose options hold the letters ro": (
        None,
        driven(driver_opts={"type": "none", "o": "bind,prop=private,errors=remount-ro", "device": "/etc"}),
        [("privilege.system_bind", "gets /etc of the node, writable")],
    ),
    "two networks of one stack that overlap": (
        stack(),
        stack(
            networks={
                name: {"name": name, "ipam": {"config": [{"subnet": subnet}]}}
                for name, subnet in (("a", "10.1.0.0/16"), ("b", "10.1.2.0/24"))
            }
        ),
        [("collision.subnet", "subnet 10.1.2.0/24 of network b overlaps with 10.1.0.0/16 of a (s0)")],
    ),
    "an option of an endpoint that becomes another one": (
        web(networks={"lan": {"driver_opts": {"a": "b"}}}),
        web(networks={"lan": {"driver_opts": {"a": "c"}}}),
        [("exposure.network_driver", "its place in network lan gets options a")],
    ),
    "a label that a program obeys, in capitals, and with another value": (
        web(labels={"Ofelia.job-exec.x.command": "id"}),
        web(labels={"Ofelia.job-exec.x.command": "rm"}),
        [("exposure.controller_label", "label Ofelia.job-exec.x.command is rm")],
    ),
    "a network over several nodes": (
        None,
        stack(networks={"n": {"name": "n", "driver": "overlay"}}),
        [("exposure.network_driver", "network n is made by overlay")],
    ),
    "a port that was reached from everywhere and from here": (
        web(ports=[port("80", "127.0.0.1"), port("80")]),
        web(ports=[port("80", "10.0.0.5")]),
        [("exposure.port_closed", "port 80 is only on 10.0.0.5")],
    ),
    "any free port beside another one": (
        web(ports=[port("8000-8010")]),
        web(ports=[port("8000-8010"), port("9000-9010", target=81)]),
        [("exposure.port_published", "port 0.0.0.0:(any) to 81/tcp is newly reachable from the network")],
    ),
    "neighbours that opened from different addresses": (
        web(ports=[port("80", "127.0.0.1", 80), port("81", "10.0.0.5", 81)]),
        web(ports=[port("80", target=80), port("81", target=81)]),
        [
            ("exposure.bind_address", "port 80 listens on 0.0.0.0 instead of 127.0.0.1"),
            ("exposure.bind_address", "port 81 listens on 0.0.0.0 instead of 10.0.0.5"),
        ],
    ),
    "an annotation that becomes another one": (
        web(annotations={"a": "1"}),
        web(annotations={"a": "2"}),
        [("privilege.annotation", "gets annotation a")],
    ),
}


@pytest.mark.parametrize("what", FIRES)
def test_what_fires_and_nothing_besides(what: str) -> None:
    before, after, expected = FIRES[what]
    assert sorted((rule, text) for rule, _, text in fired((before, after))) == sorted(expected)


# With each of these a container is the node's root, or watches, stops or changes what is not its own.
STRONG = (
    "ALL AUDIT_CONTROL BPF CHECKPOINT_RESTORE DAC_OVERRIDE DAC_READ_SEARCH MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN "
    "PERFMON SETFCAP SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_PTRACE SYS_RAWIO SYS_TIME"
)
USUAL = (
    "AUDIT_WRITE CHOWN FOWNER IPC_LOCK KILL NET_BIND_SERVICE NET_RAW SETGID SETUID SYS_NICE SYS_RESOURCE WAKE_ALARM"
)


@pytest.mark.parametrize(
    ("names", "rule"), [(STRONG, "privilege.strong_capability"), (USUAL, "privilege.capability")]
)
def test_capabilities_by_what_they_lead_to(names: str, rule: str) -> None:
    found = fired((web(), web(cap_add=names.split())))
    assert found == [(rule, "web", f"gets capability {name}") for name in names.split()]


CONFINED = ("no-new-privileges", "seccomp=builtin", "apparmor:docker-default", "label=level:s0:c1,c2")
LOOSE = ("seccomp=unconfined", "apparmor=unconfined", "label=disable", "label:disable", "label=user:root", "x")


def test_options_of_confinement_that_loosen_it() -> None:
    assert fired((web(), web(security_opt=list(CONFINED)))) == []
    assert fired((web(), web(security_opt=list(LOOSE)))) == [
        ("privilege.unconfined", "web", f"runs with {option}") for option in LOOSE
    ]


def test_a_third_stack_that_takes_the_same_name_is_one_more_collision() -> None:
    named = stack("x", services={"a": {"container_name": "n"}})
    second, third = (stack(name, services={name: {"container_name": "n"}}) for name in "yz")
    assert fired((named, named), (second, second), (stack("z"), third)) == [
        ("collision.container_name", "z", "container name n is taken by s0 / a")
    ]


def test_a_link_that_only_moves_in_the_list_is_not_named_again() -> None:
    link, other = bind("/fleet/s/data"), volume("v", "/v")
    place = {"s/data": Place(path="s/data", outside="/etc")}
    old, new = (Side(Rendered(model=web(volumes=one)), places=place) for one in ([link], [other, link]))
    services = (ServicePlan(service=ServiceName("web"), action=Action.RECREATE),)
    bare = NodePlan(NodeName("N"), "linux", (StackPlan(StackName("s"), "s", (), services=services),))
    change = StackChange(StackName("s"), "s", old=old, new=new)

    def found(one: StackChange) -> list[str]:
        plan = add_risks(bare, NodeChange(Node(name=NodeName("N")), (one,)), {})
        return [risk.rule for risk in plan.stacks[0].services[0].risks]

    assert found(change) == []
    assert "privilege.system_bind" in found(replace(change, old=None))


def test_what_two_words_of_a_file_ask_for_is_one_risk() -> None:
    services = (ServicePlan(service=ServiceName("web"), action=Action.RECREATE),)
    plan = NodePlan(NodeName("N"), "linux", (StackPlan(StackName("s"), "s", (), services=services),))
    pair = StackPair(StackName("s"), web(), web(cap_add=["NET_ADMIN", "cap_net_admin"]))
    (one,) = assess(plan, NodePair(NodeName("N"), "linux", (pair,)), {}).stacks[0].services[0].risks
    assert one.text == "gets capability NET_ADMIN"
