"""From bot/plan/model.py: say here what this module is for."""

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
