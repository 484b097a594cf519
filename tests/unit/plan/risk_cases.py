"""Stacks before and after for the risk rules, with the rule that has to fire."""

from __future__ import annotations

from typing import Any

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


HOST_CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("privilege.privileged", {}, {"post_start": [{"command": ["x"], "privileged": True}]}, "hook (post_start)"),
    ("privilege.privileged", {}, {"pre_stop": [{"command": ["x"], "privileged": True}]}, "hook (pre_stop)"),
    ("privilege.privileged", {}, {"pre_start": [{"image": "a:1", "privileged": True}]}, "runs privileged"),
    ("privilege.root_user", {}, {"post_start": [{"command": ["x"], "user": "root"}]}, "hook as root"),
    ("privilege.root_user", {}, {"user": "0:1000"}, "now as 0:1000"),
    ("privilege.strong_capability", {}, {"pre_start": [{"image": "a:1", "cap_add": ["sys_admin"]}]}, "SYS_ADMIN"),
    ("privilege.docker_socket", {}, {"volumes": [bind("/run/podman")]}, "holds the engine's socket"),
    ("privilege.system_bind", {}, {"pre_start": [{"image": "a:1", "volumes": [bind("//etc")]}]}, "//etc of the node"),
    ("privilege.system_bind", {}, {"volumes": [bind("/fleet")]}, "gets /fleet of the node, writable"),
    ("privilege.system_bind", {}, {"volumes": [bind("C:\\runner-LAB")]}, "runner-LAB of the node"),
    ("privilege.system_read", {}, {"volumes": [bind("/lib/modules", read_only=True)]}, "may read /lib/modules"),
    ("privilege.device", {}, {"volumes": [bind("/dev/dri")]}, "gets device /dev/dri"),
    ("privilege.device", {}, {"device_cgroup_rules": ["c 188:* rwm"]}, "may use devices c 188:* rwm"),
    ("privilege.device", {}, {"gpus": [{"count": -1}]}, "gets graphics cards"),
    (
        "privilege.device",
        {},
        {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}}},
        "gets reserved devices",
    ),
    ("privilege.strong_device", {}, {"volumes": [bind("/dev/mem")]}, "gets /dev/mem of the node, writable"),
    ("privilege.strong_device", {}, {"devices": [{"source": "/dev/sda", "target": "/dev/x"}]}, "/dev/sda"),
    ("privilege.strong_device", {}, {"devices": [{"source": "/dev/../dev//sda"}]}, "/dev/../dev//sda"),
    ("privilege.strong_device", {}, {"device_cgroup_rules": ["a *:* rwm"]}, "a *:* rwm"),
    ("privilege.strong_device", {}, {"device_cgroup_rules": ["b 8:0 r"]}, "b 8:0 r"),
    ("privilege.strong_device", {}, {"device_cgroup_rules": ["c 1:1 r"]}, "c 1:1 r"),
    ("privilege.foreign_container", {}, {"pid": "container:vault"}, "process namespace of container:vault"),
    ("privilege.foreign_container", {}, {"ipc": "container:vault"}, "IPC namespace of container:vault"),
    ("privilege.foreign_container", {}, {"volumes_from": ["container:vault"]}, "volumes of container:vault"),
    ("privilege.host_program", {}, {"provider": {"type": "evil", "options": {}}}, "is made by evil"),
    ("privilege.build", {}, {"build": {"context": "/fleet/a", "privileged": True}}, "built privileged"),
    ("privilege.build", {}, {"build": {"entitlements": ["security.insecure"]}}, "entitlement security.insecure"),
    ("privilege.build", {}, {"build": {"network": "host"}}, "joins the network host"),
    ("privilege.build", {}, {"build": {"network": "container:vault"}}, "joins the network container:vault"),
    ("privilege.build", {}, {"build": {"ssh": ["default"]}}, "SSH agent or key default"),
    ("privilege.build", {}, {"build": {"ssh": {"k": "/root/.ssh/id"}}}, "SSH agent or key k=/root/.ssh/id"),
    ("privilege.build", {}, {"build": {"cache_to": ["type=local,dest=/etc"]}}, "writes to the node"),
    ("privilege.cgroup_parent", {}, {"cgroup_parent": "/"}, "control group /"),
    ("privilege.runtime", {}, {"runtime": "nvidia"}, "is run by nvidia"),
    ("privilege.mount_propagation", {}, {"volumes": [bind("/srv/a", bind={"propagation": "rshared"})]}, "rshared"),
    ("privilege.mount_propagation", {}, {"volumes": [bind("/srv/a", bind={"selinux": "Z"})]}, "relabelled"),
    ("privilege.annotation", {}, {"annotations": {"org.systemd.property.X": "1"}}, "org.systemd.property.X"),
    ("privilege.resources", {}, {"oom_score_adj": -1000}, "oom_score_adj to -1000"),
    ("privilege.resources", {}, {"oom_kill_disable": True}, "oom_kill_disable to True"),
    ("privilege.resources", {}, {"cpu_rt_runtime": 95000}, "cpu_rt_runtime to 95000"),
    ("privilege.resources", {}, {"cpu_rt_period": 1000}, "cpu_rt_period to 1000"),
    ("privilege.unconfined", {}, {"security_opt": ["seccomp=./own.json"]}, "seccomp=./own.json"),
    ("privilege.unconfined", {}, {"security_opt": ["label=type:spc_t"]}, "label=type:spc_t"),
    ("privilege.unconfined", {}, {"security_opt": ["apparmor=mine"]}, "apparmor=mine"),
    ("privilege.unconfined", {}, {"security_opt": ["no-new-privileges:false"]}, "no-new-privileges:false"),
    ("exposure.container_network", {}, {"network_mode": "container:vault"}, "network of container:vault"),
    ("exposure.log_driver", {}, {"logging": {"driver": "syslog"}}, "log to syslog"),
    (
        "exposure.controller_label",
        {},
        {"labels": {"ofelia.job-exec.x.command": "id"}},
        "ofelia.job-exec.x.command is id",
    ),
    ("exposure.network_driver", {}, {"networks": {"lan": {"driver_opts": {"a": "b"}}}}, "lan gets options a"),
    ("image.remote_build", {}, {"build": {"context": "https://github.com/a/b.git"}}, "built from https://github.com"),
    (
        "image.remote_build",
        {},
        {"build": {"additional_contexts": {"b": "docker-image://x"}}},
        "takes in docker-image",
    ),
    ("image.remote_build", {}, {"build": {"cache_from": ["evil/cache"]}}, "trusts the cache evil/cache"),
    (
        "image.major_version",
        {"image": "traefik:v2.11"},
        {"image": "traefik:v3.1"},
        "changes its major version, v2.11 to v3.1",
    ),
    (
        "image.major_version",
        {"image": "app:10-alpine"},
        {"image": "app:9"},
        "goes back a major version, 10-alpine to 9",
    ),
    ("image.extra_tag", {}, {"build": {"tags": ["traefik:v3.1"]}}, "is also called traefik:v3.1"),
]
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
    *HOST_CASES,
    ("image.unpinned", {}, {"image": "nginx:latest"}, "latest is a moving tag"),
    ("image.unpinned", {}, {"image": "ghcr.io/a/nginx"}, "no tag"),
    ("image.unpinned", {"image": "nginx:1.27"}, {"image": "nginx:stable-alpine"}, "stable-alpine"),
    ("image.other_source", {"image": "nginx:1"}, {"image": "evil.example/nginx:1"}, "evil.example/nginx"),
    ("secret.changed", {"environment": {"K": HIDDEN}}, {"environment": {"K": OTHER}}, "secret K changed"),
    ("health.removed", {}, {"healthcheck": None}, "removed"),
    ("health.removed", {}, {"healthcheck": {"disable": True}}, "disabled"),
    ("health.removed", {}, {"healthcheck": {"test": ["NONE"]}}, "disabled"),
    ("platform.foreign_path", {}, {"volumes": [bind("C:\\data")]}, "Windows path, and this node runs Linux"),
]


