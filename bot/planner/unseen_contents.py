"""Find what a service gets that compose's model does not show: contents that are variables, and AI models."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bot.planner.interpolation import read_settings
from bot.planner.yaml_nodes import YamlNode, write_yaml

_SECTIONS = ("configs", "secrets")
_ASSIGNED = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?([^\s=:#]+)[ \t]*[=:]")


def find_contents(
    model: Mapping[str, Any],
    models: Mapping[str, Sequence[YamlNode]],
    env_texts: Mapping[str, str],
    known: Mapping[str, str],
    mark: Callable[[str], str],
) -> dict[str, str]:
    """What stands for each secret and config that is a variable's value, and each AI model, by its place.

    Places are as in `model` ("secrets.token", "models.llm"); equal values stand for equal contents. `models` is what
    the files say of AI models, `known` are the variables that the fleet file sets, which count more than the env
    files; `mark` hides a value. A variable that only the node has is left out. What is made of variables changes with
    whatever is in the env files.
    """
    texts = tuple(env_texts.values())
    values = _read_values(texts) | dict(known)
    found = {
        f"{section}.{name}": values[variable]
        for section in _SECTIONS
        for name, defined in (model.get(section) or {}).items()
        if (variable := (defined or {}).get("environment")) in values
    }
    found |= {f"models.{name}": write_yaml(tuple(nodes)) for name, nodes in models.items()}
    settings = (*texts, *(f"{name}={value}" for name, value in sorted(known.items())))
    return {place: mark("\n".join((value, *settings)) if "$" in value else value) for place, value in found.items()}


def _read_values(texts: Iterable[str]) -> dict[str, str]:
    """What stands for each variable's value. Which of several counts depends on who includes whom: all of them do."""
    values: dict[str, list[str]] = {}
    for text in texts:
        lines = Counter(match[1] for match in _ASSIGNED.finditer(text))
        for name, value in dict(read_settings(text)).items():
            values.setdefault(name, []).append(text if lines[name] > 1 else value)
    return {name: "\n".join(found) for name, found in values.items()}
