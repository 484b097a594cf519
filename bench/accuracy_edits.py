"""Edits of every kind, and what each needs although compose itself would not see it.

An edit changes a Stack and answers the effects that it demands by itself, per service, or None where it does not fit.
What compose sees (images, settings, environments ...) has no entry: there the engine is the judge.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from bench.accuracy_stacks import IMAGES, NAMES, PROFILE, Spec, Stack, mounts, service
from bot.protocol.action import Action

Demands = dict[str, Action]
Edit = Callable[[Stack, random.Random], Demands | None]
EDITS: dict[str, Edit] = {}


def _edit(function: Edit) -> Edit:
    EDITS[function.__name__.strip("_")] = function
    return function


def _any_service(stack: Stack, rng: random.Random, fits: Callable[[Spec], bool] = lambda _: True) -> Spec | None:
    found = [spec for _, spec in sorted(stack.services.items()) if fits(spec)]
    return rng.choice(found) if found else None


def _set(field: str, values: list[Any]) -> Edit:
    """An edit that gives `field` of a service another one of `values`."""

    def edit(stack: Stack, rng: random.Random) -> Demands | None:
        spec = _any_service(stack, rng, lambda s: not (field == "command" and s.get("restart") == "no"))
        if spec is None:
            return None
        spec[field] = rng.choice([value for value in values if value != spec.get(field)])
        return {}

    return edit


_SETTINGS: dict[str, list[Any]] = {
    "command": [["web", "a"], ["web", "b"], "web c"],
    "healthcheck": [{"test": ["CMD", "true"], "interval": "1h"}, {"test": ["CMD", "true"], "interval": "2h"}],
    "oom_score_adj": [100, 200],
    "cpu_shares": [512, 256],
    "hostname": ["one", "two"],
    "working_dir": ["/tmp", "/www"],
    "tmpfs": [["/tmp/a"], ["/tmp/b"]],
    "logging": [{"driver": "json-file", "options": {"max-size": "1m"}}, {"driver": "json-file"}],
    "extra_hosts": [["a:10.0.0.1"], ["b:10.0.0.2"]],
    "cap_add": [["NET_ADMIN"], ["SYS_TIME"]],
    "stop_grace_period": ["0s", "1s"],
    "ulimits": [{"nofile": 1024}, {"nofile": 2048}],
    "annotations": [{"a": "1"}, {"a": "2"}],
    "security_opt": [["no-new-privileges:true"], []],
    "user": ["0", "0:0"],
    "tty": [True, False],
    "entrypoint": [["/service"], ["/bin/sh", "/service"]],  # both end where a one-shot's command does
    "dns": [["10.0.0.1"], ["10.0.0.2"]],
    "sysctls": [{"net.core.somaxconn": "1024"}, {"net.core.somaxconn": "2048"}],
    "shm_size": ["32m", "48m"],
    "stop_signal": ["SIGINT", "SIGTERM"],
    "domainname": ["a.test", "b.test"],
    "group_add": [["1"], ["2"]],
}
_NETWORKED = ("hostname", "extra_hosts", "dns", "sysctls", "shm_size", "domainname")
for _name, _values in _SETTINGS.items():
    EDITS[f"set_{_name}"] = _set(_name, _values)


def _networked(edit: Edit) -> Edit:
    """Who shares another's network has no such settings of its own."""

    def fits(stack: Stack, rng: random.Random) -> Demands | None:
        return None if stack.name == "namespaces" else edit(stack, rng)

    return fits


for _name in _NETWORKED:
    EDITS[f"set_{_name}"] = _networked(EDITS[f"set_{_name}"])


@_edit
def _image(stack: Stack, rng: random.Random) -> Demands | None:
    spec = _any_service(stack, rng, lambda s: s.get("image") in IMAGES)
    if spec is None:
        return None
    name, version = spec["image"].split(":")
    spec["image"] = f"{name}:{3 - int(version)}"
    return {}


@_edit
def _environment_set(stack: Stack, rng: random.Random) -> Demands | None:
    spec = _any_service(stack, rng)
    if spec is not None:
        spec.setdefault("environment", {})[rng.choice("ABC")] = stack.fresh("v")
    return {}


