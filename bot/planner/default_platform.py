"""Give services that are built the platform that the stack's `.env` sets for builds: `config` does not show it.

`up` puts DOCKER_DEFAULT_PLATFORM into each service with a build that names none itself, before it hashes them
(docker/compose v2.40.3 pkg/compose/build.go: applyPlatforms; 5.6.1 does the same).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.planner.dotenv import read_dotenv

SETTING = "DOCKER_DEFAULT_PLATFORM"


def add_default_platform(model: dict[str, Any], dotenv: str, known: Mapping[str, str]) -> None:
    """Complete the services of `model`. `dotenv` is the text of the `.env` in the folder in which compose runs.

    A value that is made of what only the node has is left out.
    """
    platform = read_dotenv(dotenv, known).get(SETTING)
    for service in (model.get("services") or {}).values() if platform else ():
        if service.get("build") and not service.get("platform"):
            service["platform"] = platform
