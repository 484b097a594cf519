"""What becomes of a stack, in full, for every kind of change: what is stored, shown and deployed of it."""

from __future__ import annotations

from typing import Any

from bot.domain.names import ServiceName, StackName
from bot.plan.changes import Decided, decide_node
from bot.plan.model import ServicePlan, SourceLine, StackPlan
from bot.plan.rendering import NodeChange, Place, Rendered, Side, StackChange, Unreadable, Variable
from tests.unit.plan.test_changes import FOLDER, HERE, LINUX, WINDOWS, side

RESTARTS = {"condition": "service_started", "restart": True}
LONG = "x" * 78


def _line(where: SourceLine | None) -> str:
    return f" ({where.path.removeprefix(f'{FOLDER}/')}:{where.line})" if where else ""


def _service(plan: ServicePlan, *, diff: bool) -> list[str]:
    more = [f"signal {plan.signal}"] * bool(plan.signal) + [f"{plan.remaining} remain"] * bool(plan.remaining)
    image = f"{plan.image.name} {plan.image.kind}" if plan.image else "no image"
    lines = ["  " + ", ".join([f"{plan.service}: {plan.action}", image, *more])]
    lines += [f"    {reason.code}: {reason.text}{_line(reason.where)}" for reason in plan.reasons]
    return lines + [f"    | {line}" for line in plan.diff.splitlines() if diff]


def _stack(plan: StackPlan, *, diff: bool) -> list[str]:
    fields = {
        "folder": plan.folder,
        "files": plan.files,
        "profiles": plan.profiles,
        "project": plan.project,
        "variables": plan.variables,
        "new": plan.new_variables,
        "missing": plan.missing_variables,
        "remade": plan.remade_networks,
        "rendered": plan.rendered[:12],
        "error": f"{plan.error}{_line(plan.error_at)}" if plan.error is not None else "",
    }
    words = (f"{name}={v if isinstance(v, str) else ','.join(v)}" for name, v in fields.items() if v)
    return ["  " + " ".join([f"stack {plan.stack}", *words])] + [
        line for service in plan.services for line in _service(service, diff=diff)
    ]


def _text(decided: Decided, *, diff: bool) -> list[str]:
    lines = [line for stack in decided.stacks for line in _stack(stack, diff=diff)]
    return [*lines, *(f"  takes part: {path}" for path in sorted(decided.files))]


def _change(old: Side | None, new: Side | None, name: str = "s", **more: Any) -> StackChange:
    return StackChange(stack=StackName(name), folder=FOLDER, old=old, new=new, **more)


def _sources(*places: str) -> dict[str, int]:
    return {place: number for number, place in enumerate(places, 10)}


