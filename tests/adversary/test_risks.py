"""A stack that owns the node is slipped past the plan.

A success: the plan of a stack with one of these services names no risk for it. Each is written plainly, through
`extends`, a YAML merge, `include`, and a variable's default, and rendered by the real compose. The weakened build is
the same plan with the rule switched off by the fleet file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from ruamel.yaml import YAML

from bot.domain.names import NodeName
from bot.domain.risk_rules import Tuning
from bot.domain.severity import Severity
from bot.fleetfile import Node
from bot.plan.model import NodePlan
from bot.plan.rendering import Unreadable
from bot.planner.snapshot import Snapshot
from bot.redaction.recognise import word_set
from sandbox.world import HERE
from tests.integration.planner.render_world import RenderWorld

LAB = Node(name=NodeName("LAB"))
CONTEXT = {"context": ".", "dockerfile_inline": "FROM scratch\n"}
BINDS = sorted(
    word_set(
        "/etc/cron.d /etc/systemd/system /etc/sudoers.d /root/.ssh/authorized_keys //etc /etc/. /srv/../etc / "
        "/proc/1/root /var/lib/docker/volumes /home/ada /etc/docker /var/lib /var/lib/aios-bot-node "
        "/var/lib/aios-bot-node/keys /var/snap/docker /var/lib/machines /home/ada/.config/gh /swapfile "
        "/home/ada/.local/share/docker"
    )
)
WRITABLE = ("/opt/actions-runner", "/home/ada/actions-runner/_work", "../../../.github", "../../../.git")
SYSTEM, DEVICE, SOCKET = "privilege.system_bind", "privilege.strong_device", "privilege.docker_socket"
ATTACKS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"bind{i}": (SYSTEM, {"volumes": [f"{path}:/x"]}) for i, path in enumerate(BINDS)},
    **{
        f"long{i}": (SYSTEM, {"volumes": [{"type": "bind", "source": path, "target": "/x", "read_only": True}]})
        for i, path in enumerate(BINDS)
    },
    **{f"writable{i}": (SYSTEM, {"volumes": [f"{path}:/x"]}) for i, path in enumerate(WRITABLE)},
    "named": (SYSTEM, {"volumes": ["root:/x"]}),
    **{name: (SYSTEM, {"volumes": [f"{name}:/x"]}) for name in ("memory_bind", "folder_bind", "drive_bind")},
    "secret_socket": (SOCKET, {"secrets": ["socket"]}),
    "secret_root": (SYSTEM, {"secrets": [{"source": "everything", "target": "/x"}]}),
    "config_keys": (SYSTEM, {"configs": ["keys"]}),
    "built_with": (SYSTEM, {"build": {**CONTEXT, "secrets": ["identity"]}}),
    "by_path": ("privilege.host_namespace", {"pid": "ns:/proc/1/ns/pid"}),
    "net_by_path": ("exposure.host_network", {"network_mode": "ns:/proc/1/ns/net"}),
    **{
        f"device{i}": (DEVICE, {"devices": [f"{path}:/dev/x"]})
        for i, path in enumerate(["/dev/ubuntu-vg/ubuntu-lv", "/dev/ng0n1", "/dev/root", "/dev/pmem0", "/dev/pve"])
    },
    "keyboards": (DEVICE, {"device_cgroup_rules": ["c 13:* rwm"]}),
    "terminals": (DEVICE, {"device_cgroup_rules": ["c 4:* rwm"]}),
    "disk": (DEVICE, {"volumes": ["disk:/x"]}),
    "memory": (DEVICE, {"volumes": ["/dev/mem:/dev/mem"]}),
    "podman": (SOCKET, {"volumes": ["/run/podman:/x"]}),
    "rootless": (SOCKET, {"volumes": ["/run/user/1000:/x"]}),
    "containerd": (SOCKET, {"volumes": ["/run/containerd:/x:ro"]}),
    "heir": (SOCKET, {"volumes_from": ["podman"]}),
    "sda": (DEVICE, {"devices": ["/dev/sda:/dev/xvda"]}),
    "classes": (DEVICE, {"device_cgroup_rules": ["a *:* rwm"]}),
    "started": ("privilege.privileged", {"post_start": [{"command": ["id"], "privileged": True}]}),
    "stopped": ("privilege.privileged", {"pre_stop": [{"command": ["id"], "privileged": True}]}),
    "rooted": ("privilege.root_user", {"post_start": [{"command": ["id"], "user": "root"}]}),
    "built": ("privilege.build", {"build": {**CONTEXT, "privileged": True}}),
    "entitled": ("privilege.build", {"build": {**CONTEXT, "entitlements": ["security.insecure"]}}),
    "hosted": ("privilege.build", {"build": {**CONTEXT, "network": "host"}}),
    "keyed": ("privilege.build", {"build": {**CONTEXT, "ssh": ["default"]}}),
    "remote": ("image.remote_build", {"build": "https://github.com/evil/x.git#main"}),
    "provided": ("privilege.host_program", {"provider": {"type": "evil"}}),
    "pid": ("privilege.foreign_container", {"pid": "container:vault"}),
    "ipc": ("privilege.foreign_container", {"ipc": "container:vault"}),
    "net": ("exposure.container_network", {"network_mode": "container:vault"}),
    "hostnet": ("exposure.host_network", {"networks": ["outside"]}),
    "from": ("privilege.foreign_container", {"volumes_from": ["container:vault"]}),
    "runtime": ("privilege.runtime", {"runtime": "evil"}),
    "cgroup": ("privilege.cgroup_parent", {"cgroup_parent": "/"}),
    "spc": ("privilege.unconfined", {"security_opt": ["label=type:spc_t"]}),
    "seccomp": ("privilege.unconfined", {"security_opt": ["seccomp=mine.json"]}),
    "apparmor": ("privilege.unconfined", {"security_opt": ["apparmor=mine"]}),
    "gpus": ("privilege.device", {"gpus": "all"}),
    "userns": ("privilege.host_namespace", {"userns_mode": "host"}),
    "annotated": ("privilege.annotation", {"annotations": {"run.oci.handler": "wasm"}}),
}
TOP = {
    "volumes": {
        "root": {"driver_opts": {"type": "none", "o": "bind", "device": "/"}},
        "disk": {"driver_opts": {"type": "ext4", "device": "/dev/sda1"}},
        "memory_bind": {"driver_opts": {"type": "tmpfs", "o": "bind", "device": "/"}},
        "folder_bind": {"driver_opts": {"type": "tmpfs", "o": "rbind", "device": "/etc"}},
        "drive_bind": {"driver_opts": {"type": "cifs", "o": "rbind,rw", "device": "/etc"}},
    },
    "secrets": {
        "socket": {"file": "/var/run/docker.sock"},
        "everything": {"file": "/"},
        "identity": {"file": "/root/.ssh/id_ed25519"},
    },
    "configs": {"keys": {"file": "/root/.ssh"}},
    "networks": {"outside": {"external": True, "name": "host"}},
}
STACK_WIDE = (
    "named",
    "disk",
    "memory_bind",
    "folder_bind",
    "drive_bind",
)  # the rule speaks of the volume, not of the service


def services(body: Callable[[str, dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    return {name: body(name, _imaged(fields)) for name, (_, fields) in ATTACKS.items()}


def _imaged(fields: dict[str, Any]) -> dict[str, Any]:
    return fields if "build" in fields or "provider" in fields else {"image": "app:1.0", **fields}


def dump(path: Path, document: dict[str, Any]) -> str:
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    with path.open("w") as file:
        yaml.dump(document, file)
    return path.read_text()


def hidden(value: Any, name: str = "") -> Any:
    """Every text as the default of a variable; a key that compose reads as a word of its own stays."""
    match value:
        case dict():
            return {key: hidden(item, key) for key, item in value.items()}
        case list():
            return [hidden(item, name) for item in value]
        case str() if name not in ("dockerfile_inline", "context", "build", "gpus", "type"):
            return "${NOBODY_SETS_THIS:-" + value + "}"
    return value


def write_forms(folder: Path) -> dict[str, str]:
    """Files of the upstream: one stack for each form."""
    plain = {"services": services(lambda _, fields: fields), **TOP}
    base = {"services": services(lambda _, fields: fields)}
    extends = {"services": services(lambda name, _: {"extends": {"file": "base.yaml", "service": name}}), **TOP}
    merged = dump(folder / "y", {f"x-{name}": _imaged(fields) for name, (_, fields) in ATTACKS.items()})
    for name in ATTACKS:
        merged = merged.replace(f"x-{name}:\n", f"x-{name}: &{name}\n")
    merged += "services:\n" + "".join(f"  {name}:\n    <<: *{name}\n" for name in ATTACKS)
    return {
        "stacks/plain/compose.yaml": dump(folder / "y", plain),
        "stacks/extends/compose.yaml": dump(folder / "y", extends),
        "stacks/extends/base.yaml": dump(folder / "y", base),
        "stacks/merged/compose.yaml": merged + dump(folder / "y", TOP),
        "stacks/included/compose.yaml": "include: [part/part.yaml]\nservices: {}\n",
        "stacks/included/part/part.yaml": dump(folder / "y", plain),
        "stacks/hidden/compose.yaml": dump(folder / "y", hidden({"services": plain["services"]}) | TOP),
    }


FORMS = ("plain", "extends", "merged", "included", "hidden")
CONDITIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "set on every node": ("", {"pid": "${PATH:+host}"}),
    "in a path": ("", {"volumes": ["/srv/data${HOME:+/../../run/docker.sock}:/x"]}),
    "inside another": ("", {"network_mode": "${NOBODY_SETS_THIS:-${USER+host}}"}),
    "set by the stack too": ("PATH=\n", {"pid": "${PATH:+host}"}),
}


class Plans:
    """Plans of one upstream commit with every attack, with rules switched as a fleet file says."""

    def __init__(self, folder: Path) -> None:
        self.world = RenderWorld(folder / "world")
        self.snapshot = self.world.push(write_forms(folder))

    def read(self, **risks: Tuning) -> NodePlan:
        return self.world.plan(None, self.snapshot, LAB, **risks)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Plans:
    folder = tmp_path_factory.mktemp("risks")
    (folder / "world").mkdir()
    return Plans(folder)


def find_rules(plan: NodePlan, form: str) -> dict[str, set[str]]:
    """The rules that fired, by service; "" for the stack as a whole."""
    (stack,) = (one for one in plan.stacks if one.stack == form)
    assert stack.error is None, stack.error
    return {"": {risk.rule for risk in stack.risks}} | {
        str(one.service): {risk.rule for risk in one.risks} for one in stack.services
    }


@pytest.mark.parametrize("form", FORMS)
def test_no_way_to_own_the_node_is_silent(plans: Plans, form: str) -> None:
    found = find_rules(plans.read(), form)
    for name, (rule, _) in ATTACKS.items():
        where = "" if name in STACK_WIDE else name
        assert rule in found[where], f"{name} in {form}: {found[where]}"


LINKED = {
    "a bind": {"volumes": ["./data:/x"]},
    "below a link": {"volumes": ["./data/etc:/x"]},
    "a volume": {"volumes": ["linked:/x"]},
    "a secret": {"secrets": ["linked"]},
}
LINKS = {"/": SYSTEM, "/var/run/docker.sock": SOCKET, "../../../../..": SYSTEM, "/etc": SYSTEM}


@pytest.mark.parametrize("target", LINKS)
@pytest.mark.parametrize("name", LINKED)
def test_a_link_out_of_the_checkout_is_judged_by_where_it_leads(name: str, target: str, tmp_path: Path) -> None:
    """First an honest folder, then the link in its place: the compose file stays as it is."""
    device = "/fleet/server/stacks/web/data"
    top = {
        "volumes": {"linked": {"driver_opts": {"type": "none", "o": "bind", "device": device}}},
        "secrets": {"linked": {"file": "./data"}},
    }
    document = dump(tmp_path / "y", {"services": {"web": {"image": "app:1.0", **LINKED[name]}}, **top})
    world = RenderWorld(tmp_path)
    honest = world.push({"stacks/web/compose.yaml": document, "stacks/web/data/etc/file": "words\n"})
    world.push({"stacks/web/data/etc/file": None})
    shutil.rmtree(world.upstream / "stacks/web/data")
    linked = world.push({}, links={"stacks/web/data": target})
    plan = world.plan(honest, linked, replace(LAB, root="/fleet"))
    (stack,) = plan.stacks
    wanted = {SYSTEM, SOCKET} if name == "below a link" else {LINKS[target]}
    assert stack.error is not None or wanted & find_rules(plan, "web")["web"]


def test_a_folder_is_no_address_because_of_its_name(tmp_path: Path) -> None:
    """`./ctx.git` is a folder for compose, so a link there is one too."""
    world = RenderWorld(tmp_path)
    document = "services: {web: {build: ./ctx.git}}\n"
    found = world.render({"compose.yaml": document}, links={"ctx.git": "/root"})
    assert isinstance(found, Unreadable)
    assert "a symbolic link leads out of the checkout" in found.message


@pytest.mark.parametrize("name", CONDITIONS)
def test_what_is_another_stack_where_the_node_has_a_variable_is_told(name: str, tmp_path: Path) -> None:
    """`${PATH:+host}` is nothing in a plan, and the host's namespace on a node: each change is a risk."""
    settings, fields = CONDITIONS[name]
    document = dump(tmp_path / "y", {"services": {"web": {"image": "app:1.0", **fields}}})
    world = RenderWorld(tmp_path)
    harmless = world.push({"stacks/web/compose.yaml": "services: {web: {image: 'app:1.0'}}\n"})
    first = world.push({"stacks/web/compose.yaml": document, "stacks/web/.env": settings})
    second = world.push({"stacks/web/compose.yaml": f"x-more: 1\n{document}", "stacks/web/.env": settings})
    certain = replace(LAB, variables=dict.fromkeys(("PATH", "HOME", "USER"), "x"))

    def rules(old: Snapshot, new: Snapshot, at: Node = LAB) -> set[str]:
        (stack,) = world.plan(old, new, at).stacks
        assert stack.error is None
        return {risk.rule for risk in stack.risks}

    assert "variable.conditional" in rules(harmless, first)
    assert "variable.conditional" in rules(first, second)
    assert "variable.conditional" not in rules(second, second)
    assert "variable.conditional" not in rules(harmless, first, certain)


