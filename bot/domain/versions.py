"""Versions of programs, as they print them. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

Version = tuple[int, ...]
"""The leading numbers of a version: (2, 40, 3); () where it is not known."""

_VERSION = re.compile(r"v?\d{1,6}(\.\d{1,6}){1,2}([+.-][0-9A-Za-z+.~-]{0,40})?")
_NUMBER = re.compile(r"\d+")


class NodeVersions(NamedTuple):
    """What a node reported of itself: "2.40.3" and "Docker Engine 28.1.1"; "" for what it did not."""

    compose: str = ""
    engine: str = ""


def is_version(text: str) -> bool:
    """Whether `text` is a version, and nothing else."""
    return _VERSION.fullmatch(text) is not None


def parse_version(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: "v2.40.3-desktop.1" is (2, 40, 3)."""
    release = text.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0]
    return tuple(int(number) for number in _NUMBER.findall(release)[:3])


def render_version(version: tuple[int, ...]) -> str:
    """(2, 40, 3) as "2.40.3"."""
    return ".".join(str(number) for number in version)
