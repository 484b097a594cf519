"""The environment in which compose renders a stack: what is certain, and something in the place of what is not."""

from __future__ import annotations

from collections.abc import Callable

from bot.engine.environment import RENDER_RUNTIME, RENDER_SETTINGS
from bot.engine.setting_names import rename_setting
from bot.planner.compose_files import ComposeGroup, ComposeInputs
from bot.planner.interpolation import read_settings


def find_given(inputs: ComposeInputs, known: dict[str, str]) -> set[str]:
    """The variables that the fleet file (`known`) or the stack's own env files set."""
    return {*known, *(name for text in inputs.interpolated_from.values() for name, _ in read_settings(text))}


def make_environment(
    inputs: ComposeInputs, known: dict[str, str], find: Callable[[ComposeGroup, set[str]], dict[str, str]]
) -> dict[str, str]:
    """Made from nothing. What only the node has is given the value that `find` finds for it."""
    placeholders = find(inputs.main, find_given(inputs, known))
    named = any(name.encode() in content.upper() for content in inputs.files.values() for name in RENDER_RUNTIME)
    return (
        ({} if named else RENDER_RUNTIME)
        | {rename_setting(name): value for name, value in placeholders.items()}
        | RENDER_SETTINGS
        | {n: v for n, v in known.items() if n not in RENDER_SETTINGS}
    )
