"""Find changed content that running services read: mounted files and folders, configs and secrets. Pure.

None of it is in the hash by which compose decides (docker/compose v2.40.3 pkg/compose/hash.go), so compose leaves
a container alone whose mounted file changed. What is needed then:

- a mount is made again whenever the container starts, so a restart shows the new content, also of a single file
  that git replaced by another one (until then the container keeps the old);
- a service whose label `aios.reload` names a signal gets that instead, where it mounts the folder;
- a container that was made for a file cannot start with a folder in its place, or the reverse;
- a seccomp profile is read when the container is made (create.go: parseSecurityOpts);
- a config or secret that is another file now, or is written in the compose file itself, is put in when the
  container is made (create.go: buildContainerConfigMounts, secrets.go: injectFileReferences).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bot.fleetfile import Node
from bot.plan.causes import Cause, ReasonCode, find_source
from bot.plan.model import SourceLine
from bot.plan.node_paths import find_inside
from bot.plan.rendering import CHECKOUT, Place, Side
from bot.protocol.action import Action

RELOAD_LABEL = "aios.reload"
_RELOAD_SIGNALS = frozenset(("HUP", "USR1", "USR2", "WINCH"))
_NAMES_SHOWN = 3
_FILE_OBJECTS = {"configs": ReasonCode.CONFIG_CONTENT, "secrets": ReasonCode.SECRET_CONTENT}
_FOLDERS = {"configs": "", "secrets": "/run/secrets"}
"""Where in a container they are put when their target is no full path (pkg/compose/create.go)."""
_ABSOLUTE = re.compile(r"/|[A-Za-z]:[/\\]")


NAMED_PROFILES = ("unconfined", "builtin", "default")
"""Of seccomp, what is no file (pkg/compose/create.go)."""


class Mount(NamedTuple):
    """A path of the checkout that a service's containers read."""

    code: ReasonCode
    target: str
    source: str  # relative to the checkout, before links are followed
    at: str  # its place in the model: "services.web.volumes.0"


def find_mounts(service: str, model: Mapping[str, Any], node: Node) -> Iterator[Mount]:
    """Find every path of the checkout that the containers of `service` read."""
    spec = model["services"][service]
    for target, (volume, at) in _volumes(service, model, {service}).items():
        source = _source_of(volume, model)
        inside = find_inside(source, node) if source else None
        if inside is not None:
            yield Mount(ReasonCode.BIND_CONTENT, target, inside, at)
    for section, code in _FILE_OBJECTS.items():
        for index, (name, target) in enumerate(_references(spec, section)):
            file = (model.get(section) or {}).get(name, {}).get("file")
            inside = find_inside(str(file), node) if file else None
            if inside is not None:
                yield Mount(code, target, inside, f"services.{service}.{section}.{index}")
    for index, option in enumerate(spec.get("security_opt") or ()):
        kind, _, path = split_security_option(option)
        inside = find_inside(path, node) if kind == "seccomp" and path.startswith("/") else None
        if inside is not None:
            yield Mount(ReasonCode.SECURITY_PROFILE, kind, inside, f"services.{service}.security_opt.{index}")


def _volumes(service: str, model: Mapping[str, Any], seen: set[str]) -> dict[str, tuple[Mapping[str, Any], str]]:
    """The volumes of a service by target, with their places in the model; those of `volumes_from` come first.

    Its own ones hide what it gets from another service at the same target. `seen` ends a circle.
    """
    found: dict[str, tuple[Mapping[str, Any], str]] = {}
    spec = model["services"][service]
    for index, mounted in enumerate(spec.get("volumes_from") or ()):
        origin = str(mounted).partition(":")[0]
        if origin in model["services"] and origin not in seen:
            inherited = _volumes(origin, model, seen | {origin})
            found |= {
                target: (volume, f"services.{service}.volumes_from.{index}")
                for target, (volume, _) in inherited.items()
            }
    for index, volume in enumerate(spec.get("volumes") or ()):
        found[str(volume.get("target", ""))] = (volume, f"services.{service}.volumes.{index}")
    return found


def split_security_option(option: str) -> tuple[str, str, str]:
    """`seccomp:FILE` or `seccomp=FILE`: its kind, the sign between them, and the rest."""
    sign = next((one for one in option if one in ":="), ":")
    return option.partition(sign)


