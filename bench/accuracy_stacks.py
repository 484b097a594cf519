"""Stacks of many shapes, as values that edits can change: compose files as mappings, other files as text.

The expectations of `bench.accuracy_edits` are drawn from these mappings and never from what compose rendered or the
bot planned, so that they can judge both.
"""

from __future__ import annotations

import copy
import json
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

QUICK = {"stop_grace_period": "0s", "image": "app:1"}
IMAGES = ("app:1", "app:2", "db:1", "db:2")
PROFILE = "extra"  # the one that the node has
NODE_VARIABLES = {"LEVEL": "info"}
OVERLAY = "../../../overlays"  # of the fleet repository, seen from a stack's folder

Spec = dict[str, Any]


@dataclass
class Stack:
    """One stack. `documents` are its compose files; paths are relative to its folder."""

    name: str
    documents: dict[str, Spec]
    files: dict[str, str] = field(default_factory=dict)
    overlays: dict[str, str] = field(default_factory=dict)  # of the fleet repository, below overlays/
    executable: set[str] = field(default_factory=set)
    comment: str = ""
    count: int = 0  # makes new names
    present: bool = True

    @property
    def main(self) -> Spec:
        return self.documents["compose.yaml"]

    @property
    def services(self) -> dict[str, Spec]:
        """Every service that may run, by name; those of an `extends` base do not."""
        found: dict[str, Spec] = {}
        for path, document in self.documents.items():
            if not path.startswith("base") and (path == "compose.yaml" or path in self.main.get("include", [])):
                found |= document.get("services", {})
        return found

    def fresh(self, word: str) -> str:
        """A name that was not there before."""
        self.count += 1
        return f"{word}{self.count}"

    def texts(self) -> dict[str, str]:
        """Everything that is committed to the server, by path inside the stack's folder."""
        if not self.present:
            return {}
        head = f"# {self.comment}\n" if self.comment else ""
        return {path: head + json.dumps(one, indent=1) + "\n" for path, one in self.documents.items()} | self.files

    def copy(self) -> Stack:
        return copy.deepcopy(self)


def service(**more: Any) -> Spec:
    """A service that starts and ends at once."""
    return QUICK | more


def _main(services: dict[str, Spec], **more: Any) -> dict[str, Spec]:
    return {"compose.yaml": {"services": services} | more}


def _plain() -> Stack:
    return Stack("plain", _main({"web": service(environment={"LEVEL": "${LEVEL}", "A": "1"}, labels={"x": "1"})}))


def _binds() -> Stack:
    return Stack(
        "binds",
        _main(
            {
                "web": service(volumes=["./conf:/etc/conf:ro", "./single.conf:/etc/single.conf:ro"]),
                "log": service(volumes=["./single.conf:/etc/single.conf:ro"]),
                "idle": service(),
            }
        ),
        {"conf/a.conf": "a\n", "conf/sub/b.conf": "b\n", "single.conf": "s\n", "README.md": "words\n"},
    )


def _reload() -> Stack:
    return Stack(
        "reload",
        _main(
            {
                "proxy": service(volumes=["./dynamic:/etc/dynamic:ro"], labels={"aios.reload": "SIGHUP"}),
                "other": service(volumes=["./dynamic:/etc/dynamic:ro"]),
                "lone": service(
                    labels={"aios.reload": "SIGHUP"},
                    volumes=["./dynamic:/etc/dynamic:ro", "./dynamic/one.yml:/etc/one.yml"],
                ),
            }
        ),
        {"dynamic/one.yml": "1\n", "dynamic/two.yml": "2\n"},
    )


def _objects() -> Stack:
    return Stack(
        "objects",
        _main(
            {
                "web": service(configs=[{"source": "file", "target": "/etc/file"}, "inline"], secrets=["key"]),
                "side": service(configs=["inline"]),
                "idle": service(),
            },
            configs={"file": {"file": "./app.conf"}, "inline": {"content": "one\n"}},
            secrets={"key": {"file": "./key.txt"}},
        ),
        {"app.conf": "a\n", "key.txt": "not secret\n", "other.conf": "o\n"},
    )


def _environment() -> Stack:
    return Stack(
        "environment",
        _main(
            {
                "web": service(env_file=["web.env"], environment={"TAG": "${TAG}"}),
                "side": service(env_file=["web.env"], label_file=["labels.env"]),
                "idle": service(),
            }
        ),
        {"web.env": "A=1\nB=2\n", "labels.env": "one=1\n", ".env": "TAG=1\nUNUSED=1\n"},
    )


def _build() -> Stack:
    return Stack(
        "build",
        _main(
            {
                "made": service(image="made:local", build={"context": "./src", "args": {"X": "1"}}),
                "user": service(image="made:local", depends_on=["made"]),
                "own": {"stop_grace_period": "0s", "build": {"context": "./own"}},
                "idle": service(),
            }
        ),
        {
            "src/Dockerfile": "FROM app:1\nARG X\nENV X=$X\nCOPY . /ctx\n",
            "src/.dockerignore": "*.md\ndocs\n",
            "src/main.txt": "m\n",
            "src/README.md": "r\n",
            "src/docs/a.txt": "d\n",
            "own/Dockerfile": "FROM app:2\nCOPY . /own\n",
            "own/file.txt": "f\n",
        },
    )


