"""Find what changed in the settings by which an image is built. Pure.

Compose itself does not build again for any of it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bot.domain.names import ServiceName
from bot.plan.causes import Cause, ReasonCode, find_source
from bot.plan.rendering import Rendering, StackChange
from bot.protocol.action import Action

_NOT_IN_IMAGE = frozenset(("cache_from", "cache_to"))
_ONCE_MORE = ("no_cache", "pull")  # without them, what was built last comes out
_SHOWN = 3  # files in one text


def build_causes(
    name: ServiceName, before: Any, after: Mapping[str, Any], change: StackChange, rendering: Rendering
) -> Iterator[Cause]:
    """What changed in how the image of `name` is built, and in what it is built from."""
    place = f"services.{name}.build"
    if not isinstance(before, dict):
        yield Cause(
            Action.REBUILD, ReasonCode.BUILD, "is now built from its own files", find_source(rendering, place)
        )
    else:
        unread = change.unread_builds.get(name, frozenset())
        then, now = (_read_build(build, unread) for build in (before, after))
        for key in sorted({*then, *now}):
            if then.get(key) != now.get(key) and (key in now or key not in _ONCE_MORE):
                where = find_source(rendering, f"{place}.{key}")
                yield Cause(Action.REBUILD, ReasonCode.BUILD, f"build {key} changed", where)
    inputs = change.build_inputs.get(name, ())
    if inputs:
        more = f" and {len(inputs) - _SHOWN} more" if len(inputs) > _SHOWN else ""
        names = f"{', '.join(inputs[:_SHOWN])}{more}"
        text = f"{names} changed: builds again; recreated only if the image comes out different"
        yield Cause(Action.REBUILD, ReasonCode.BUILD_CONTENT, text, find_source(rendering, place))


def _read_build(build: Mapping[str, Any], unread: Collection[str]) -> dict[str, Any]:
    """The settings of a build that may change the image, in one spelling."""
    kept = {
        key: value
        for key, value in build.items()
        if key not in unread and key not in _NOT_IN_IMAGE and not key.startswith("x-")
    }
    if "args" in kept:
        kept["args"] = {key: value for key, value in kept["args"].items() if f"args.{key}" not in unread} or None
    if "dockerfile" in kept:
        kept["dockerfile"] = posixpath.normpath(str(kept["dockerfile"]))
    return kept
