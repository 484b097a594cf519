"""Settings that compose takes from its environment: on a node, and where a stack is only rendered for a plan."""

from __future__ import annotations

# A compose file that is fetched from elsewhere was never approved (docs/security.md).
_NO_REMOTE_FILES = {f"COMPOSE_EXPERIMENTAL_{kind}_REMOTE": "false" for kind in ("GIT", "OCI")}

# They decide what compose reads at all: what a stack's `.env` says of them counts for nothing, in plans as on nodes.
_SAME_FILES = {
    "COMPOSE_DISABLE_ENV_FILE": "false",
    "COMPOSE_ENV_FILES": "",
    "COMPOSE_COMPATIBILITY": "false",
}

NODE_SETTINGS = (
    _NO_REMOTE_FILES
    | _SAME_FILES
    | {
        "COMPOSE_ANSI": "never",
        "COMPOSE_PROGRESS": "plain",
        "COMPOSE_MENU": "false",
        # An attestation holds the time of the build: the same image would come out with another id.
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        # Orphans are removed when an order says so, and by name.
        "COMPOSE_REMOVE_ORPHANS": "false",
        "COMPOSE_IGNORE_ORPHANS": "true",
    }
)

RENDER_HOME = "/~"
"""The home folder while rendering, so that `~/data` and `${HOME}/data` can be shown as they were written."""

RENDER_SETTINGS = (
    _NO_REMOTE_FILES
    | _SAME_FILES
    | {
        "HOME": RENDER_HOME,
        "COMPOSE_CONVERT_WINDOWS_PATHS": "false",
        "COMPOSE_FILE": "",
        "COMPOSE_ANSI": "never",
    }
)

RENDER_RUNTIME = {"GOGC": "off", "GOMEMLIMIT": "256MiB"}
"""Compose's Go runtime while rendering: it collects no garbage until there is much, for most stacks never.

Compose interpolates from the environment in which it runs, so a stack that names one of these is rendered without.
"""