@_edit
def _environment_removed(stack: Stack, rng: random.Random) -> Demands | None:
    spec = _any_service(stack, rng, lambda s: bool(s.get("environment")))
    if spec is None:
        return None
    del spec["environment"][rng.choice(sorted(spec["environment"]))]
    return {}


@_edit
def _label(stack: Stack, rng: random.Random) -> Demands | None:
    spec = _any_service(stack, rng, _has_label_map)
    if spec is not None:
        spec.setdefault("labels", {})["x"] = stack.fresh("v")
    return {}


@_edit
def _port(stack: Stack, rng: random.Random) -> Demands | None:
    spec = _any_service(stack, rng, lambda s: "network_mode" not in s and "scale" not in s and "deploy" not in s)
    if spec is None:
        return None
    # A range of its own for each stack, so that no two ever meet.
    stack.count += 1
    spec["ports"] = [f"{20000 + 1000 * NAMES.index(stack.name) + stack.count}:8080"]
    return {}


@_edit
def _volume_added(stack: Stack, rng: random.Random) -> Demands | None:
    spec = _any_service(stack, rng)
    if spec is None:
        return None
    name = stack.fresh("more")
    stack.main.setdefault("volumes", {})[name] = {}
    spec.setdefault("volumes", []).append(f"{name}:/{name}")
    return {}


@_edit
def _limits(stack: Stack, rng: random.Random) -> Demands | None:
    spec = _any_service(stack, rng)
    if spec is None:
        return None
    stack.count += 1
    spec.setdefault("deploy", {})["resources"] = {"limits": {"memory": f"{64 + stack.count}m"}}
    return {}


# Nothing of these reaches a container.


@_edit
def _comment(stack: Stack, rng: random.Random) -> Demands | None:
    stack.comment = stack.fresh("another word ")
    return {}


@_edit
def _readme(stack: Stack, rng: random.Random) -> Demands | None:
    stack.files["NOTES.md"] = stack.fresh("note ")
    return {}


@_edit
def _extension(stack: Stack, rng: random.Random) -> Demands | None:
    spec = _any_service(stack, rng)
    if spec is not None:
        spec["x-note"] = stack.fresh("n")
    stack.main["x-top"] = stack.fresh("n")
    return {}


@_edit
def _order_of_keys(stack: Stack, rng: random.Random) -> Demands | None:
    services = stack.main["services"]
    names = list(services)
    rng.shuffle(names)
    stack.main["services"] = {name: dict(reversed(services[name].items())) for name in names}
    return {}


@_edit
def _pull_policy(stack: Stack, rng: random.Random) -> Demands | None:
    spec = _any_service(stack, rng, lambda s: "build" not in s)
    if spec is None:
        return None
    spec["pull_policy"] = "missing" if spec.get("pull_policy") == "never" else "never"
    return {}


@_edit
def _depends_on(stack: Stack, rng: random.Random) -> Demands | None:
    services = stack.main["services"]
    if "idle" not in services or "web" not in services or "depends_on" in services["web"]:
        return None
    services["web"]["depends_on"] = ["idle"]
    return {}


@_edit
def _volume_settings(stack: Stack, rng: random.Random) -> Demands | None:
    """Compose keeps a volume whose configuration changed, and its data."""
    volumes = stack.main.get("volumes")
    if not volumes:
        return None
    volumes[rng.choice(sorted(volumes))]["labels"] = {"v": stack.fresh("v")}
    return {}


@_edit
def _labels_spelled(stack: Stack, rng: random.Random) -> Demands | None:
    """A list instead of a mapping: compose reads the same."""
    spec = _any_service(stack, rng, lambda s: bool(s.get("labels")) and _has_label_map(s))
    if spec is None or stack.name == "reload":
        return None
    spec["labels"] = [f"{name}={value}" for name, value in spec["labels"].items()]
    return {}


def _has_label_map(spec: Spec) -> bool:
    return isinstance(spec.get("labels", {}), dict)


@_edit
def _ports_spelled(stack: Stack, rng: random.Random) -> Demands | None:
    """The long form of the same port."""
    spec = _any_service(stack, rng, lambda s: bool(s.get("ports")) and isinstance(s["ports"][0], str))
    if spec is None:
        return None
    published, target = spec["ports"][0].split(":")
    spec["ports"] = [{"target": int(target), "published": published, "protocol": "tcp", "mode": "ingress"}]
    return {}


