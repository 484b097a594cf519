"""Risks of building images: what a build may do on the node, and what it is made from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.domain import host_rules as rules
from bot.risks.pairs import Found, ServicePair, as_list, as_map

_REMOTE = re.compile(
    r"(?i)[a-z][a-z0-9+.-]*://.*|git@.*|[\w.-]+@[\w.-]+:.*|(?:www\.)?(?:github|gitlab)\.com/.*|.*\.git(?:#.*)?"
)
_LOCAL_IMAGES = ("service:", "target:")
_LIST_FIELDS = {"entitlements": "gets entitlement {}", "ssh": "uses the SSH agent or key {}"}


def check_build(service: ServicePair) -> Iterator[Found]:
    """Find builds that get more than a container, and those made from an address."""
    old, new = as_map(service.old.get("build")), as_map(service.new.get("build"))
    place = f"{service.place}.build"
    if new.get("privileged") and not old.get("privileged"):
        yield Found(rules.BUILD_PRIVILEGE, "its image is built privileged", f"{place}.privileged")
    for field, words in _LIST_FIELDS.items():
        before = _items(old.get(field))
        for item in _items(new.get(field)):
            if item not in before:
                yield Found(rules.BUILD_PRIVILEGE, f"its build {words.format(item)}", f"{place}.{field}")
    network = str(new.get("network") or "")
    if network != str(old.get("network") or "") and network not in ("", "none", "default"):
        yield Found(rules.BUILD_PRIVILEGE, f"its build joins the network {network}", f"{place}.network")
    yield from _sources(old, new, place)


def _sources(old: Any, new: Any, place: str) -> Iterator[Found]:
    context = str(new.get("context") or "")
    if context != str(old.get("context") or "") and _REMOTE.fullmatch(context):
        yield Found(rules.REMOTE_BUILD, f"its image is built from {context}", f"{place}.context")
    before = as_map(old.get("additional_contexts"))
    for name, value in as_map(new.get("additional_contexts")).items():
        remote = _REMOTE.fullmatch(str(value)) and not str(value).startswith(_LOCAL_IMAGES)
        if before.get(name) != value and remote:
            yield Found(rules.REMOTE_BUILD, f"its build takes in {value}", f"{place}.additional_contexts.{name}")
    for cache in as_list(new.get("cache_from")):
        if cache not in as_list(old.get("cache_from")):
            yield Found(rules.REMOTE_BUILD, f"its build trusts the cache {cache}", f"{place}.cache_from")
    for cache in as_list(new.get("cache_to")):
        if cache not in as_list(old.get("cache_to")) and "type=local" in str(cache):
            yield Found(rules.BUILD_PRIVILEGE, f"its build writes to the node: {cache}", f"{place}.cache_to")
    for tag in as_list(new.get("tags")):
        if tag not in as_list(old.get("tags")):
            yield Found(rules.EXTRA_TAG, f"its image is also called {tag}", f"{place}.tags")


def _items(value: Any) -> list[str]:
    """The items of a list, or the keys and values of a mapping: compose writes both."""
    if isinstance(value, dict):
        return [f"{name}={item}" if item else str(name) for name, item in value.items()]
    return [str(item) for item in as_list(value)]
