"""Secrets that change, never their value; and healthchecks that go."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain import risk_rules as rules
from bot.plan.risks.pairs import Found, ServicePair, StackPair, as_list, as_map, is_hidden

_DISABLED = (["NONE"], "NONE")


def check_environment(service: ServicePair) -> Iterator[Found]:
    """Secret variables with another value."""
    if not service.old or not service.new:
        return
    before, after = as_map(service.old.get("environment")), as_map(service.new.get("environment"))
    for name in sorted(after):
        if name in before and before[name] != after[name] and (is_hidden(before[name]) or is_hidden(after[name])):
            yield Found(rules.SECRET_CHANGED, f"secret {name} changed", f"{service.place}.environment.{name}")


def check_secrets(pair: StackPair) -> Iterator[Found]:
    """Top-level secrets that come from somewhere else."""
    if pair.old is None or pair.new is None:
        return
    before, after = as_map(pair.old.get("secrets")), as_map(pair.new.get("secrets"))
    for name in sorted(after):
        if name in before and before[name] != after[name]:
            yield Found(rules.SECRET_CHANGED, f"secret {name} is taken from elsewhere", f"secrets.{name}")


def check_health(service: ServicePair) -> Iterator[Found]:
    """A healthcheck that was there and is not any more."""
    before, after = as_map(service.old.get("healthcheck")), as_map(service.new.get("healthcheck"))
    had = bool(before) and not _is_off(before)
    if service.new and had and (not after or _is_off(after)):
        what = "disabled" if after else "removed"
        yield Found(rules.HEALTHCHECK_REMOVED, f"the healthcheck is {what}", f"{service.place}.healthcheck")


def _is_off(healthcheck: object) -> bool:
    fields = as_map(healthcheck)
    test = fields.get("test")
    return bool(fields.get("disable")) or test in _DISABLED or as_list(test)[:1] == ["NONE"]
