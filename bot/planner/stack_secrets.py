"""Find what a stack's env files hold and no text of its plan may show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.planner.compose_files import ComposeInputs
from bot.planner.exits import names_of
from bot.planner.interpolation import read_settings
from bot.planner.source_map import SourceMap, find_put_into_names
from bot.redaction.redact import LONG_SECRET, KnownSecrets, known_from

_PATH = re.compile(
    r"[a-z0-9._-]{1,64}(?:[/:][a-z0-9._-]{1,64}){1,8}"
)  # of an image or a file, and no generated secret
_MIN_PUT = 4  # characters; a shorter one would take words out of ordinary text


def find_secrets(
    model: dict[str, Any], source_map: SourceMap, inputs: ComposeInputs, known: dict[str, str]
) -> KnownSecrets:
    """What the stack's env files hold and no text of the plan may show. `known`: variables that the fleet sets."""
    every = known_from(inputs.settings(), environment=_from_env_files(model, source_map, inputs, known))
    return without_names(every, model, put_into_names(inputs))


def put_into_names(inputs: ComposeInputs) -> frozenset[str]:
    """The secret values that compose puts into images, names and paths, because the stack's files say so."""
    texts = tuple(inputs.interpolated_from.values())
    names = find_put_into_names(inputs.main, texts)
    known = known_from(pair for text in texts for pair in read_settings(text) if pair[0] in names)
    return frozenset(value for value in known.everywhere if len(value) >= _MIN_PUT)


def without_names(secrets: KnownSecrets, model: Mapping[str, Any], put: frozenset[str]) -> KnownSecrets:
    """`secrets` but for values that are also names of the model: of a service, an image, a network, a path.

    What stands in clear as a name cannot be kept by hiding it, and hiding it would make the plan unreadable. Under
    a secret's own name (`POSTGRES_PASSWORD`) the value is hidden all the same. One that a variable `put` there is no
    such coincidence, nor is a long one: these are hidden there too.
    """
    names = frozenset(name for name in names_of(model) if len(name) < LONG_SECRET or _PATH.fullmatch(name))
    return KnownSecrets(
        environment=secrets.environment,
        everywhere=(secrets.everywhere - names) | put,
        in_free_text=secrets.in_free_text - names,
        in_names=put,
    )


def _from_env_files(
    model: dict[str, Any], source_map: SourceMap, inputs: ComposeInputs, known: dict[str, str]
) -> set[tuple[str, str]]:
    """The (service, variable) whose value no compose file wrote, so that an env_file must have."""
    if not inputs.passed_on:
        return set()
    passed = {name for text in inputs.passed_on.values() for name, _ in read_settings(text)}
    elsewhere = {*known, *(name for text in inputs.interpolated_from.values() for name, _ in read_settings(text))}
    return {
        (service, name)
        for service, body in (model.get("services") or {}).items()
        for name in body.get("environment") or {}
        if f"services.{service}.environment.{name}" not in source_map.written
        and (name in passed or name not in elsewhere)
    }
