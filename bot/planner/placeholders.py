"""Give variables that only the node sets a value to render with, so that old and new versions still compare. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator

from bot.planner.compose_files import ComposeGroup
from bot.planner.interpolation import VariableUse, find_uses
from bot.planner.source_map import FROM_NODE, scalars

_SIZES = frozenset(
    ["mem_limit", "memswap_limit", "mem_reservation", "mem_swappiness", "shm_size", "size", "memory", "rate"]
)
_DURATIONS = frozenset(
    [
        "interval",
        "timeout",
        "start_period",
        "start_interval",
        "stop_grace_period",
        "delay",
        "window",
        "monitor",
        "max_failure_ratio",
        "initial_sync",
    ]
)
_NUMBERS = frozenset(
    [
        "replicas",
        "scale",
        "parallelism",
        "max_attempts",
        "retries",
        "pids_limit",
        "pids",
        "oom_score_adj",
        "weight",
        "cpus",
        "cpu_count",
        "cpu_percent",
        "cpu_period",
        "cpu_quota",
        "cpu_shares",
        "cpu_rt_period",
        "cpu_rt_runtime",
        "soft",
        "hard",
        "nofile",
        "nproc",
        "memlock",
        "priority",
        "gw_priority",
        "mode",
        "uid",
        "gid",
        "count",
    ]
)
_FLAGS = frozenset(
    [
        "init",
        "privileged",
        "read_only",
        "tty",
        "stdin_open",
        "internal",
        "external",
        "attachable",
        "create_host_path",
        "nocopy",
        "disable",
        "oom_kill_disable",
        "required",
        "restart",
        "no_cache",
        "pull",
    ]
)
_PATHS = frozenset(("source", "file", "device", "path"))
_COMPLETED = frozenset((("volumes", "bind", "source"), ("configs", "file"), ("secrets", "file")))
"""Where paths stand that compose completes, without names: an empty one would be the stack's folder."""
_PORTS = frozenset(("ports", "expose", "published"))
_FIRST_PORT, _PORTS_FROM_THERE = 20_000, 20_000


def find_placeholders(main: ComposeGroup, given: Collection[str]) -> dict[str, str]:
    """A placeholder for each variable that the files require (`${NAME:?}`) and nothing sets: secrets of the node.

    So is one that a mounted path, or that of a secret or config, begins with (`${NAME}:/data`). Without a value
    compose would refuse the whole stack, or take its folder for what is mounted.
    """
    found: dict[str, str] = {}
    for keys, text in scalars(main):
        for use in find_uses(text):
            begins_path = _begins_path(keys, use, text)
            is_needed = use.operator.endswith("?") or (begins_path and not use.operator)
            is_first = begins_path or use.name not in found
            if is_needed and is_first and not use.nested and use.name not in (*given, *FROM_NODE):
                found[use.name] = f"{'/' * begins_path}<{use.name}>"
    return found


def find_typed_placeholders(main: ComposeGroup, given: Collection[str]) -> dict[str, str]:
    """A value for each variable without a default that nothing sets, of a kind that compose takes where it is used.

    For a stack that compose cannot read with `find_placeholders`: a port, a size or a number is to be there.
    """
    found: dict[str, str] = {}
    for keys, text in scalars(main):
        for use in find_uses(text):
            if use.operator in ("", "?", ":?") and not use.nested and use.name not in (*given, *FROM_NODE):
                value, is_typed = _typed(keys, text, use)
                if is_typed or use.name not in found:
                    found[use.name] = value
    return found


def _begins_path(keys: tuple[str, ...], use: VariableUse, text: str) -> bool:
    is_path = not _COMPLETED.isdisjoint((keys[-3:], (*keys[-3:-2], *keys[-1:])))
    return use.span[0] == 0 and (is_path or ":/" in text[use.span[1] :])


def _typed(keys: tuple[str, ...], text: str, use: VariableUse) -> tuple[str, bool]:
    """The value, and whether it is of a certain kind."""
    key = keys[-1] if keys else ""
    alone = use.span == (0, len(text))
    if not _PORTS.isdisjoint(keys[-2:]):
        # Each has its own: two services do not publish the same one.
        return str(_FIRST_PORT + zlib.crc32(use.name.encode()) % _PORTS_FROM_THERE), True
    if _begins_path(keys, use, text) or (alone and key in _PATHS):
        return f"/<{use.name}>", True
    for names, value in ((_SIZES, "64m"), (_DURATIONS, "1s"), (_NUMBERS, "1"), (_FLAGS, "true")):
        if key in names:
            return value if alone else "1", True
    return use.name, False


def describe_placeholders(placeholders: dict[str, str]) -> Iterator[str]:
    """One remark on the values that stand for those of the node."""
    if placeholders:
        values = ", ".join(f"{name} as {value}" for name, value in sorted(placeholders.items()))
        yield f"only the node sets these variables, and compose needs them to read the files: planned with {values}"
