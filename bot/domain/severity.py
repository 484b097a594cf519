"""From bot/plan/model.py: say here what this module is for."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How much attention a line deserves; orders everything shown."""

    INFO = "info"
    NOTICE = "notice"
    RISKY = "risky"
