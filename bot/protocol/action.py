"""What compose does to one service's containers, in order of disruption. Pure."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What compose will do to a service's containers, in the order of how much it disturbs."""

    NONE = "none"
    RELOAD = "reload"
    RESTART = "restart"
    CREATE = "create"
    RECREATE = "recreate"
    REBUILD = "rebuild"
    REMOVE = "remove"
