"""The permissions and events that the App needs, each with its reason, and its manifest. Pure.

The set-up page, `aios-bot check`, the reference and the embedded GitHub all use this list. An acceptance test
compares it with what the bot uses: nothing is missing, and nothing is too much.
Source: GitHub's "Registering a GitHub App from a manifest" and "Choosing permissions for a GitHub App".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlencode

LONGEST_NAME = 34  # characters of an App's name
SIGNED_IN_PATH = "/sign-in/callback"
"""Where GitHub leads people back after they sign in; an App needs it among its callback URLs."""
NO_INGRESS = "https://aios-bot.invalid/webhook"
"""The webhook's address when GitHub cannot reach the bot; RFC 2606 reserves its name."""


class AccessLevel(StrEnum):
    """How much of a permission is granted; each level includes the ones before it."""

    NONE = "none"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def covers(self, other: AccessLevel) -> bool:
        """Whether this level includes `other`."""
        order = list(AccessLevel)
        return order.index(self) >= order.index(other)


class AppPermission(NamedTuple):
    """One permission. `why` completes "The bot needs this to ..."."""

    name: str
    level: AccessLevel
    why: str
    of_organizations: bool = False  # no installation in a personal account has it


class AppEvent(NamedTuple):
    """One webhook event that the App subscribes to, and the permission that GitHub requires for it."""

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
    AppPermission("merge_queues", AccessLevel.READ, "answer a merge queue, which waits for the required checks"),
    AppPermission("checks", AccessLevel.WRITE, "show the plan as a check, and wait for upstream's own checks"),
    AppPermission(
        "statuses", AccessLevel.READ, "wait for upstream's commit statuses, where the fleet file requires it"
    ),
    AppPermission("deployments", AccessLevel.WRITE, "record what is deployed on which node, and how it went"),
    AppPermission(
        "issues",
        AccessLevel.WRITE,
        "keep an issue for each node that drifted, and receive comments, which GitHub sends as issue comments",
    ),
    AppPermission(
        "members",
        AccessLevel.READ,
        "see who is in the teams that a fleet file names; of organisations only",
        of_organizations=True,
    ),
    AppPermission("actions", AccessLevel.WRITE, "start the deploy workflow on a node's runner, and see it end"),
)

EVENTS = (
    AppEvent("push", "contents", "upstream moved, or a fleet file changed"),
    AppEvent("pull_request", "pull_requests", "a pull request was merged: that is the approval"),
    AppEvent("merge_group", "merge_queues", "a merge queue waits for the checks of a group"),
    AppEvent("pull_request_review", "pull_requests", "a review was submitted that the review rules may require"),
    AppEvent("issue_comment", "issues", "somebody comments a command on a pull request"),
    AppEvent("check_run", "checks", "somebody requests the plan again, or presses one of its buttons"),
    AppEvent("check_suite", "checks", "upstream's checks are completed"),
    AppEvent("status", "statuses", "upstream's commit statuses are set"),
    AppEvent("deployment_status", "deployments", "a node reported on its deployment"),
    AppEvent("repository", "metadata", "a fleet or an upstream was renamed, transferred, archived or deleted"),
    AppEvent("member", "members", "somebody may do more or less in a repository: whose approvals count changes"),
    AppEvent("membership", "members", "somebody joined or left a team, and with it what the team may do"),
    AppEvent("organization", "members", "somebody joined or left the organisation, and with it what they may do"),
    AppEvent("workflow_run", "actions", "a deploy workflow ended, also when its node never answered"),
)


def permissions() -> dict[str, str]:
    """The permissions as GitHub writes them: name to level."""
    return {permission.name: str(permission.level) for permission in PERMISSIONS}


def events() -> list[str]:
    """The events' names."""
    return [event.name for event in EVENTS]


def compose_manifest(
    *, name: str, homepage: str, webhook_url: str, created_url: str, installed_url: str, signed_in_url: str
) -> dict[str, object]:
    """The manifest to post to GitHub. It sends the browser to `created_url`, after installing to `installed_url`.

    People who sign in to the pages come back to `signed_in_url`.
    """
    return {
        "name": name,
        "url": homepage,
        "description": "Makes a fleet of Docker Compose machines run exactly what a person approved.",
        "public": False,
        "hook_attributes": {"url": webhook_url, "active": True},
        "redirect_url": created_url,
        "setup_url": installed_url,
        "setup_on_update": False,
        "callback_urls": [signed_in_url],
        "default_permissions": permissions(),
        "default_events": events(),
    }


def registration_url(web_url: str, *, organization: str, state: str) -> str:
    """Where to post the manifest; `organization` "" registers the App for the user who posts it."""
    owner = f"organizations/{organization}/" if organization else ""
    return f"{web_url}/{owner}settings/apps/new?{urlencode({'state': state})}"


def find_lacking(granted: Mapping[str, str], *, personal: bool = False) -> tuple[AppPermission, ...]:
    """The permissions that the bot needs beyond `granted`; `personal`: that a personal account can grant."""
    needed = (p for p in PERMISSIONS if not (personal and p.of_organizations))
    return tuple(p for p in needed if not _level(granted.get(p.name)).covers(p.level))


def find_excess(granted: Mapping[str, str]) -> tuple[str, ...]:
    """The permissions that are granted and not needed, as "name: level"."""
    needed = {p.name: p.level for p in PERMISSIONS}
    return tuple(
        f"{name}: {level}"
        for name, level in sorted(granted.items())
        if not needed.get(name, AccessLevel.NONE).covers(_level(level))
    )


def find_unsubscribed(subscribed: Iterable[str]) -> tuple[AppEvent, ...]:
    """The events that the App needs and is not subscribed to."""
    held = frozenset(subscribed)
    return tuple(event for event in EVENTS if event.name not in held)


def _level(text: str | None) -> AccessLevel:
    return AccessLevel(text) if text in tuple(AccessLevel) else AccessLevel.NONE
