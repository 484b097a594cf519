"""What the bot asks GitHub for: every permission and event with its reason, and the App's manifest. Pure.

The only place that says so. The set-up page, `aios-bot check`, the reference and the embedded GitHub read it from
here, and an acceptance test holds it to what the bot really uses: nothing is missing, nothing is too much.
Source: GitHub's "Registering a GitHub App from a manifest" and "Choosing permissions for a GitHub App".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlencode

LONGEST_NAME = 34  # characters of an App's name
NO_INGRESS = "https://aios-bot.invalid/webhook"
"""Stands for "GitHub cannot reach the bot": RFC 2606 keeps this name from ever being anybody's."""


class AccessLevel(StrEnum):
    """How much of a permission; each holds the ones before it."""

    NONE = "none"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def covers(self, other: AccessLevel) -> bool:
        """Whether who has this may do what asks for `other`."""
        order = list(AccessLevel)
        return order.index(self) >= order.index(other)


class AppPermission(NamedTuple):
    """One repository permission. `why` completes "The bot needs this to ..."."""

    name: str
    level: AccessLevel
    why: str


class AppEvent(NamedTuple):
    """One webhook event that the App subscribes to, and the permission that GitHub asks for it."""

    name: str
    permission: str
    why: str


PERMISSIONS = (
    AppPermission("metadata", AccessLevel.READ, "see which repositories it was given; GitHub grants it to every App"),
    AppPermission(
        "contents", AccessLevel.WRITE, "read fleet files and stacks, and push the branches of its pull requests"
    ),
    AppPermission(
        "pull_requests", AccessLevel.WRITE, "open its pull requests, label and comment on them, close what is settled"
    ),
    AppPermission("checks", AccessLevel.WRITE, "show the plan as a check, and wait for upstream's own checks"),
    AppPermission(
        "statuses", AccessLevel.READ, "wait for upstream's commit statuses, where the fleet file asks for it"
    ),
    AppPermission("deployments", AccessLevel.WRITE, "record what is deployed on which node, and how it went"),
    AppPermission(
        "issues",
        AccessLevel.WRITE,
        "keep an issue per node that drifted, and hear comments, which GitHub sends as those of issues",
    ),
    AppPermission(
        "members", AccessLevel.READ, "see who is in the teams that a fleet file names; of organisations only"
    ),
    AppPermission("actions", AccessLevel.WRITE, "start the deploy workflow on a node's runner, and see it end"),
)

EVENTS = (
    AppEvent("push", "contents", "upstream moved, or a fleet file changed"),
    AppEvent("pull_request", "pull_requests", "a pull request was merged: that is the approval"),
    AppEvent("pull_request_review", "pull_requests", "a review was given that the review rules ask for"),
    AppEvent("issue_comment", "issues", "somebody says a command in a pull request"),
    AppEvent("check_run", "checks", "somebody asks for the plan again, or presses one of its buttons"),
    AppEvent("check_suite", "checks", "upstream's checks are done"),
    AppEvent("status", "statuses", "upstream's commit statuses are done"),
    AppEvent("deployment_status", "deployments", "a node told how its deployment goes"),
    AppEvent("workflow_run", "actions", "a deploy workflow ended, also when its node never answered"),
)


def permissions() -> dict[str, str]:
    """The permissions as GitHub writes them: name to level."""
    return {permission.name: str(permission.level) for permission in PERMISSIONS}


def events() -> list[str]:
    """The events' names."""
    return [event.name for event in EVENTS]


def compose_manifest(
    *, name: str, homepage: str, webhook_url: str, created_url: str, installed_url: str
) -> dict[str, object]:
    """The manifest as GitHub takes it; the person's browser returns to `created_url`, later to `installed_url`."""
    return {
        "name": name,
        "url": homepage,
        "description": "Makes a fleet of Docker Compose machines run exactly what a person approved.",
        "public": False,
        "hook_attributes": {"url": webhook_url, "active": True},
        "redirect_url": created_url,
        "setup_url": installed_url,
        "setup_on_update": False,
        "default_permissions": permissions(),
        "default_events": events(),
    }


def registration_url(web_url: str, *, organization: str, state: str) -> str:
    """Where the manifest is posted to; `organization` "" registers it for the person."""
    owner = f"organizations/{organization}/" if organization else ""
    return f"{web_url}/{owner}settings/apps/new?{urlencode({'state': state})}"


def find_lacking(granted: Mapping[str, str]) -> tuple[AppPermission, ...]:
    """What the bot needs beyond `granted`."""
    return tuple(p for p in PERMISSIONS if not _level(granted.get(p.name)).covers(p.level))


def find_excess(granted: Mapping[str, str]) -> tuple[str, ...]:
    """What was granted and is never used, as "name: level"."""
    needed = {p.name: p.level for p in PERMISSIONS}
    return tuple(
        f"{name}: {level}"
        for name, level in sorted(granted.items())
        if not needed.get(name, AccessLevel.NONE).covers(_level(level))
    )


def find_unsubscribed(subscribed: Iterable[str]) -> tuple[AppEvent, ...]:
    """The events that the App does not get."""
    held = frozenset(subscribed)
    return tuple(event for event in EVENTS if event.name not in held)


def _level(text: str | None) -> AccessLevel:
    return AccessLevel(text) if text in tuple(AccessLevel) else AccessLevel.NONE
