"""Find what secrets and configs hold that are the value of a variable: compose names the variable and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.planner.interpolation import read_settings

_SECTIONS = ("configs", "secrets")


def find_variable_contents(
    model: Mapping[str, Any], env_texts: Iterable[str], known: Mapping[str, str], mark: Callable[[str], str]
) -> dict[str, str]:
    """What stands for the content of each, by its place in `model` ("secrets.token"): equal where the content is.

    `known` are the variables that the fleet file sets, which count more than the env files; `mark` hides a value. A
    variable that only the node has is left out. One that is made of others changes with whatever is in these files.
    """
    texts = tuple(env_texts)
    values = dict(pair for text in texts for pair in read_settings(text)) | dict(known)
    found = {
        f"{section}.{name}": values[variable]
        for section in _SECTIONS
        for name, defined in (model.get(section) or {}).items()
        if (variable := (defined or {}).get("environment")) in values
    }
    return {place: mark("\n".join((value, *texts)) if "$" in value else value) for place, value in found.items()}
