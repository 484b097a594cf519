"""Findings of the risk rules with place and words, where one case more than those of risk_cases tells rules apart."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.names import NodeName, StackName
from bot.risks.assess import find_risks
from bot.risks.host_paths import Holds, judge_device, normalise_path
from bot.risks.pairs import NodePair, StackPair
from tests.unit.plan.risk_cases import bind, model, volume, web

FILES = {
    "secrets": {"key": {"file": "/root/key"}, "tame": {"file": "/fleet/x"}},
    "configs": {"c": {"file": "/etc/x"}},
}


def found(old: Any, new: Any) -> list[tuple[str, str, str]]:
    """(rule, place, words) of everything that fires."""
    pair = NodePair(NodeName("N"), "linux", (StackPair(StackName("s"), old, new),))
    return [(one.rule.id, one.place, one.text) for one in find_risks(pair)]


SYSTEM = "privilege.system_bind"
READ_ONLY = " of the node, read-only"
CASES: dict[str, tuple[Any, Any, list[tuple[str, str, str]]]] = {
    "a namespace of Podman's": (
        web(),
        web(network_mode="ns:/run/netns/x"),
        [("exposure.host_network", "services.web.network_mode", "joins the network ns:/run/netns/x")],
    ),
    "files of the node as secrets and configs": (
        web() | FILES,
        web(secrets=["tame", "key"], configs=[{"source": "c", "target": "/c"}]) | FILES,
        [
            (SYSTEM, "services.web.configs.0", f"gets /etc/x{READ_ONLY}"),
            (SYSTEM, "services.web.secrets.1", f"gets /root/key{READ_ONLY}"),
        ],
    ),
    "a secret of the node moves to another target": (
        web(secrets=[{"source": "key", "target": "/a"}]) | FILES,
        web(secrets=[{"source": "key", "target": "/b"}]) | FILES,
        [(SYSTEM, "services.web.secrets.0", f"gets /root/key{READ_ONLY}")],
    ),
    "a secret of the node under its own name again": (
        web(secrets=["key"]) | FILES,
        web(secrets=[{"source": "key"}]) | FILES,
        [],
    ),
    "files of the node for a build": (
        web() | FILES,
        web(build={"context": ".", "secrets": [{"source": "key"}]}) | FILES,
        [(SYSTEM, "services.web.build.secrets.0", f"gets /root/key{READ_ONLY}")],
    ),
    "mounts that go, stay and change": (
        web(volumes=[volume("gone", "/a"), bind("/srv/a", "/b"), volume("same", "/c"), volume("old", "/d")]),
        web(volumes=[volume("same", "/c"), volume("new", "/d")]),
        [
            (
                "data.volume_dropped",
                "services.web.volumes",
                "volume gone is no longer mounted (was at /a): its data stays behind",
            ),
            (
                "data.volume_renamed",
                "services.web.volumes.1",
                "/d holds volume new instead of volume old: it starts empty",
            ),
        ],
    ),
    "volumes that may hold something already": (
        web(volumes=[volume("old", "/a"), volume("old", "/b"), volume("old", "/c")])
        | {"volumes": {"old": {"name": "x_old"}, "known": {"name": "x_known"}}},
        web(volumes=[volume("known", "/a"), volume("other", "/b"), volume("fresh", "/c")])
        | {
            "volumes": {
                "known": {"name": "x_known"},
                "other": {"name": "given", "external": True},
                "fresh": {"name": "x_fresh"},
            }
        },
        [
            ("data.foreign_volume", "volumes.other", "uses volume given, which it does not make itself"),
            *(
                (
                    "data.volume_renamed",
                    f"services.web.volumes.{index}",
                    f"{target} holds volume {name} instead of volume x_old: {then}",
                )
                for index, target, name, then in (
                    (0, "/a", "x_known", "the data in the old one stays behind"),
                    (1, "/b", "given", "the data in the old one stays behind"),
                    (2, "/c", "x_fresh", "it starts empty"),
                )
            ),
        ],
    ),
    "data in a folder of another kind, then more": (
        web(volumes=[volume("a", "/a"), bind("/srv/same", "/same"), bind("/srv/b", "/b")]),
        web(volumes=[bind("/srv/same", "/same"), bind("/srv/c", "/b")]),
        [
            (
                "data.volume_dropped",
                "services.web.volumes",
                "volume a is no longer mounted (was at /a): its data stays behind",
            ),
            ("data.folder_moved", "services.web.volumes.1", "/b holds folder /srv/c instead of folder /srv/b"),
        ],
    ),
    "a database that comes": (
        web(),
        model({"web": web()["services"]["web"], "db": {"image": "postgres:16"}}),
        [],
    ),
    "a port without a protocol, and one without a number": (
        web(),
        web(ports=[{"target": 80, "published": "80"}, {"target": 81}]),
        [
            (
                "exposure.port_published",
                "services.web.ports.0",
                "port 0.0.0.0:80 to 80/tcp is newly reachable from the network",
            ),
            (
                "exposure.port_published",
                "services.web.ports.1",
                "port 0.0.0.0:(any) to 81/tcp is newly reachable from the network",
            ),
        ],
    ),
    "volumes that mount the node": (
        web(),
        web()
        | {
            "volumes": {
                "plain": {"driver_opts": {"o": "size=1m"}},
                "home": {"driver_opts": {"type": "none", "o": "bind,ro", "device": "~/.ssh"}},
                "drive": {"driver_opts": {"type": "none", "o": "bind", "device": "\\\\?\\C:\\Windows"}},
                "letter": {"driver_opts": {"type": "none", "o": "bind", "device": "C:\\Windows"}},
                "memory": {"driver_opts": {"type": "tmpfs", "device": "/etc"}},
            }
        },
        [
            (SYSTEM, "volumes.home.driver_opts", f"gets ~/.ssh{READ_ONLY}"),
            (SYSTEM, "volumes.letter.driver_opts", "gets C:\\Windows of the node, writable"),
        ],
    ),
    "options of a network": (
        web(),
        web() | {"networks": {"n": {"driver_opts": {"a": "1", "b": "2"}}}},
        [("exposure.network_driver", "networks.n.driver_opts", "network n gets options a, b")],
    ),
    "a namespace by its path": (
        web(),
        web(pid="ns:/proc/1/ns/pid"),
        [("privilege.host_namespace", "services.web.pid", "joins the process namespace ns:/proc/1/ns/pid")],
    ),
    "limits that take nothing from the node": (
        web(),
        web(oom_kill_disable=False, oom_score_adj=0, cpu_rt_runtime="0", cpu_rt_period=""),
        [],
    ),
    "a build that takes in local images and folders": (
        web(build={"context": "."}),
        web(build={"context": ".", "additional_contexts": {"a": "../x", "b": "service:y"}}),
        [],
    ),
    "what others may not write to is no data": (
        web(volumes=[volume("a", "/a", read_only=True), volume("b", "/b"), {"type": "tmpfs", "target": "/t"}]),
        web(volumes=[volume("x", "/a"), {"type": "tmpfs", "target": "/b"}]),
        [("data.mount_replaced", "services.web.volumes.1", "/b holds a new tmpfs instead of volume b")],
    ),
    "a service that comes brings no data": (
        model({"web": web()["services"]["web"]}),
        model({"web": web()["services"]["web"], "x": {"image": "x:1", "volumes": [bind("/srv/a", "/a")]}}),
        [],
    ),
    "another's mounts": (
        web(),
        model(
            {
                "web": web()["services"]["web"] | {"volumes_from": ["one:ro", "gone"]},
                "one": {"image": "a:1", "volumes": [bind("/usr/x", "/x")], "volumes_from": ["web", "two"]},
                "two": {"image": "a:1", "volumes": [bind("/root/y", "/y", read_only=True)]},
            }
        ),
        [],  # below, for what the two services themselves bring
    ),
}


@pytest.mark.parametrize("name", [name for name in CASES if name != "another's mounts"])
def test_what_is_found_stands_at_its_place(name: str) -> None:
    old, new, expected = CASES[name]
    risky = [one for one in found(old, new) if one[0].split(".")[0] in ("privilege", "data", "exposure")]
    assert sorted(risky) == sorted(expected)


def test_mounts_that_come_by_way_of_others_are_the_services_own() -> None:
    old, new, _ = CASES["another's mounts"]
    own = [one for one in found(old, new) if one[1].startswith("services.web.")]
    assert sorted(own) == [
        (SYSTEM, "services.web.volumes_from", f"gets /root/y{READ_ONLY}"),
        (SYSTEM, "services.web.volumes_from", f"gets /usr/x{READ_ONLY}"),
    ]


@pytest.mark.parametrize("path", ["/etc/localtime", "/etc/hosts", "/usr/share/x", "/dev/sda", "/dev/mem"])
def test_a_device_is_never_harmless_because_it_could_only_be_read(path: str) -> None:
    assert judge_device(path) is Holds.STRONG_DEVICE


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("//X/y", "/X/y"),
        ("/Xetc", "/Xetc"),
        ("\\\\.\\PIPE\\x", "//./PIPE/x"),
        ("C:\\a\\..\\..\\b", "c:/b"),
        ("C:", "c:/"),
        ("/var/run/x", "/run/x"),
        ("/var/runner", "/var/runner"),
        ("/srv/var/run/x", "/srv/var/run/x"),
        ("", ""),
    ],
)
def test_each_path_has_one_spelling(path: str, normal: str) -> None:
    assert normalise_path(path) == normal


def test_each_volume_of_another_stack_is_told_also_after_an_external_one() -> None:
    volumes = {"a": {"name": "shared", "external": True}, "b": {"name": "twice"}, "c": {"name": "thrice"}}
    stacks = [StackPair(StackName(f"s{n}"), web(), web() | {"volumes": volumes}) for n in range(2)]
    told = [one for one in find_risks(NodePair(NodeName("N"), "linux", tuple(stacks))) if "is that of" in one.text]
    assert sorted((one.stack, one.place) for one in told) == [("s1", "volumes.b"), ("s1", "volumes.c")]