def test_each_attack_would_work_without_its_rule(plans: Plans) -> None:
    for rule in sorted({rule for rule, _ in ATTACKS.values()}):
        found = find_rules(plans.read(**{rule.replace(".", "__"): Tuning.OFF}), "plain")
        assert not any(rule in rules for rules in found.values())


HOME_LAB = """\
services:
  jellyfin:
    image: jellyfin/jellyfin:10.10.3
    devices: [/dev/dri:/dev/dri]
    group_add: ["109"]
    ports: ["8096:8096"]
    volumes: [/mnt/media:/media:ro, /srv/jellyfin:/config, /etc/localtime:/etc/localtime:ro]
  zigbee:
    image: koenkk/zigbee2mqtt:1.41.0
    devices: [/dev/ttyUSB0:/dev/ttyUSB0]
    device_cgroup_rules: ["c 188:* rmw"]
    volumes: [/opt/zigbee:/app/data, /run/udev:/run/udev:ro]
  pihole:
    image: pihole/pihole:2024.07.0
    cap_add: [CHOWN, NET_BIND_SERVICE]
    dns: [127.0.0.1, 1.1.1.1]
    networks: {lan: {ipv4_address: 192.0.2.5}}
    sysctls: {net.ipv4.ip_unprivileged_port_start: 0}
  torrent:
    image: linuxserver/qbittorrent:4.6.7
    network_mode: service:vpn
    depends_on: [vpn]
    volumes: [/home/ada/downloads:/downloads, state:/config]
  vpn:
    image: qmcgaw/gluetun:v3.39.1
    security_opt: [no-new-privileges:true]
    ulimits: {nofile: 65536}
    logging: {driver: json-file, options: {max-size: 10m}}
    healthcheck: {test: [CMD, "true"]}
networks:
  lan: {driver: macvlan, driver_opts: {parent: eth0}, ipam: {config: [{subnet: 192.0.2.0/24}]}}
volumes:
  state: {}
"""


def test_an_ordinary_home_lab_is_not_red(tmp_path: Path) -> None:
    """The stacks of the demo, and those that people run at home, seen for the first time."""
    world = RenderWorld(tmp_path)
    demo = HERE / "server"
    files = {str(path.relative_to(demo)): path.read_text() for path in demo.rglob("*") if path.is_file()}
    snapshot = world.push({**files, "stacks/home/compose.yaml": HOME_LAB})
    stacks = world.plan(None, snapshot, LAB).stacks
    assert {str(stack.stack) for stack in stacks} == {"home", "ingress", "observability", "secrets"}
    risks = [risk for stack in stacks for risk in (*stack.risks, *(r for s in stack.services for r in s.risks))]
    assert [(risk.rule, risk.text) for risk in risks if risk.severity is Severity.RISKY] == []
