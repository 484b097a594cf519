"""Parse what a survey meets in a repository: compose files, and a host registry. Pure.

Of compose files: which belong together, and which networks connect them. This is an estimate for a proposal and
tolerates everything; what really runs is rendered by compose itself.

For a host registry, written for other purposes, there is no standard: names, platforms, paths and stacks are taken
from fields with the usual names. Addresses, users and everything else are ignored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from bot.domain.names import BranchName, NodeName, StackName
from bot.fleetfile import Platform
from bot.fleetfile.problems import YamlFileError
from bot.fleetfile.shapes import NODE_NAME, ROOT, STACK_NAME
from bot.fleetfile.yaml_lines import load_mapping
from bot.onboarding.survey.facts import Host, StackSurvey

_COMPOSE = re.compile(r"(?:docker-)?compose(?:\.(?P<suffix>[A-Za-z0-9._-]+))?\.ya?ml")
_PLATFORM_WORDS = {
    Platform.WINDOWS: ("windows", "win", "wsl", "wsl2", "win11"),
    Platform.LINUX: ("linux", "ubuntu", "debian"),
    Platform.ANDROID: ("android", "termux"),
}
DEFAULTS = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""The files compose uses by default, in its order of preference (compose-go cli/options.go)."""
PLACES = ("config/hosts.yaml", "config/hosts.yml", "hosts.yaml", "hosts.yml", "config/nodes.yaml")
_LISTS = ("hosts", "nodes", "machines", "registry")
_NAMES = ("name", "hostname", "host", "id")
_PLATFORMS = ("platform", "os", "system", "type", "kind", "description")
_ROOTS = ("root", "checkout", "repo_path", "repo_root", "workspace", "path", "aios_root", "paths")
_STACKS = ("stacks", "services", "roles")
_BRANCHES = ("branch", "git_branch", "base")


def is_compose_file(name: str) -> bool:
    """Whether a file of this name is a compose file, or an overlay of one."""
    return _COMPOSE.fullmatch(name) is not None


def find_glob(paths: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """The glob that matches most folders with compose files, and the folders that it does not match."""
    folders = {str(PurePosixPath(path).parent) for path in paths if is_compose_file(PurePosixPath(path).name)}
    folders.discard(".")
    parents = Counter(str(PurePosixPath(folder).parent) for folder in folders)
    if not parents:
        return "", ()
    # The one with most folders; then the one nearest to the top; then the first by name.
    best = min(parents, key=lambda parent: (-parents[parent], parent.count("/"), parent))
    missed = sorted(folder for folder in folders if str(PurePosixPath(folder).parent) != best)
    return ("*" if best == "." else f"{best}/*"), tuple(missed)


def read_stack(folder: str, files: Mapping[str, str]) -> StackSurvey:
    """The stack in `folder` from the texts of its compose files, by their names."""
    name = StackName(PurePosixPath(folder).name)
    owns: dict[str, None] = {}
    needs: dict[str, None] = {}
    problem = ""
    for file in order_files(files):
        try:
            document = load_mapping(files[file], path=f"{folder}/{file}")
        except YamlFileError as error:
            problem = problem or str(error).split("\n")[0]
            continue
        project = str(document.get("name") or name).lower()
        networks = document.get("networks")
        for key, network in networks.items() if isinstance(networks, Mapping) else ():
            fields = network if isinstance(network, Mapping) else {}
            external = fields.get("external")
            given = fields.get("name") or (external.get("name") if isinstance(external, Mapping) else None)
            if external:
                needs[str(given or key)] = None
            else:
                owns[str(given or f"{project}_{key}")] = None
    return StackSurvey(
        name=name,
        folder=folder,
        files=tuple(order_files(files)),
        owns=tuple(owns),
        needs=tuple(network for network in needs if network not in owns),
        problem=problem,
    )


def order_files(names: Iterable[str]) -> list[str]:
    """Compose files in order: compose's defaults, the override, then overlays by name."""
    rank = {name: index for index, name in enumerate(DEFAULTS)}

    def key(name: str) -> tuple[int, str]:
        return (rank.get(name, len(rank) + (0 if _suffix(name) == "override" else 1)), name)

    return sorted(names, key=key)


def _suffix(name: str) -> str:
    found = _COMPOSE.fullmatch(name)
    return (found["suffix"] or "").lower() if found else ""


def platform_of_overlay(name: str) -> Platform | None:
    """The platform that an overlay such as docker-compose.windows.yml is for."""
    suffix = _suffix(name)
    return next((platform for platform, words in _PLATFORM_WORDS.items() if suffix in words), None)


def platform_of_words(text: str) -> Platform | None:
    """The platform that a text names, such as "Windows 11 Pro" or "Termux"."""
    words = re.findall(r"[a-z]+", text.lower())
    for platform in (Platform.ANDROID, Platform.LINUX, Platform.WINDOWS):
        if any(word in _PLATFORM_WORDS[platform] for word in words):
            return platform
    return None


def files_for(stack: StackSurvey, platform: Platform) -> tuple[str, ...]:
    """The files to pass to compose on a node of `platform`; empty: compose's default ones."""
    overlays = [name for name in stack.files if platform_of_overlay(name) is platform]
    base = next((name for name in stack.files if name in DEFAULTS), None)
    if base is None:
        return tuple(overlays) or tuple(stack.files[:1])
    if not overlays:
        return ()
    override = [name for name in stack.files if _suffix(name) == "override"]
    return (base, *override, *overlays)


def order_stacks(stacks: Sequence[StackSurvey]) -> tuple[StackName, ...]:
    """Stacks that create networks before those that need them; empty if none depends on another."""
    owner = {network: stack.name for stack in stacks for network in stack.owns}
    before = {s.name: {owner[n] for n in s.needs if owner.get(n, s.name) != s.name} for s in stacks}
    if not any(before.values()):
        return ()
    ordered: list[StackName] = []
    waiting = sorted(before)
    while waiting:
        ready = [name for name in waiting if before[name] <= set(ordered)] or waiting[
            :1
        ]  # a cycle: any may come first
        ordered.append(ready[0])
        waiting.remove(ready[0])
    involved = {name for names in before.values() for name in names} | {
        name for name, names in before.items() if names
    }
    return tuple(name for name in ordered if name in involved)


def unowned_networks(stacks: Sequence[StackSurvey]) -> dict[str, list[StackName]]:
    """External networks that no stack creates, and the stacks that need them."""
    owned = {network for stack in stacks for network in stack.owns}
    found: dict[str, list[StackName]] = {}
    for stack in stacks:
        for network in stack.needs:
            if network not in owned:
                found.setdefault(network, []).append(stack.name)
    return found


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
    branch = _text(fields, _BRANCHES)
    return Host(
        name=name,
        platform=platform,
        root=_root(fields, platform),
        stacks=tuple(stacks),
        branch=BranchName(branch) if branch else None,
    )


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
