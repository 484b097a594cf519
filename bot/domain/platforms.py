"""The platforms of nodes. Imports nothing but the standard library: the command line starts with it."""

from __future__ import annotations

from enum import StrEnum


class Platform(StrEnum):
    """What a node runs on; decides paths and shells."""

    LINUX = "linux"
    WINDOWS = "windows"
    ANDROID = "android"
