"""The reference page of the App's permissions and events."""

from __future__ import annotations

from bot.github.manifest import EVENTS, PERMISSIONS

_HEAD = """\
# Permissions and events of the App

Made from the code by `make docs`. An App that was registered before one of these was added lacks it until its owner
adds it in the App's settings and accepts it for the installation; `aios-bot check` and the set-up page name what is
missing, and what does not work without it.

## Permissions

| permission | level | needed to |
|---|---|---|
"""

_EVENTS = """
## Events

| event | comes with | says |
|---|---|---|
"""

_FOOT = """
Every App hears of `installation`, `installation_repositories`, `installation_target` and `github_app_authorization`.
The events of permission `members` are not sent about personal accounts. `branch_protection_rule` and
`repository_ruleset` need the permission `administration`, which the App does not ask for: the rules of a branch are
read whenever something is decided by them.
"""


def render_rights() -> str:
    """docs/reference/github-rights.md."""
    permissions = [f"| `{one.name}` | {one.level} | {one.why} |" for one in PERMISSIONS]
    events = [f"| `{one.name}` | `{one.permission}` | {one.why} |" for one in EVENTS]
    return _HEAD + "\n".join(permissions) + "\n" + _EVENTS + "\n".join(events) + "\n" + _FOOT
