"""Risks of changed secrets, never showing their value, and of removed healthchecks."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain import risk_rules as rules
from bot.risks.pairs import Found, ServicePair, StackPair, as_list, as_map, is_hidden

_DISABLED = (["NONE"], "NONE")


def check_environment(service: ServicePair) -> Iterator[Found]:
    """Find secret variables whose value changes."""
    if not service.old or not service.new:
        return
    before, after = as_map(service.old.get("environment")), as_map(service.new.get("environment"))
    for name in sorted(after):
        if name in before and before[name] != after[name] and (is_hidden(before[name]) or is_hidden(after[name])):
            yield Found(rules.SECRET_CHANGED, f"secret {name} changed", f"{service.place}.environment.{name}")


def check_secrets(pair: StackPair) -> Iterator[Found]:
    """Find top-level secrets whose source changes."""
    if pair.old is None or pair.new is None:
        return
    before, after = as_map(pair.old.get("secrets")), as_map(pair.new.get("secrets"))
    for name in sorted(after):
        if name in before and before[name] != after[name]:
            yield Found(rules.SECRET_CHANGED, f"secret {name} comes from a different source", f"secrets.{name}")


def check_health(service: ServicePair) -> Iterator[Found]:
    """Find healthchecks that are removed or disabled."""
    before, after = as_map(service.old.get("healthcheck")), as_map(service.new.get("healthcheck"))
    had = bool(before) and not _is_off(before)
    if service.new and had and (not after or _is_off(after)):
        what = "disabled" if after else "removed"
        yield Found(rules.HEALTHCHECK_REMOVED, f"the healthcheck is {what}", f"{service.place}.healthcheck")


def _is_off(healthcheck: object) -> bool:
    fields = as_map(healthcheck)
    test = fields.get("test")
    return bool(fields.get("disable")) or test in _DISABLED or as_list(test)[:1] == ["NONE"]


def check_conditional(pair: StackPair) -> Iterator[Found]:
    """Find texts that compose reads only where a variable is set, which only the node knows."""
    for name in pair.conditional:
        text = f"what `${{{name}:+...}}` stands for depends on whether the node has {name} set"
        yield Found(rules.CONDITIONAL, text)
