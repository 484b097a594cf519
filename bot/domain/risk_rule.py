"""What a risk rule is: an id, how much attention it asks for, and two sentences for the reference."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from bot.domain.severity import Severity


class Tuning(StrEnum):
    """What a fleet may say of a rule: another severity, or nothing at all."""

    OFF = "off"
    INFO = "info"
    NOTICE = "notice"
    RISKY = "risky"


class Rule(NamedTuple):
    """One rule. `fires` and `why` are sentences for the reference."""

    id: str
    severity: Severity
    fires: str
    why: str
