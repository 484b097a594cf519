"""Parse a host registry that was written for other purposes, for what a fleet file can use. Pure.

There is no standard for such a file: names, platforms, paths and stacks are taken from fields with the usual names.
Addresses, users and everything else are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bot.domain.names import NodeName, StackName
from bot.fleetfile import Platform
from bot.fleetfile.shapes import NODE_NAME, ROOT, STACK_NAME
from bot.fleetfile.yaml_lines import YamlFileError, load_mapping
from bot.onboarding.survey.facts import Host
from bot.onboarding.survey.stacks import platform_of_words

PLACES = ("config/hosts.yaml", "config/hosts.yml", "hosts.yaml", "hosts.yml", "config/nodes.yaml")
_LISTS = ("hosts", "nodes", "machines", "registry")
_NAMES = ("name", "hostname", "host", "id")
_PLATFORMS = ("platform", "os", "system", "type", "kind", "description")
_ROOTS = ("root", "checkout", "repo_path", "repo_root", "workspace", "path", "aios_root", "paths")
_STACKS = ("stacks", "services", "roles")


def parse_hosts(text: str, *, path: str, known: frozenset[StackName]) -> tuple[tuple[Host, ...], tuple[str, ...]]:
    """The machines that the registry names, and notes for the user. `known` are the stacks that exist."""
    try:
        document = load_mapping(text, path=path)
    except YamlFileError as problem:
        return (), (f"{str(problem).splitlines()[0]}: no machine is taken from this file",)
    found: dict[str, Host] = {}
    notes = []
    for given, fields in _entries(document):
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", given).strip("-._")[:63]
        if not NODE_NAME.pattern.fullmatch(name):
            notes.append(f"{path}: {given[:60]!r} cannot be a node's name")
        elif name.lower() in (other.lower() for other in found):
            notes.append(f"{path}: {given[:60]!r} occurs twice; the first is taken")
        else:
            found[name] = _host(NodeName(name), fields, known)
    if not found:
        notes.append(f"no machine can be read from {path}")
    return tuple(found.values()), tuple(notes)


def _entries(document: Mapping[object, object]) -> Iterator[tuple[str, Mapping[object, object]]]:
    listed = next((document[key] for key in _LISTS if key in document), None)
    if isinstance(listed, list):
        for item in listed:
            if isinstance(item, str):
                yield item, {}
            elif isinstance(item, Mapping):
                name = _text(item, _NAMES)
                if name:
                    yield name, item
        return
    machines = listed if isinstance(listed, Mapping) else document
    for key, fields in machines.items():
        if isinstance(fields, Mapping):
            yield str(key), fields
        elif fields is None and listed is not None:
            yield str(key), {}


def _text(fields: Mapping[object, object], names: tuple[str, ...]) -> str:
    return next((str(fields[name]) for name in names if isinstance(fields.get(name), str)), "")


def _host(name: NodeName, fields: Mapping[object, object], known: frozenset[StackName]) -> Host:
    platform: Platform | None = None
    for key in _PLATFORMS:
        value = fields.get(key)
        words = " ".join(str(v) for v in value.values()) if isinstance(value, Mapping) else str(value or "")
        platform = platform or platform_of_words(words)
    stacks: list[StackName] = []
    for key in _STACKS:
        value = fields.get(key)
        names = [str(item) for item in value] if isinstance(value, list | Mapping) else []
        stacks = stacks or [StackName(n) for n in names if n in known and STACK_NAME.pattern.fullmatch(n)]
    return Host(name=name, platform=platform, root=_root(fields, platform), stacks=tuple(stacks))


def _root(fields: Mapping[object, object], platform: Platform | None) -> str:
    for key in _ROOTS:
        value = fields.get(key)
        if isinstance(value, Mapping):
            value = _text(value, _ROOTS)
        if isinstance(value, str) and ROOT.pattern.fullmatch(value):
            windows = bool(re.match(r"[A-Za-z]:", value))
            if platform is None or windows == (platform is Platform.WINDOWS):
                return value
    return ""
