"""Give the settings of the tools other names for rendering, so that a stack's own files configure no tool."""

from __future__ import annotations

import re

from bot.domain.tool_settings import TOOL_SETTINGS

_SETTING = "AIOS_BOT_SETTING_"
_TOOL_NAMES = "|".join(sorted(TOOL_SETTINGS - {"COMPOSE_PROJECT_NAME", "DOCKER_DEFAULT_PLATFORM"}))
_TOOL_NAME = re.compile(_TOOL_NAMES)
_TOOL_USE = re.compile(rf"(?<!\$)((?:\$\$)*\$\{{?)({_TOOL_NAMES})(?![A-Za-z0-9_])")
_TOOL_LINE = re.compile(rf"(?m)^([ \t]*(?:export[ \t]+)?)({_TOOL_NAMES})(?=[ \t]*[=:])")


def rename_setting(name: str) -> str:
    """A variable's name for rendering: a tool's setting gets one that no tool knows."""
    return f"{_SETTING}{name}" if _TOOL_NAME.fullmatch(name) else name


def rename_uses(text: str) -> str:
    """`text` with each use of a tool's setting under a name that no tool knows.

    So a stack may use `DOCKER_HOST` for its own containers, while the compose that renders it is not configured.
    """
    return _TOOL_USE.sub(rf"\1{_SETTING}\2", text) if "$" in text else text


def rename_settings(env_text: str) -> str:
    """The text of an env file with each setting of a tool, and each use of one, under the same other name."""
    return rename_uses(_TOOL_LINE.sub(rf"\1{_SETTING}\2", env_text))
