"""Two renderings of a service in, the causes of what will happen to it out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from bot.plan.model import Action, Reason

# What compose leaves out of the hash that decides on a recreation (docker/compose pkg/compose/hash.go).
_NOT_HASHED = {"build", "pull_policy", "scale", "depends_on", "profiles"}


class ReasonCode(StrEnum):
    """Why something happens to a service."""

    NEW_SERVICE = "new_service"
    GONE_SERVICE = "gone_service"
    CHANGED = "changed"
    BIND_CONTENT = "bind_content"


def service_reasons(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Every top-level difference of two rendered services that makes compose recreate it."""
    fields = sorted(set(old) | set(new))
    return tuple(
        reason
        for field in fields
        if field not in _NOT_HASHED and old.get(field) != new.get(field)
        for reason in _field_reasons(field, old.get(field), new.get(field))
    )


def _field_reasons(field: str, old: Any, new: Any) -> tuple[Reason, ...]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(key for key in set(old) | set(new) if old.get(key) != new.get(key))
        return tuple(_reason(field, f"{field} {key}", old.get(key), new.get(key)) for key in keys)
    return (_reason(field, field, old, new),)


def _reason(code: str, name: str, old: Any, new: Any) -> Reason:
    def show(value: Any) -> str:
        text = value if isinstance(value, str) else "" if value is None else str(value)
        return text if len(text) < 80 else text[:77] + "..."

    if old is None:
        return Reason(code=code, text=f"{name}: + {show(new)}")
    if new is None:
        return Reason(code=code, text=f"{name}: - {show(old)}")
    return Reason(code=code, text=f"{name} {show(old)} -> {show(new)}")


def action_of(reasons: tuple[Reason, ...]) -> Action:
    """What the causes come to."""
    if not reasons:
        return Action.NONE
    return Action.RESTART if all(r.code == ReasonCode.BIND_CONTENT for r in reasons) else Action.RECREATE