def _fields() -> tuple[Side, Side]:
    """Every field of the model, changed, added and removed."""
    both: dict[str, Any] = {"cap_add": ["A", "B"], "x-note": {"a": 1, "b": 2}, "pull_policy": "always"}
    port = {"target": 80, "published": "80", "protocol": "tcp"}
    before: dict[str, Any] = both | {
        "image": "app:1.0",
        "command": ["serve", "--all"],
        "entrypoint": None,
        "environment": {"A": "1", "B": "2", "E": "e", "SAME": "s", "S": "‹secret 00000000›", "N": None},
        "labels": {"gone": "", "kept": "k", "long": LONG + "12"},
        "ports": [port, port | {"target": 81, "published": "81"}, {"target": 82, "protocol": "udp"}],
        "expose": ["80"],
        "volumes": [
            {"type": "volume", "source": "v", "target": "/v"},
            {"type": "bind", "source": "/a", "target": "/a", "read_only": True},
            {"type": "tmpfs", "target": "/t"},
        ],
        "networks": {"one": None, "two": {"aliases": ["x"]}},
        "healthcheck": {"test": ["CMD", "true"], "interval": "5s"},
        "deploy": {"replicas": 1, "resources": {"limits": {"cpus": 1}}},
        "cpus": 1.5,
        "tty": True,
        "init": False,
        "user": "‹secret 00000000›",
        "working_dir": "/w",
        "depends_on": {"a": RESTARTS},
        "profiles": ["p"],
    }
    after: dict[str, Any] = both | {
        "image": "app:2.0",
        "command": ["serve", "all things"],
        "entrypoint": ["run"],
        "environment": {"A": "1.1", "C": "3", "E": "f", "SAME": "s", "S": "‹secret 11111111›", "N": "n"},
        "labels": {"new": "", "kept": "k", "long": LONG + "123"},
        "ports": [port | {"host_ip": "::1"}, {"target": 82, "protocol": "tcp"}, port | {"target": 83}],
        "expose": ["80", "81"],
        "volumes": [
            {"type": "bind", "source": "/a", "target": "/a"},
            {"type": "volume", "source": "w", "target": "/v"},
            {"type": "bind", "source": "/ü", "target": "/u"},
        ],
        "networks": {"two": {"aliases": ["x", "y"]}, "three": None},
        "cap_add": ["B", "A"],
        "x-note": {"b": 2, "a": 1},
        "healthcheck": {"test": ["CMD", "false"], "interval": "5s", "retries": 3},
        "deploy": {"replicas": 1, "resources": {"limits": {"cpus": 2}}, "labels": {}},
        "cpus": 2,
        "mem_limit": "1",
        "tty": False,
        "init": True,
        "user": "‹secret 11111111›",
        "depends_on": {},
        "shm_size": "64m",
    }
    old = _sources("services.web.environment.B", "services.web.ports.1", "services.web.ports", "services.web.tty")
    new = _sources(
        "services.web.image",
        "services.web.environment.A",
        "services.web.environment",
        "services.web.env_file",
        "services.web.labels.new",
        "services.web.ports.0",
        "services.web.volumes.2",
        "services.web.networks",
        "services.web.healthcheck.test",
    )
    return side({"web": before}, sources=old), side({"web": after}, sources=new)


def _volume(path: str, **more: Any) -> dict[str, Any]:
    return {"type": "bind", "source": f"{HERE}/{path}", "target": f"/{path}"} | more


def _mounted(last: str, **files: str) -> Side:
    """A service with everything through which a file of the checkout reaches a container."""
    spec: dict[str, Any] = {
        "volumes": [
            _volume("conf"),
            _volume("file"),
            _volume("turned"),
            {"type": "volume", "source": "bound", "target": "/bound"},
            {"type": "volume", "source": "far", "target": "/far"},
            {"type": "volume", "source": "plain", "target": "/plain"},
            {"type": "volume", "target": "/anonymous"},
            {"type": "bind", "target": "/nothing"},
            {"type": "bind", "source": "/etc", "target": "/etc"},
        ],
        "configs": [{"source": "c", "target": "/c"}, {"source": "inline"}, {"source": "moved"}],
        "secrets": [{"source": "k"}, {"source": "env", "target": "/env"}, {"source": last}],
        "labels": {"aios.reload": "sighup"},
    }
    options = {"o": "ro,bind", "device": f"{HERE}/bound"}
    return side(
        {"web": spec, "other": {"volumes": [_volume("conf")], "labels": {"aios.reload": "SIGUSR2"}}},
        places={"conf": "folder", "bound": "folder", "c": "file", "k": "file"} | files,
        sources=_sources("services.web.volumes.0", "services.web.secrets.0", "configs.inline.content", "secrets.env"),
        volumes={
            "bound": {"name": "s_bound", "driver": "local", "driver_opts": options},
            "far": {"name": "s_far", "driver": "nfs", "driver_opts": options},
            "plain": None,
        },
        configs={
            "c": {"file": f"{HERE}/c"},
            "inline": {"content": last},
            "moved": {"file": f"{HERE}/{last}"},
            "unused": {"content": last},
        },
        secrets={"k": {"file": f"{HERE}/k"}, "env": {"environment": last}, last: {"external": True}},
    )


def _built(image: str | None, **build: Any) -> Side:
    named = {"image": image} if image else {}
    contexts = {"base": "service:web"}
    services: dict[str, Any] = {
        "web": {"build": {"context": HERE} | build} | named,
        "on": {"build": {"context": HERE, "additional_contexts": contexts}, "image": "made"},
        "user": {"image": image or "s-web"},
        "builder": {"image": image or "s-web", "build": {"context": HERE}},
        "plain": {"image": "other", "build": None},
    }
    one = side(
        services,
        sources=_sources("services.web.build.target", "services.on.build.additional_contexts", "services.user.image"),
    )
    if not image:
        assert isinstance(one.rendering, Rendered)
        del one.rendering.model["services"]["web"]["image"]
    return one