def stack(name: str = "app", *, services: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    return model(services or {"a": {"image": "app:1"}}, **top) | {"name": name}


def network(name: str, *, external: bool = False, subnet: str = "") -> dict[str, Any]:
    body: dict[str, Any] = {"name": name} | ({"external": True} if external else {})
    return {"networks": {name: body | ({"ipam": {"config": [{"subnet": subnet}]}} if subnet else {})}}


def db(*volumes: dict[str, Any], **top: Any) -> dict[str, Any]:
    return model({"db": {"image": "app:1", "volumes": list(volumes)}}, **(VOLUMES | top))


def driven(**options: Any) -> dict[str, Any]:
    return db(volume("db"), volumes={"db": {"name": "app_db", **options}})


DRIVEN = {"volumes": {"db": {"name": "app_db", "driver_opts": {"type": "nfs"}}, "other": {"name": "app_other"}}}
SECRETS: list[Any] = [{"secrets": {"k": {"name": "k", "file": f"/fleet/{name}"}}} for name in ("a", "b")]
NODE_WIDE: list[tuple[str, list[tuple[Any, Any]], str]] = [
    ("data.foreign_volume", [(None, db(volume("db"), volumes={"db": {"name": "x", "external": True}}))], "volume x"),
    ("data.volume_driver", [(None, driven(driver="rclone"))], "volume db is made by rclone"),
    ("data.volume_driver", [(None, driven(driver_opts={"type": "nfs", "device": ":/d"}))], "lies on :/d"),
    (
        "privilege.system_bind",
        [(None, driven(driver_opts={"type": "none", "o": "bind", "device": "/"}))],
        "gets / of the node, writable",
    ),
    (
        "privilege.system_bind",
        [(driven(), driven(driver_opts={"o": "rbind,ro", "device": "/etc/"}))],
        "gets /etc of the node, read-only",
    ),
    (
        "privilege.strong_device",
        [(None, driven(driver_opts={"type": "ext4", "device": "/dev/sda1"}))],
        "volume db mounts /dev/sda1 as ext4",
    ),
    (
        "privilege.system_bind",
        [(None, driven(driver_opts={"type": "overlay", "o": "lowerdir=/etc,upperdir=/srv/u,workdir=/srv/w"}))],
        "gets /etc of the node",
    ),
    (
        "exposure.network_driver",
        [(None, stack(networks={"n": {"name": "n", "driver": "macvlan"}}))],
        "made by macvlan",
    ),
    (
        "exposure.network_driver",
        [(stack(networks={"n": {"name": "n", "internal": True}}), stack(networks={"n": {"name": "n"}}))],
        "internal no more",
    ),
    (
        "exposure.network_driver",
        [(None, stack(networks={"n": {"name": "n", "ipam": {"driver": "dhcp"}}}))],
        "addresses from dhcp",
    ),
    (
        "exposure.host_network",
        [
            (
                None,
                stack(
                    services={"a": {"image": "app:1", "networks": {"h": None}}},
                    networks={"h": {"name": "host", "external": True}},
                ),
            )
        ],
        "joins the node's own network",
    ),
    (
        "schema.unjudged",
        [(None, stack(services={"a": {"image": "app:1", "warp": 9}}))],
        "sets services.a.warp, which",
    ),
    (
        "schema.unjudged",
        [(None, stack(services={"a": {"image": "a:1", "isolation": "process"}}))],
        "services.a.isolation",
    ),
    ("privilege.privileged", [(None, stack(jobs={"j": {"image": "app:1", "privileged": True}}))], "runs privileged"),
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
    ("secret.changed", [(stack(**SECRETS[0]), stack(**SECRETS[1]))], "secret k comes from a different source"),
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
        "collision.hand_over",
        [
            (
                stack("x", services={"a": {"ports": [port("80")]}, "b": {"ports": [port("81")]}}),
                stack("x", services={"a": {"ports": [port("81")]}, "b": {"ports": [port("80")]}}),
            ),
        ],
        "port 81/tcp passes here from s0 / b: both are down until this one runs",
    ),
    (
        "collision.subnet",
        [
            (stack("x"), stack("x", **network("n", subnet="10.1.0.0/16"))),
            (stack("y"), stack("y", **network("m", subnet="10.1.2.0/24"))),
        ],
        "10.1.2.0/24 of network m overlaps with 10.1.0.0/16",
    ),
    (
        "collision.volume",
        [
            (stack("x"), stack("x", volumes={"d": {"name": "v"}})),
            (stack("y"), stack("y", volumes={"e": {"name": "v"}})),
        ],
        "volume v is that of s0",
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


def labels(**values: str) -> dict[str, Any]:
    """A service's Traefik labels: `tls_options` is `...routers.web.tls.options`."""
    return {"labels": {f"{ROUTER}.{name.replace('_', '.')}": value for name, value in values.items()}}


def services(**bodies: Any) -> dict[str, Any]:
    return model({name: {"image": "app:1"} | body for name, body in bodies.items()}, **VOLUMES)


GUARD = "traefik.http.middlewares.ip"
SERVER = "traefik.http.services.web.loadbalancer.server"
# What the rules say of these, word for word, is in tests/golden/reports/risks.txt.
IN_FULL: list[tuple[str, str, list[tuple[Any, Any]]]] = [
    (f"image {before} -> {after}", "linux", [(web(image=before), web(image=after))])
    for before, after in (
        ("postgres:15", "postgres:16"),
        ("postgres:15", "postgres:15.1"),
        ("postgres:16.4", "postgres:16.3"),
        ("postgres:16.4-alpine", "postgres:16-alpine"),
        ("postgres:16", "postgres:15.9"),
        ("postgres:latest", "postgres:16"),
        ("postgres:16", "postgres"),
        ("minio/minio:RELEASE.2023-01-01", "minio/minio:RELEASE.2024-01-01"),
        ("minio/minio:1899.1", "minio/minio:1900.1"),
        ("minio/minio:1900.1", "minio/minio:1901.1"),
        ("hashicorp/vault:v1.17", "hashicorp/vault:v2.0"),
        ("hashicorp/vault-k8s:v1.17", "hashicorp/vault-k8s:v2.0"),
        ("redis:7.4@sha256:" + "0" * 64, "redis:8.0@sha256:" + "1" * 64),
        ("mongo-express:1", "mongo-express:2"),
        ("grafana/loki:2.9", "grafana/loki:3.0"),
        ("nginx", "docker.io/library/nginx:1.27"),
        ("acme/app:1.0", "docker.io/acme/app:1.1"),
        ("localhost/app:1.0", "acme/app:1.0"),
        ("registry:5000/app:1.0", "registry:5000/App:EDGE"),
        ("registry.example/a/b:1", "registry.example/a/c:1"),
        ("app:1.0", "registry:5000/app"),
        ("app:1.0", "app:latest@sha256:" + "0" * 64),
        ("app:1.0", "app:release-slim"),
        ("app:1.0", ""),
    )
]
IN_FULL += [
    (what, "linux", [(web(**before), web(**after))])
    for what, before, after in (
        ("a built image", {}, {"image": "nginx:latest", "build": {"context": "."}}),
        ("an image where none was", {"image": None}, {"image": "nginx:latest"}),
        ("ports open", {}, {"ports": [port("80"), port("81", "::"), port("82", "::1"), port("83", "10.0.0.1")]}),
        (
            "ports of any number",
            {},
            {"ports": [port("8000-8010"), {"target": 53, "protocol": "udp", "mode": "host"}]},
        ),
        ("a port leaves the node itself", {"ports": [port("80", "127.0.0.1")]}, {"ports": [port("80", "10.0.0.1")]}),
        ("a log without a driver", {}, {"logging": {"options": {"max-size": "1m"}}}),
        ("a provider in one word", {}, {"provider": "evil"}),
        ("any port closes", {"ports": [port("", target=9)]}, {}),
        ("ports close", {"ports": [port("80"), port("81", "127.0.0.2"), port("82", "10.0.0.1")]}, {}),
        ("a port opens wider", {"ports": [port("80", "10.0.0.1")]}, {"ports": [port("80", "::")]}),
        ("a port moves", {"ports": [port("80", "10.0.0.1")]}, {"ports": [port("80", "10.0.0.2")]}),
        ("a port narrows", {"ports": [port("80")]}, {"ports": [port("80", "10.0.0.2")]}),
        ("a second way", {"ports": [port("80", "127.0.0.1")]}, {"ports": [port("80", "127.0.0.1"), port("80")]}),
        ("one of two ways", {"ports": [port("80"), port("80", "127.0.0.1")]}, {"ports": [port("80", "127.0.0.1")]}),
        ("not the host's network", {"network_mode": "host"}, {"network_mode": "bridge"}),
        ("routes", labels(rule="a", entrypoints="b"), labels(rule="a", entrypoints="c", service="d", priority="1")),
        ("TLS", labels(tls="true", tls_options="a"), labels(tls="false", tls_options="b", tls_certresolver="c")),
        ("guards go", labels(middlewares="a,b, c,"), labels(middlewares="b,d")),
        ("the last guard goes", labels(middlewares="a"), labels()),
        ("a guard comes", labels(), labels(middlewares="a")),
        (
            "middlewares",
            {"labels": {f"{GUARD}.ipallowlist.sourcerange": "10.0.0.0/8", f"{GUARD}.x.y": "1", "other.label": "1"}},
            {"labels": {f"{GUARD}.x.y": "2", f"{GUARD}.z": "new", "other.label": "2", "traefik.unknown": "1"}},
        ),
        (
            "where a route leads",
            {"labels": {f"{SERVER}.port": "80", f"{SERVER}.url": "http://a", f"{SERVER}.scheme": "http"}},
            {"labels": {f"{SERVER}.port": "81", f"{SERVER}.url": "http://b", f"{SERVER}.scheme": "https"}},
        ),
        (
            "TCP and UDP",
            {},
            {"labels": {"traefik.tcp.routers.a.rule": "x", "traefik.udp.routers.b.entrypoints": "y"}},
        ),
        ("privileged before", {"privileged": True}, {"privileged": False}),
        ("capabilities", {"cap_add": ["A"]}, {"cap_add": ["A", "cap_net_admin", "CHOWN", "ALL", 5]}),
        (
            "namespaces",
            {},
            {"pid": "host", "ipc": "host", "userns_mode": "host", "uts": "host", "cgroup": "host"},
        ),
        ("own namespaces", {"pid": "host"}, {"pid": "private", "ipc": "shareable"}),
        ("devices", {}, {"devices": ["/dev/a:/dev/a", {"source": "/dev/b"}]}),
        (
            "loose",
            {"security_opt": ["label:disable"]},
            {"security_opt": ["label:disable", "apparmor=unconfined", "systempaths=unconfined", "label:type:x"]},
        ),
        ("privileges kept", {"security_opt": ["no-new-privileges"]}, {"security_opt": ["no-new-privileges:true"]}),
        ("privileges off", {"security_opt": ["no-new-privileges"]}, {"security_opt": ["no-new-privileges=false"]}),
        ("root by number", {}, {"user": "0:0"}),
        ("root before", {"user": "root"}, {"user": "0"}),
        ("another user", {}, {"user": "1001"}),
        ("the socket stays", {"use_api_socket": True}, {"use_api_socket": True, "image": "app:1.1"}),
        (
            "folders of the system",
            {},
            {
                "volumes": [
                    bind("/etc/"),
                    bind("/run", "/y", read_only=True),
                    bind("~/.ssh", "/z"),
                    bind("/srv/a", "/a"),
                ]
            },
        ),
        (
            "folders of Windows",
            {},
            {"volumes": [bind("C:\\Windows\\", "/a"), bind("D:/Users", "/b"), bind("C:\\a", "/c")]},
        ),
        ("sockets", {}, {"volumes": [bind("/run/podman/podman.sock"), volume("docker.sock")]}),
        ("a socket elsewhere", {"volumes": [bind(SOCKET, "/a")]}, {"volumes": [bind(SOCKET, "/b")]}),
        (
            "read-only before",
            {"volumes": [bind("/etc", read_only=True)]},
            {"volumes": [bind("/etc", read_only=True)]},
        ),
        (
            "secrets",
            {"environment": {"A": HIDDEN, "B": "x", "C": HIDDEN, "D": HIDDEN, "E": HIDDEN}},
            {"environment": {"A": OTHER, "B": HIDDEN, "C": "y", "D": HIDDEN, "F": HIDDEN}},
        ),
        ("health off", {}, {"healthcheck": {"test": "NONE"}}),
        ("health off by a word", {}, {"healthcheck": {"test": ["NONE", "x"]}}),
        ("health was off", {"healthcheck": {"test": ["NONE"]}}, {"healthcheck": None}),
        ("health changes", {}, {"healthcheck": {"test": ["CMD", "false"]}}),
        (
            "mounts move",
            {
                "volumes": [
                    bind("/a", "/1"),
                    bind("/b", "/2"),
                    bind("/c", "/3", read_only=True),
                    {"type": "tmpfs", "target": "/4"},
                ]
            },
            {"volumes": [volume("v", "/1"), bind("/d", "/2"), bind("/e", "/3"), bind("/f", "/4")]},
        ),
    )
]
IN_FULL += [
    (
        "mounts of volumes",
        "linux",
        [
            (
                services(a={"volumes": [volume("db", "/1"), volume("other", "/2"), volume("", "/3")]}),
                services(a={"volumes": [volume("other", "/1"), volume("", "/2")]}, b={}),
            )
        ],
    ),
    ("a service goes with its volume", "linux", [(services(a={"volumes": [volume("db")]}, b={}), services(b={}))]),
    (
        "another one mounts the volume",
        "linux",
        [(services(a={"volumes": [volume("db")]}, b={}), services(b={"volumes": [volume("db", "/b")]}))],
    ),
    ("an old volume is read-only", "linux", [(db(volume("db", read_only=True)), db())]),
    (
        "volumes reconfigured",
        "linux",
        [
            (
                db(volumes={"a": {"name": "n"}, "b": {"external": True}, "c": None, "d": {"driver": "x"}}),
                db(
                    volumes={
                        "z": {"name": "n", "driver": "nfs"},
                        "b": {},
                        "c": {},
                        "d": {"driver": "x", "labels": {"a": "1"}},
                        "e": {"driver": "y"},
                    }
                ),
            )
        ],
    ),
    ("a stack goes", "linux", [(services(a={}, b={}), None)]),
    ("a stack without volumes goes", "linux", [(model({"a": {}}), None)]),
    ("an empty stack goes", "linux", [(model({}), None)]),
    (
        "secrets move",
        "linux",
        [
            (
                stack(secrets={"a": {"file": "x"}, "b": {"file": "x"}, "c": {}}),
                stack(secrets={"a": {"file": "y"}, "b": {"file": "x"}, "d": {}}),
            )
        ],
    ),
    (
        "a new stack",
        "linux",
        [
            (
                None,
                services(
                    a={"privileged": True, "user": "root", "ports": [port("80")]}
                    | labels(rule="a", tls="true", middlewares="b")
                ),
            )
        ],
    ),
    (
        "two names in one stack",
        "linux",
        [
            (
                stack(),
                stack(
                    services={
                        "a": {"container_name": "n"},
                        "b": {"container_name": "n"},
                        "c": {"container_name": ""},
                        "d": {},
                    }
                ),
            )
        ],
    ),
    (
        "ports of one stack",
        "linux",
        [
            (
                stack(),
                stack(
                    services={
                        "a": {"ports": [port("80"), port("80", "10.0.0.1"), port("90", "10.0.0.1")]},
                        "b": {"ports": [port("81"), port("80", "10.0.0.1"), port("90", "10.0.0.2")]},
                        "c": {
                            "ports": [{"published": "80", "target": 1, "protocol": "udp"}, port("81", "127.0.0.1")]
                        },
                    }
                ),
            )
        ],
    ),
    (
        "subnets",
        "linux",
        [
            (stack("x"), stack("x", **network("n", subnet="10.1.2.3/16"))),
            (
                stack("y"),
                stack(
                    "y",
                    networks={
                        "m": {
                            "ipam": {
                                "config": [
                                    {"subnet": "fd00::/64"},
                                    {"subnet": "10.1.0.0/24"},
                                    {"subnet": "10.2.0.0/24"},
                                ]
                            }
                        },
                        "k": None,
                    },
                ),
            ),
            (stack("z"), stack("z", **network("n", subnet="10.1.0.0/16"))),
        ],
    ),
    (
        "networks of one name",
        "linux",
        [
            (stack("x"), stack("x", **network("n"))),
            (stack("y"), stack("y", networks={"k": {"name": "n"}, "n": None, "o": {"name": "n", "external": True}})),
        ],
    ),
    (
        "networks of the engine",
        "linux",
        [
            (
                stack(),
                stack(
                    networks={name: {"name": name, "external": True} for name in ("host", "bridge", "none", "other")}
                ),
            )
        ],
    ),
    (
        "created in time",
        "linux",
        [(stack("x"), stack("x", **network("n"))), (stack("y"), stack("y", **network("n", external=True)))],
    ),
    (
        "created later",
        "linux",
        [
            (
                stack("x"),
                stack("x", networks={"k": {"name": "n", "external": True}, "h": {"name": "host", "external": True}}),
            ),
            (stack("y"), stack("y", **network("n"))),
            (stack("z"), stack("z", **network("n"))),
        ],
    ),
    (
        "paths of Windows",
        "linux",
        [
            (
                web(),
                web(
                    volumes=[
                        bind(path, f"/{i}")
                        for i, path in enumerate(
                            (
                                "c:/a",
                                "\\\\server\\x",
                                "/host_mnt/c/a",
                                "/run/desktop/mnt/host/c/a",
                                "/mnt/c/a",
                                "/c/a",
                                "relative",
                            )
                        )
                    ]
                ),
            )
        ],
    ),
    (
        "paths of Linux",
        "windows",
        [
            (
                web(),
                web(
                    volumes=[
                        *(
                            bind(path, f"/{i}")
                            for i, path in enumerate(
                                (
                                    "/srv/a",
                                    "/mnt/data",
                                    "/host_mnt/c",
                                    "//srv",
                                    "/c/a",
                                    "/fleet",
                                    "/fleet/a",
                                    "/fleets/a",
                                    "/run/docker.sock",
                                    "/var/run/docker.sock2",
                                )
                            )
                        ),
                        volume("/srv", "/v"),
                    ]
                ),
            )
        ],
    ),
    (
        "mounts taken over",
        "linux",
        [
            (
                model({"other": {"image": "a:1", "volumes": [volume("v"), bind("/etc")]}}, volumes={"v": {}}),
                model(
                    {
                        "web": BASE | {"volumes_from": ["container:x:ro", "other:ro", "more"]},
                        "other": {"image": "a:1", "volumes": [volume("v"), bind("/etc")]},
                        "more": {"image": "a:1", "volumes": [bind("/root"), volume("v")]},
                    },
                    volumes={"v": {"name": "shared"}},
                ),
            )
        ],
    ),
    (
        "options of a network stay and go",
        "linux",
        [
            (
                stack(networks={"n": {"driver_opts": {"a": "1", "b": "2"}}}),
                stack(networks={"n": {"driver_opts": {"a": "1", "b": "3"}}}),
            )
        ],
    ),
    ("a Mac", "darwin", [(web(), web(volumes=[bind("c:\\a")]))]),
]