@_edit
def _image_by_variable(stack: Stack, rng: random.Random) -> Demands | None:
    """The same image, written with a default."""
    spec = _any_service(stack, rng, lambda s: s.get("image") in IMAGES)
    if spec is None:
        return None
    name, version = spec["image"].split(":")
    spec["image"] = f"{name}:${{NOT_SET_{version}:-{version}}}"
    return {}


@_edit
def _more_profiles(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "profiles" or PROFILE not in stack.services["extra"]["profiles"]:
        return None
    stack.services["extra"]["profiles"] = [PROFILE, stack.fresh("p")]
    return {}


# Files.


def _readers(stack: Stack, path: str, *, wiped: str = "") -> Demands:
    """Who has to do something because the file at `path` changed; `wiped` is a folder that git makes anew."""
    found: Demands = {}
    for name, spec in stack.services.items():
        for source, how in mounts(stack, spec):
            if path == source or path.startswith(f"{source}/"):
                by_signal = how == "bind" and source not in (path, wiped)
                wants = Action.RELOAD if by_signal and "aios.reload" in spec.get("labels", {}) else Action.RESTART
                found[name] = max(found.get(name, Action.NONE), wants, key=list(Action).index)
    return found


def _mounted_files(stack: Stack) -> list[str]:
    return [path for path in sorted(stack.files) if _readers(stack, path)]


@_edit
def _file_changed(stack: Stack, rng: random.Random) -> Demands | None:
    paths = _mounted_files(stack)
    if not paths:
        return None
    path = rng.choice(paths)
    stack.files[path] = stack.fresh("content ") + "\n"
    return _readers(stack, path)


@_edit
def _reload_file(stack: Stack, rng: random.Random) -> Demands | None:
    """A file that one service takes in by a signal, and another one only by a restart."""
    if stack.name != "reload":
        return None
    path = rng.choice(["dynamic/one.yml", "dynamic/two.yml"])
    stack.files[path] = stack.fresh("rule ")
    return _readers(stack, path)


@_edit
def _file_added(stack: Stack, rng: random.Random) -> Demands | None:
    folders = sorted({path.rpartition("/")[0] for path in _mounted_files(stack) if "/" in path})
    if not folders:
        return None
    path = f"{rng.choice(folders)}/{stack.fresh('added')}"
    stack.files[path] = "new\n"
    return _readers(stack, path)


@_edit
def _file_removed(stack: Stack, rng: random.Random) -> Demands | None:
    paths = [path for path in _mounted_files(stack) if "added" in path]
    if not paths:
        return None
    path = rng.choice(paths)
    del stack.files[path]
    return _readers(stack, path)


@_edit
def _mode_changed(stack: Stack, rng: random.Random) -> Demands | None:
    paths = _mounted_files(stack)
    if not paths:
        return None
    path = rng.choice(paths)
    stack.executable ^= {path}
    return _readers(stack, path)


@_edit
def _folder_replaced(stack: Stack, rng: random.Random) -> Demands | None:
    """All files go and others come: git makes the folder anew, and a running container keeps the old one."""
    folder = {"reload": "dynamic", "binds": "conf", "profiles": "debug", "overlay": "own"}.get(stack.name)
    if folder is None or stack.name == "reload":
        return None
    demands: Demands = {}
    for path in [path for path in stack.files if path.startswith(f"{folder}/")]:
        demands |= _readers(stack, path, wiped=folder)
        del stack.files[path]
    stack.files[f"{folder}/{stack.fresh('only')}"] = "x\n"
    stack.files[f"{folder}/{stack.fresh('only')}"] = "x\n"
    return demands


@_edit
def _config_content(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "objects":
        return None
    stack.main["configs"]["inline"]["content"] = stack.fresh("text ") + "\n"
    return _using(stack, "configs", "inline")


@_edit
def _config_moved(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "objects":
        return None
    file = stack.main["configs"]["file"]
    file["file"] = "./other.conf" if file["file"] == "./app.conf" else "./app.conf"
    return _using(stack, "configs", "file")


def _using(stack: Stack, section: str, name: str) -> Demands:
    def uses(spec: Spec) -> bool:
        return any((one["source"] if isinstance(one, dict) else one) == name for one in spec.get(section, []))

    return {service: Action.RECREATE for service, spec in stack.services.items() if uses(spec)}


@_edit
def _env_file(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "environment":
        return None
    path = rng.choice(["web.env", "labels.env"])
    stack.files[path] += f"{stack.fresh('NAME')}=1\n"
    return {}


@_edit
def _env_file_renamed(stack: Stack, rng: random.Random) -> Demands | None:
    """The same variables from a file of another name."""
    spec = stack.services["web"] if stack.name == "environment" else None
    if spec is None:
        return None
    old, new = spec["env_file"][0], f"{stack.fresh('renamed')}.env"
    stack.files[new] = stack.files[old]
    spec["env_file"] = [new]
    return {}


@_edit
def _secret_moved(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "objects":
        return None
    path = f"{stack.fresh('key')}.txt"
    stack.files[path] = "not secret either\n"
    stack.main["secrets"]["key"]["file"] = f"./{path}"
    return _using(stack, "secrets", "key")


@_edit
def _kind_changed(stack: Stack, rng: random.Random) -> Demands | None:
    """A folder stands where a file was mounted, or the reverse: no container starts with both."""
    if stack.name != "binds" or "log" not in stack.services:
        return None
    inner = [path for path in stack.files if path.startswith("single.conf/")]
    for path in inner or ["single.conf"]:
        del stack.files[path]
    stack.files["single.conf" if inner else "single.conf/inner"] = "x\n"
    stack.executable -= {"single.conf", "single.conf/inner"}
    return dict.fromkeys(("web", "log"), Action.RECREATE)


@_edit
def _env_file_comment(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "environment":
        return None
    stack.files["web.env"] += f"# {stack.fresh('word')}\n"
    return {}


@_edit
def _dotenv(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "environment":
        return None
    used = rng.random() < 0.6
    value = stack.fresh("t")
    stack.files[".env"] = f"TAG={value}\nUNUSED=1\n" if used else stack.files[".env"] + f"MORE={value}\n"
    return {}


@_edit
def _build_file(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "build":
        return None
    path = rng.choice(["src/main.txt", "own/file.txt", "src/Dockerfile", f"src/{stack.fresh('more')}.txt"])
    if path.endswith("Dockerfile"):
        stack.files[path] += f"ENV {stack.fresh('V')}=1\n"
    else:
        stack.files[path] = stack.fresh("content ") + "\n"
    builder = "own" if path.startswith("own") else "made"
    return {builder: Action.REBUILD} if builder in stack.services else {}


@_edit
def _build_ignored(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "build":
        return None
    stack.files[rng.choice(["src/README.md", "src/docs/a.txt", "src/docs/more.txt"])] = stack.fresh("text ")
    return {}


@_edit
def _build_argument(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "build" or "made" not in stack.services:
        return None
    stack.services["made"]["build"]["args"]["X"] = stack.fresh("x")
    return {"made": Action.REBUILD}


@_edit
def _overlay_file(stack: Stack, rng: random.Random) -> Demands | None:
    """A file of the fleet repository itself."""
    if stack.name != "overlay" or "web" not in stack.services:
        return None
    stack.overlays[rng.choice(["conf/a", "conf/b"])] = stack.fresh("overlay ")
    return {"web": Action.RESTART}


# Services, networks, volumes as a whole.


@_edit
def _service_added(stack: Stack, rng: random.Random) -> Demands | None:
    stack.main["services"][stack.fresh("new")] = service(environment={"N": "1"})
    return {}


@_edit
def _service_removed(stack: Stack, rng: random.Random) -> Demands | None:
    added = [name for name in stack.main["services"] if name.startswith(("new", "renamed"))]
    name = added[0] if added else "idle" if "idle" in stack.main["services"] else ""
    needed = any(name in str(spec.get("depends_on", "")) for spec in stack.services.values())
    if not name or needed:
        return None
    del stack.main["services"][name]
    return {}


@_edit
def _service_renamed(stack: Stack, rng: random.Random) -> Demands | None:
    added = [name for name in stack.main["services"] if name.startswith("new")]
    if not added:
        return None
    stack.main["services"][stack.fresh("renamed")] = stack.main["services"].pop(added[0])
    return {}


@_edit
def _profile_on(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "profiles":
        return None
    spec = stack.services["debug"]
    spec["profiles"] = ["debug"] if spec["profiles"] == [PROFILE] else [PROFILE]
    return {"debug": Action.REMOVE} if spec["profiles"] == ["debug"] else {}


@_edit
def _profile_off(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "profiles":
        return None
    spec = stack.services["extra"]
    spec["profiles"] = ["debug"] if PROFILE in spec["profiles"] else [PROFILE]
    return {"extra": Action.REMOVE} if spec["profiles"] == ["debug"] else {}


@_edit
def _scaled(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "replicas":
        return None
    if rng.random() < 0.5:
        spec = stack.services["many"]
        spec["scale"] = rng.choice([n for n in (0, 1, 2, 3) if n != spec["scale"]])
    else:
        deploy = stack.services[rng.choice(["deployed", "none"])]["deploy"]
        deploy["replicas"] = rng.choice([n for n in (0, 1, 2, 3) if n != deploy["replicas"]])
    return {}


@_edit
def _network_settings(stack: Stack, rng: random.Random) -> Demands | None:
    """Compose only reconnects, and the containers lose the names by which others find them."""
    if stack.name != "networks":
        return None
    key = rng.choice(["front", "back"])
    stack.main["networks"][key]["labels"] = {"v": stack.fresh("v")}
    return {name: Action.RECREATE for name, spec in stack.services.items() if key in spec.get("networks", ())}


@_edit
def _network_name(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "networks":
        return None
    stack.main["networks"]["front"]["name"] = stack.fresh("front-net")
    # Compose 5.4 and later only reconnects, as above.
    return {name: Action.RECREATE for name, spec in stack.services.items() if "front" in spec.get("networks", ())}


@_edit
def _network_alias(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "networks":
        return None
    stack.services["both"]["networks"]["front"] = {"aliases": [stack.fresh("alias")]}
    return {}


@_edit
def _network_external(stack: Stack, rng: random.Random) -> Demands | None:
    if "outside" not in stack.main.get("networks", {}):
        return None
    outside = stack.main["networks"]["outside"]
    outside["name"] = "outside-2" if outside["name"] == "outside-1" else "outside-1"
    return {}


@_edit
def _network_joined(stack: Stack, rng: random.Random) -> Demands | None:
    spec = stack.main["services"].get("idle") if stack.name == "networks" else None
    if spec is None:
        return None
    spec["networks"] = ["front"] if spec.get("networks") == ["back"] else ["back"]
    return {}


@_edit
def _volume_name(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "volumes":
        return None
    stack.main["volumes"]["data"]["name"] = stack.fresh("data-")
    return {}


@_edit
def _stack_removed(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name not in ("plain", "oneshot", "parts"):
        return None
    stack.present = not stack.present
    return {}


@_edit
def _project_renamed(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "named":
        return None
    stack.main["name"] = "named-two" if stack.main["name"] == "named-one" else "named-one"
    return {}


@_edit
def _extended(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "parts":
        return None
    stack.documents["base.yaml"]["services"]["base"]["environment"]["BASE"] = stack.fresh("b")
    return {}


@_edit
def _inlined(stack: Stack, rng: random.Random) -> Demands | None:
    """What was extended is written out: compose reads the same."""
    if stack.name != "parts" or "extends" not in stack.services["web"] or not _has_label_map(stack.services["web"]):
        return None
    base = stack.documents["base.yaml"]["services"]["base"]
    web = stack.main["services"]["web"]
    del web["extends"]
    for field in ("environment", "labels"):
        web[field] = base.get(field, {}) | web.get(field, {})
    return {}


@_edit
def _include_dropped(stack: Stack, rng: random.Random) -> Demands | None:
    """Services of the included file go, or come back."""
    if stack.name != "parts":
        return None
    if "include" in stack.main:
        del stack.main["include"]
    else:
        stack.main["include"] = ["part/compose.yaml"]
    return {}


@_edit
def _included(stack: Stack, rng: random.Random) -> Demands | None:
    if stack.name != "parts":
        return None
    stack.documents["part/compose.yaml"]["services"]["part"]["hostname"] = stack.fresh("h")
    return {}