def _source_of(volume: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """The path behind a bind mount, or behind a named volume that is one."""
    if volume.get("type") == "bind":
        return str(volume.get("source") or "")
    defined = (model.get("volumes") or {}).get(volume.get("source")) or {}
    options = defined.get("driver_opts") or {}
    is_bind = not {"bind", "rbind"}.isdisjoint(str(options.get("o", "")).split(","))
    return str(options.get("device") or "") if is_bind and defined.get("driver", "local") == "local" else ""


def _references(spec: Mapping[str, Any], section: str) -> list[tuple[str, str]]:
    """The names of what a service has of a section, each with its path in the container."""
    found = []
    for one in spec.get(section) or ():
        target = str(one.get("target") or one["source"])
        found.append((str(one["source"]), target if _ABSOLUTE.match(target) else f"{_FOLDERS[section]}/{target}"))
    return found


def reload_signal(spec: Mapping[str, Any]) -> str:
    """The signal that makes a service reload changed files, from its label `aios.reload`; "" without one.

    Only signals that do not end a program by convention count.
    """
    name = str((spec.get("labels") or {}).get(RELOAD_LABEL, "")).upper().removeprefix("SIG")
    return f"SIG{name}" if name in _RELOAD_SIGNALS else ""


def content_causes(service: str, old: Side, new: Side, changed: frozenset[str], node: Node) -> list[Cause]:
    """Find what changed behind the mounts that `service` has before and after."""
    before, after = _model(old), _model(new)
    signal = reload_signal(after["services"][service])
    then = {(mount.code, mount.target): mount for mount in find_mounts(service, before, node)}
    causes = [
        cause
        for mount in find_mounts(service, after, node)
        if (was := then.get((mount.code, mount.target))) is not None and was.source == mount.source
        for cause in _mount_causes(mount, old, new, changed, signal)
    ]
    return [*causes, *_definition_causes(service, old, new), *_ai_model_causes(service, old, new)]


def _model(side: Side) -> dict[str, Any]:
    return getattr(side.rendering, "model", {})


def _mount_causes(mount: Mount, old: Side, new: Side, changed: frozenset[str], signal: str) -> Iterator[Cause]:
    nothing = Place(path=mount.source)
    was, now = old.places.get(mount.source, nothing), new.places.get(mount.source, nothing)
    where = find_source(new.rendering, mount.at)
    is_profile = mount.code is ReasonCode.SECURITY_PROFILE
    if was.kind == "file" and not now.kind:
        lost = (
            "named as a profile: nothing starts without it"
            if is_profile
            else "mounted: the engine makes an empty folder of it"
        )
        text = f"{mount.source} is gone from the repository and still {lost}"
        yield Cause(Action.RECREATE, mount.code, text, where)
        return
    # Where nothing exists, the engine creates a folder.
    if (was.kind or "folder") != (now.kind or "folder"):
        text = f"{mount.source or 'the checkout'} was a {was.kind or 'folder'} and is a {now.kind or 'folder'}"
        yield Cause(Action.RECREATE, mount.code, text, where)
        return
    files = changed_under(changed, (was.path, now.path))
    if files or was.path != now.path:
        place = f"the profile of {mount.target}" if is_profile else f"mounted at {mount.target}"
        text = f"{_list_names(files) or mount.source} changed, {place}"
        same = was.path == now.path and now.kind == "folder" and now.survives
        reloads = signal and same and mount.code is ReasonCode.BIND_CONTENT
        if files and any(files[0] == root or files[0].startswith(f"{root}/") for root in (was.path, now.path)):
            where = SourceLine(files[0], 1)  # the planner finds the line
        action = Action.RECREATE if is_profile else Action.RELOAD if reloads else Action.RESTART
        yield Cause(action, mount.code, text, where)


def _definition_causes(service: str, old: Side, new: Side) -> Iterator[Cause]:
    before, spec = _model(old), _model(new)["services"][service]
    had = {name for section in _FILE_OBJECTS for name, _ in _references(before["services"][service], section)}
    for section, code in _FILE_OBJECTS.items():
        for name, target in _references(spec, section):
            was, now = (_file_object(_model(side), section, name) for side in (old, new))
            contents = [unseen_contents(side).get(f"{section}.{name}") for side in (old, new)]
            if name in had and (was != now or contents[0] != contents[1]):
                kind = section.removesuffix("s")
                where = find_source(new.rendering, f"{section}.{name}.{next(iter(now), 'name')}")
                yield Cause(
                    Action.RECREATE, code, f"{kind} {name} {_say_moved(was, now)}, mounted at {target}", where
                )


def _say_moved(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if "file" in now:
        return f"is now {str(now['file']).removeprefix(f'{CHECKOUT}/')}"
    if "environment" in now and was.get("environment") != now["environment"]:
        return f"is now the variable {now['environment']}"
    return "has different content"


def _file_object(model: Mapping[str, Any], section: str, name: str) -> dict[str, Any]:
    defined = (model.get(section) or {}).get(name) or {}
    return {key: defined[key] for key in ("file", "content", "environment") if key in defined}


def _ai_model_causes(service: str, old: Side, new: Side) -> Iterator[Cause]:
    """Find the AI models that changed: `up` gives their names to the service and configures them (model.go)."""
    was, now = unseen_contents(old), unseen_contents(new)
    had = _model(old)["services"][service].get("models") or ()
    for name in _model(new)["services"][service].get("models") or ():
        place = f"models.{name}"
        if name in had and was.get(place) != now.get(place):
            text = f"model {name} is another one, or configured differently"
            yield Cause(Action.RECREATE, ReasonCode.MODEL_CHANGED, text, find_source(new.rendering, f"{place}.model"))


def unseen_contents(side: Side | None) -> dict[str, str]:
    """What stands for contents that the model of the stack does not show."""
    return getattr(side.rendering, "contents", {}) if side else {}


def changed_under(changed: Iterable[str], roots: Iterable[str]) -> list[str]:
    """The paths of `changed` that are one of `roots` or below one, sorted; "" is the whole checkout.

    A nested submodule that moved is one changed path, and it is above whatever of it is mounted.
    """
    places = [root for root in roots if root is not None]
    return sorted(
        path
        for path in changed
        if any(root in ("", path) or path.startswith(f"{root}/") or root.startswith(f"{path}/") for root in places)
    )


def _list_names(paths: list[str]) -> str:
    shown = ", ".join(paths[:_NAMES_SHOWN])
    return shown + (f" and {len(paths) - _NAMES_SHOWN} more" if len(paths) > _NAMES_SHOWN else "")
