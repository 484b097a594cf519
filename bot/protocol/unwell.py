"""From bot/agent/health.py: say here what this module is for."""

from __future__ import annotations

from bot.domain.names import ServiceName
from bot.domain.values import Value


class Unwell(Value, frozen=True):
    """A service that did not come up, and why; `log` is the end of what it wrote."""

    project: str
    service: ServiceName
    text: str
    log: str = ""
