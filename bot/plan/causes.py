"""Find out why a service changes: the closed list of reasons, and the differences of two renderings. Pure.

Compose recreates a container when the hash of its service differs (docker/compose v2.40.3 pkg/compose/hash.go):
that is the service as `config --format json` shows it, without the parts named in `_NOT_HASHED`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec.structs import replace

from bot.plan.lists import Twins, find_differences
from bot.plan.model import Reason, SourceLine
from bot.plan.rendering import Rendered, Rendering
from bot.protocol.action import Action

_NOT_HASHED = frozenset(("build", "pull_policy", "scale", "depends_on", "profiles"))
_MAX_LENGTH = 80  # characters of one value
_MARK = re.compile(r"‹secret [0-9a-f]{8}›")


class ReasonCode(StrEnum):
    """Why something happens to a service."""

    # The service itself
    NEW_SERVICE = "new_service"
    GONE_SERVICE = "gone_service"
    PROFILE = "profile"  # still defined, and in no profile that the node has
    PROJECT = "project"  # the compose project has another name
    UNKNOWN_BEFORE = "unknown_before"  # the old version cannot be read
    REPLICAS = "replicas"
    # In compose's model
    IMAGE = "image"
    COMMAND = "command"
    ENVIRONMENT = "environment"
    ENV_FILE = "env_file"
    PORTS = "ports"
    VOLUMES = "volumes"
    NETWORKS = "networks"
    LABELS = "labels"
    HEALTHCHECK = "healthcheck"
    RESOURCES = "resources"
    SETTING = "setting"
    # Files that compose does not compare
    BIND_CONTENT = "bind_content"
    CONFIG_CONTENT = "config_content"
    SECRET_CONTENT = "secret_content"  # noqa: S105 - the name of a reason
    SECURITY_PROFILE = "security_profile"  # of seccomp; the engine gets its text when the container is made
    BUILD = "build"
    BUILD_CONTENT = "build_content"
    # Because of something else
    IMAGE_REBUILT = "image_rebuilt"  # another service builds the image that this one runs
    NETWORK_CHANGED = "network_changed"
    VOLUME_MOVED = "volume_moved"
    MODEL_CHANGED = "model_changed"  # an AI model, whose name compose puts into the environment
    NAMESPACE_SHARED = "namespace_shared"
    LINKED = "linked"  # on the engine's own bridge
    VOLUMES_FROM = "volumes_from"
    DEPENDENCY_RESTARTED = "dependency_restarted"


_CODES = {
    "image": ReasonCode.IMAGE,
    "command": ReasonCode.COMMAND,
    "entrypoint": ReasonCode.COMMAND,
    "environment": ReasonCode.ENVIRONMENT,
    "ports": ReasonCode.PORTS,
    "expose": ReasonCode.PORTS,
    "volumes": ReasonCode.VOLUMES,
    "tmpfs": ReasonCode.VOLUMES,
    "networks": ReasonCode.NETWORKS,
    "network_mode": ReasonCode.NETWORKS,
    "labels": ReasonCode.LABELS,
    "label_file": ReasonCode.LABELS,
    "healthcheck": ReasonCode.HEALTHCHECK,
    "deploy": ReasonCode.RESOURCES,
    "cpus": ReasonCode.RESOURCES,
    "mem_limit": ReasonCode.RESOURCES,
    "mem_reservation": ReasonCode.RESOURCES,
    "memswap_limit": ReasonCode.RESOURCES,
    "pids_limit": ReasonCode.RESOURCES,
    "shm_size": ReasonCode.RESOURCES,
    "ulimits": ReasonCode.RESOURCES,
}


Pair = tuple[Any, Any]
"""Before and after."""


class Compared(NamedTuple):
    """A part of the model before and after: as it is, and as people may see it."""

    real: Pair
    shown: Pair


class Cause(NamedTuple):
    """A reason, and the action that it alone would cause."""

    action: Action
    code: ReasonCode
    text: str
    where: SourceLine | None = None
    spreads: bool = True  # a restart that restarts those who depend on the service, too
    if_different: bool = False  # it counts only where the image that the service runs comes out different
    origin: str = ""  # the service of the same stack that this one follows

    @property
    def reason(self) -> Reason:
        """The part that people see."""
        return Reason(code=self.code, text=self.text, where=self.where)


def find_source(rendering: Rendering | None, place: str) -> SourceLine | None:
    """Find the source line of `place`, or of the nearest place around it."""
    if not isinstance(rendering, Rendered):
        return None
    while "." in place:
        found = rendering.sources.get(place)
        if found:
            return found
        place = place.rpartition(".")[0]
    return None


def find_old_source(rendering: Rendering | None, place: str) -> SourceLine | None:
    """Find the line of `place` in the old version, for what the new one no longer has."""
    found = find_source(rendering, place)
    return replace(found, gone=True) if found else None


def hashed(service: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a rendered service that goes into compose's hash."""
    kept = {key: value for key, value in service.items() if key not in _NOT_HASHED}
    if isinstance(kept.get("deploy"), dict):
        # An empty `deploy` still counts as one.
        kept["deploy"] = {key: value for key, value in kept["deploy"].items() if key != "replicas"}
    if isinstance(kept.get("volumes_from"), list):
        # Compose puts the id of a service's container in its place, and drops the mode (convergence.go).
        kept["volumes_from"] = [
            one if str(one).startswith("container:") else str(one).partition(":")[0] for one in kept["volumes_from"]
        ]
    return kept