def _cascade(tag: str, **web: Any) -> Side:
    return side(
        {
            "web": {"image": f"app:{tag}", "volumes": [_volume("conf")]} | web,
            "net": {"network_mode": "service:web"},
            "ipc": {"ipc": "service:web", "depends_on": {"net": RESTARTS}},
            "pid": {"pid": "service:ipc"},
            "data": {"volumes_from": ["web:ro", "container:x"]},
            "after": {"depends_on": {"web": RESTARTS}},
            "last": {"depends_on": {"after": RESTARTS, "gone": RESTARTS}},
            "loose": {"depends_on": {"web": {"restart": False}}},
            "idle": {"network_mode": "service:web", "deploy": {"replicas": 0}},
        },
        places={"conf": "folder"},
        sources=_sources("services.net.network_mode", "services.after.depends_on.web", "services.data.volumes_from"),
    )


def _networked(name: str, driver: str, volume: str) -> Side:
    return side(
        {
            "one": {"networks": {"a": None}, "volumes": [{"type": "volume", "source": "v", "target": "/v"}]},
            "two": {"networks": {"b": None, "c": None}, "volumes": [{"type": "bind", "source": "v", "target": "/v"}]},
            "three": {"networks": {"out": None}},
            "four": {"networks": None, "volumes": None},
        },
        networks={
            "a": {"name": name},
            "b": {"name": "s_b", "driver": driver, "x-note": driver},
            "c": {"name": "s_c", "x-note": driver},
            "out": {"name": "outside", "external": True, "driver": driver},
            "none": None,
        },
        volumes={"v": {"name": volume}, "w": None},
        sources=_sources("networks.a", "networks.b", "volumes.v"),
    )


def _replicas(**counts: Any) -> Side:
    specs = {name: {"deploy": {"replicas": n}} if n != 9 else {"scale": 2} for name, n in counts.items()}
    return side(specs, sources=_sources("services.a.deploy.replicas", "services.d.scale"))


def _windows(folder: str, **more: Any) -> Side:
    volumes = [_volume(folder), {"type": "bind", "source": "/fleetx", "target": "/x"}]
    return side({"web": {"volumes": volumes, "command": [HERE, "/fleet"]} | more}, places={folder: "file"})


def _broken(message: str = "no", line: int | None = 7) -> Side:
    where = SourceLine(path=f"{FOLDER}/compose.yaml", line=line) if line else None
    variables = (Variable(name="A", required=True), Variable(name="B", default=""))
    return Side(rendering=Unreadable(message=message, where=where, variables=variables), files=("compose.yaml",))