def _namespaces() -> Stack:
    return Stack(
        "namespaces",
        _main(
            {
                "vpn": service(volumes=["./vpn.conf:/etc/vpn.conf"], ipc="shareable"),
                "client": service(network_mode="service:vpn"),
                "memory": service(ipc="service:vpn"),
                "processes": service(pid="service:client"),
                "after": service(depends_on={"client": {"condition": "service_started", "restart": True}}),
                "idle": service(),
            }
        ),
        {"vpn.conf": "v\n"},
    )


def _volumes() -> Stack:
    return Stack(
        "volumes",
        _main(
            {
                "db": service(image="db:1", volumes=["data:/data", "./db.conf:/etc/db.conf"]),
                "backup": service(volumes_from=["db:ro"]),
                "idle": service(volumes=["cache:/cache"]),
            },
            volumes={"data": {}, "cache": {}},
        ),
        {"db.conf": "d\n"},
    )


def _chain() -> Stack:
    after = {"condition": "service_started", "restart": True}
    return Stack(
        "chain",
        _main(
            {
                "db": service(image="db:1", volumes=["./db.conf:/etc/db.conf"]),
                "api": service(depends_on={"db": after}, volumes=["./api:/etc/api"]),
                "ui": service(depends_on={"api": after}),
                "loose": service(depends_on=["db"]),
            }
        ),
        {"db.conf": "d\n", "api/a.conf": "a\n", "api/b.conf": "b\n"},
    )


def _networks() -> Stack:
    return Stack(
        "networks",
        _main(
            {
                "front": service(networks=["front"]),
                "both": service(networks={"front": {"aliases": ["x"]}, "back": {}}),
                "back": service(networks=["back"]),
                "out": service(networks=["outside"]),
                "idle": service(),
            },
            networks={
                "front": {},
                "back": {"labels": {"v": "1"}},
                "outside": {"external": True, "name": "outside-1"},
            },
        ),
    )


def _profiles() -> Stack:
    return Stack(
        "profiles",
        _main(
            {
                "web": service(),
                "extra": service(profiles=[PROFILE]),
                "debug": service(profiles=["debug"], volumes=["./debug:/debug"]),
            }
        ),
        {"debug/a": "1\n"},
    )


def _replicas() -> Stack:
    return Stack(
        "replicas",
        _main(
            {
                "many": service(scale=2, volumes=["./many:/many"]),
                "deployed": service(deploy={"replicas": 2}),
                "none": service(deploy={"replicas": 0}, volumes=["./many:/many"]),
                "one": service(),
            }
        ),
        {"many/a": "1\n", "many/b": "1\n"},
    )


def _parts() -> Stack:
    return Stack(
        "parts",
        {
            "compose.yaml": {
                "include": ["part/compose.yaml"],
                "services": {
                    "web": service(extends={"file": "base.yaml", "service": "base"}),
                    "plain": service(volumes=["./conf:/conf"]),
                },
            },
            "base.yaml": {"services": {"base": {"environment": {"BASE": "1"}, "labels": {"base": "1"}}}},
            "part/compose.yaml": {"services": {"part": service(), "other": service()}},
        },
        {"conf/a": "1\n", "conf/b": "1\n"},
    )


def _overlay() -> Stack:
    return Stack(
        "overlay",
        _main({"web": service(volumes=[f"{OVERLAY}/conf:/etc/overlay"]), "idle": service(volumes=["./own:/own"])}),
        {"own/a": "1\n", "own/b": "1\n"},
        overlays={"conf/a": "1\n", "conf/b": "1\n"},
    )


def _named() -> Stack:
    return Stack(
        "named",
        _main(
            {
                "web": service(container_name="the-web", ports=["18080:8080"], networks=["outside"]),
                "idle": service(expose=["80"]),
            },
            name="named-one",
            networks={"outside": {"external": True, "name": "outside-1"}},
        ),
    )


def _oneshot() -> Stack:
    return Stack(
        "oneshot",
        _main(
            {
                "init": service(command=["true"], restart="no", volumes=["./conf:/conf"]),
                "web": service(depends_on={"init": {"condition": "service_completed_successfully"}}),
                "idle": service(),
            }
        ),
        {"conf/a": "1\n", "conf/b": "1\n"},
    )


SHAPES: tuple[Callable[[], Stack], ...] = (
    _plain,
    _binds,
    _reload,
    _objects,
    _environment,
    _build,
    _namespaces,
    _volumes,
    _chain,
    _networks,
    _profiles,
    _replicas,
    _parts,
    _overlay,
    _named,
    _oneshot,
)
"""What makes each of the stacks anew."""
NAMES = tuple(shape().name for shape in SHAPES)


def mounts(stack: Stack, spec: Spec) -> Iterator[tuple[str, str]]:
    """(path inside the stack's folder, how) of everything that a service reads while it runs."""
    own = spec.get("volumes", [])
    taken = {one.partition(":")[0] for one in spec.get("volumes_from", [])}  # with all that they mount
    others = [
        volume for name in sorted(taken & set(stack.services)) for volume in stack.services[name].get("volumes", [])
    ]
    for volume in (*own, *others):
        source = volume.split(":")[0]
        if source.startswith("."):
            yield posixpath.normpath(source), "bind"
    for section in ("configs", "secrets"):
        for one in spec.get(section, []):
            name = one["source"] if isinstance(one, dict) else one
            defined = stack.main.get(section, {}).get(name, {})
            if "file" in defined:
                yield posixpath.normpath(defined["file"]), "file"
