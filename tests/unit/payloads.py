"""Webhook payloads as GitHub sends them, cut to what matters; a test states only its difference."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
REPOSITORY = {
    "id": 1296269,
    "full_name": "acme/server",
    "name": "server",
    "private": False,
    "default_branch": "main",
    "owner": {"login": "acme", "id": 1, "type": "Organization"},
}
COMMON: dict[str, Any] = {
    "repository": REPOSITORY,
    "installation": {"id": 7, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uNw=="},
    "sender": {"login": "someone", "id": 2, "type": "User"},
}

# event name -> a delivery that the bot uses
EXAMPLES: dict[str, dict[str, Any]] = {
    "push": {"ref": "refs/heads/main", "before": "0" * 40, "after": SHA, "commits": [], "forced": False},
    "pull_request": {
        "action": "closed",
        "number": 3,
        "pull_request": {
            "number": 3,
            "merged": True,
            "base": {"ref": "main", "sha": SHA, "repo": REPOSITORY},
            "head": {"ref": "aios-bot/main/server", "sha": SHA, "repo": None},
        },
    },
    "check_suite": {"action": "completed", "check_suite": {"id": 1, "head_sha": SHA, "conclusion": "success"}},
    "check_run": {"action": "rerequested", "check_run": {"id": 1, "head_sha": SHA}},
    "status": {"sha": SHA, "state": "success", "context": "ci"},
    "deployment_status": {
        "action": "created",
        "deployment_status": {"id": 2, "state": "success"},
        "deployment": {"id": 42, "ref": SHA, "payload": {}},
    },
    "workflow_run": {"action": "completed", "workflow_run": {"id": 30433642, "conclusion": "failure"}},
    "installation": {"action": "created", "repository": None},
    "installation_repositories": {"action": "added", "repository": None},
    "ping": {"zen": "Design for failure.", "hook_id": 109948940},
}


def payload(name: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The example of event `name`, with `changes` merged in (a value of ... removes the field)."""
    whole = copy.deepcopy({**COMMON, **EXAMPLES.get(name, {})})
    _merge(whole, changes or {})
    return whole


def _merge(into: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if value is ...:
            into.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
