"""How much attention a risk or a row of a plan needs. Pure."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How much attention a line deserves; orders everything shown."""

    INFO = "info"
    NOTICE = "notice"
    RISKY = "risky"