def model_causes(name: str, services: Pair, shown: Pair, sides: tuple[Rendering, Rendering]) -> list[Cause]:
    """Find every difference of two rendered services that makes compose recreate the container.

    `services` are the service before and after, from which is decided; `shown` are the same for people, from which
    texts are made; `sides` give the source lines.
    """
    then, now = (hashed(service) for service in services)
    shown_then, shown_now = (hashed(service) for service in shown)
    return [
        cause
        for field in sorted(set(then) | set(now))
        if then.get(field) != now.get(field) or (field in then) != (field in now)
        for cause in _field_causes(
            f"services.{name}.{field}",
            field,
            Compared((then.get(field), now.get(field)), (shown_then.get(field), shown_now.get(field))),
            sides,
        )
    ]


def _field_causes(place: str, field: str, values: Compared, sides: tuple[Rendering, Rendering]) -> Iterator[Cause]:
    code = _CODES.get(field, ReasonCode.SETTING)
    before, after = values.real
    are_mappings = isinstance(before, dict) and isinstance(after, dict)
    if are_mappings or (field in ("environment", "labels") and isinstance(before or after, dict)):
        yield from _mapping_causes(place, field, code, values, sides)
    elif isinstance(before or after, list) and code is not ReasonCode.COMMAND:
        yield from _list_causes(place, field, code, values, sides)
    else:
        yield _cause(place, field, code, values, sides)


def _mapping_causes(
    place: str, field: str, code: ReasonCode, values: Compared, sides: tuple[Rendering, Rendering]
) -> Iterator[Cause]:
    before, after = (value or {} for value in values.real)
    shown = [value or {} for value in values.shown]
    keys = sorted(
        key for key in {*before, *after} if before.get(key) != after.get(key) or (key in before) != (key in after)
    )
    for key in keys:
        own, at = code, f"{place}.{key}"
        if code is ReasonCode.ENVIRONMENT and not any(_has(side, at) for side in sides):
            own, at = ReasonCode.ENV_FILE, f"{place.rpartition('.')[0]}.env_file"
        pair = Compared((before.get(key), after.get(key)), (shown[0].get(key), shown[1].get(key)))
        yield _cause(at, f"{field} {key}", own, pair, sides)


def _has(side: Rendering, place: str) -> bool:
    return isinstance(side, Rendered) and place in side.sources


def _list_causes(
    place: str, field: str, code: ReasonCode, values: Compared, sides: tuple[Rendering, Rendering]
) -> Iterator[Cause]:
    before, after = (value or [] for value in values.real)
    shown_before, shown_after = (value or [] for value in values.shown)
    removed, added = find_differences(before, after)
    if not removed and not added:
        yield _cause(place, field, code, values, sides, text=f"{field}: order changed")
    twins = Twins(removed)
    for index, item in added:
        twin = twins.take(item)
        pair = Compared(
            (twin[1] if twin else None, item), (shown_before[twin[0]] if twin else None, shown_after[index])
        )
        yield _cause(f"{place}.{index}", field, code, pair, (sides[1], sides[1]))
    for index, item in twins.left():
        pair = Compared((item, None), (shown_before[index], None))
        yield _cause(f"{place}.{index}", field, code, pair, (sides[0], sides[0]))


def _cause(
    place: str,
    name: str,
    code: ReasonCode,
    values: Compared,
    sides: tuple[Rendering, Rendering],
    *,
    text: str = "",
) -> Cause:
    where = find_source(sides[1], place) if values.real[1] is not None else None
    said = text or _describe(name, *values.shown)
    return Cause(Action.RECREATE, code, said, where or find_old_source(sides[0], place))


def _describe(name: str, before: Any, after: Any) -> str:
    old, new = show(before), show(after)
    if old == new or (_MARK.search(old) and _MARK.search(new)):
        return f"{name} changed"  # they differ after the cut, or in marks, which mean nothing to people
    if before is None:
        return f"{name}: + {new}" if new else f"{name} added"
    if after is None:
        return f"{name}: - {old}" if old else f"{name} removed"
    return f"{name} {old} -> {new}"


def show(value: Any) -> str:
    """Write a value of the model as people would, cut to fit a line."""
    text = _spell(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 3]}..."


def _spell(value: Any) -> str:
    match value:
        case None:
            return ""
        case "":
            return '""'
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case list() if all(isinstance(item, str) for item in value):
            return " ".join(value)
        case {"target": target, "published": published, **rest}:
            host = f"{rest['host_ip']}:" if rest.get("host_ip") else ""
            return f"{host}{published}:{target}/{rest.get('protocol', 'tcp')}"
        case {"target": target, "source": source, **rest}:
            return f"{source}:{target}" + (":ro" if rest.get("read_only") else "")
        case {"target": target, **rest} if "protocol" in rest:
            return f"{target}/{rest['protocol']}"
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
