"""How many containers a rendered service has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def replicas(spec: Mapping[str, Any]) -> int:
    """How many containers a rendered service has."""
    deployed = spec.get("deploy")
    wanted = deployed.get("replicas") if isinstance(deployed, dict) else None
    for value in (wanted, spec.get("scale"), 1):
        if isinstance(value, int):
            return value
    return 1