def _cases() -> dict[str, tuple[NodeChange, bool]]:
    """By name: the change, and whether the diffs are shown."""

    def node(*stacks: StackChange, changed: tuple[str, ...] = (), on: Any = LINUX) -> NodeChange:
        return NodeChange(node=on, stacks=stacks, changed=frozenset(f"{FOLDER}/{path}" for path in changed))

    everywhere = ("compose.yaml", "conf/a", "conf/b", "conf/c", "conf/d", "bound/x", "c", "k", "unread", "confer")
    inputs = {ServiceName("web"): ("a.c", "b.c", "c.c", "d.c"), ServiceName("plain"): ("x.c",)}
    profiled = Side(
        rendering=side({"web": {}}, variables=(Variable(name="X"), Variable(name="GIVEN"))).rendering,
        files=("a.yaml", "b.yaml"),
        profiles=("p", "q"),
    )
    owner = (_networked("shared", "bridge", "v"), _networked("shared", "macvlan", "v"))
    user = side({"uses": {"networks": {"n": None}}, "idle": {}}, networks={"n": {"name": "s_b", "external": True}})
    mine = side({"uses": {"networks": {"n": None}}}, networks={"n": {"name": "s_b"}})
    left = side({"kept": {}, "parked": {}, "gone": {}}, sources=_sources("services.gone"))
    come = side(
        {"new": {"deploy": {"replicas": 0}}, "kept": {}, "added": {}},
        sources=_sources("services.parked", "services.parked.profiles", "services.added"),
    )
    reloads = _cascade("1.0", labels={"aios.reload": "USR1"})
    counts: dict[str, Any] = {"a": 1, "b": 3, "c": 2, "d": 1, "e": 0, "f": True}
    scaled: dict[str, Any] = {"a": 3, "b": 1, "c": 0, "d": 9, "e": 2, "f": None}
    return {
        "every field": (node(_change(*_fields()), changed=("compose.yaml", "other")), True),
        "nothing": (node(_change(_fields()[0], _fields()[0]), changed=("compose.yaml",)), True),
        "content of mounts": (node(_change(_mounted("x"), _mounted("x")), changed=everywhere), False),
        "definitions of configs": (node(_change(_mounted("x"), _mounted("y")), changed=("x", "y")), True),
        "kinds of mounts": (
            node(
                _change(_mounted("x", file="file", turned=""), _mounted("x", file="folder", turned="file")),
                changed=("file",),
            ),
            False,
        ),
        "builds": (node(_change(_built("made"), _built("made", target="x", **{"x-a": 1}))), False),
        "builds without a name": (
            node(_change(_built(None), _built(None, args={"A": "1"}, context="/fleet"))),
            False,
        ),
        "inputs of builds": (
            node(_change(_built("made"), _built("made"), build_inputs=inputs), changed=("a.c",)),
            False,
        ),
        "a build comes": (node(_change(side({"web": {}}), side({"web": {"build": {"context": HERE}}}))), False),
        "a cascade from a new container": (node(_change(_cascade("1.0"), _cascade("2.0"))), False),
        "a cascade from a restart": (
            node(_change(_cascade("1.0"), _cascade("1.0")), changed=("conf/a",)),
            False,
        ),
        "a cascade from a reload": (
            node(
                _change(reloads, reloads),
                changed=("conf/a",),
            ),
            False,
        ),
        "networks and volumes": (
            node(_change(_networked("s_a", "bridge", "s_v"), _networked("other", "macvlan", "s_w"))),
            False,
        ),
        "another stack's network": (
            node(
                _change(*owner, "owner"),
                _change(user, user, "user"),
                _change(mine, mine, "same name"),
                _change(None, user, "new"),
            ),
            False,
        ),
        "services come and go": (node(_change(left, come), changed=("compose.yaml",)), True),
        "a stack comes": (node(_change(None, left), changed=("compose.yaml", "other")), True),
        "a stack goes": (node(_change(profiled, None)), True),
        "another project": (
            node(_change(side({"web": {}, "a": {}}), side({"web": {}}, name="t")), changed=("compose.yaml",)),
            True,
        ),
        "replicas": (
            node(_change(_replicas(**counts), _replicas(**scaled))),
            False,
        ),
        "a node with Windows": (
            node(
                _change(_windows("a"), _windows("b", image="app:1.1")),
                changed=("a", "b"),
                on=WINDOWS,
            ),
            True,
        ),
        "it cannot be read": (node(_change(side({"web": {}}), _broken()), changed=("compose.yaml",)), False),
        "it could not be read": (node(_change(_broken(), side({"web": {}, "off": {"scale": 0}}))), False),
        "it never could": (node(_change(_broken(), _broken("still no", None))), False),
        "it goes unread": (node(_change(_broken(), None)), False),
        "variables and profiles": (node(_change(_broken(), profiled)), False),
        "places": (node(_change(_turned("one"), _turned("two")), changed=("one/x", "two/y")), False),
    }


def _turned(to: str) -> Side:
    one = side({"web": {"volumes": [_volume("link"), _volume("")]}})
    places = {f"{FOLDER}/link": Place(path=f"{FOLDER}/{to}", kind="folder"), f"{FOLDER}/": Place(path=FOLDER)}
    return Side(rendering=one.rendering, places=places)


def render_changes() -> str:
    """One paragraph for each case."""
    lines: list[str] = []
    for what, (change, diff) in _cases().items():
        lines.append(what)
        for decided in decide_node(change):
            lines += _text(decided, diff=diff)
    return "\n".join(lines)
