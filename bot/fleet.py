"""Text of `.github/aios-bot.yml` in, a Fleet out; every problem names its line and a cure. Pure.

The reference of the format is `docs/reference/fleet-file.md`; a commented example is
`docs/examples/aios-bot.yml`, which the tests parse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from ruamel.yaml.comments import CommentedMap

from bot.names import BranchName, NodeName, StackName, SubmodulePath
from bot.values import Value
from bot.yaml_lines import Reader, YamlFileError, kind_of, line_of, load_mapping

FLEET_FILE = ".github/aios-bot.yml"
VERSION = 1


class Platform(StrEnum):
    """What a node runs on; decides paths and shells."""

    LINUX = "linux"
    WINDOWS = "windows"
    ANDROID = "android"


class Submodule(Value, frozen=True):
    """A submodule the bot keeps up to date."""

    path: SubmodulePath
    branch: BranchName | None = None  # None: .gitmodules' branch, else the upstream's default branch
    stacks: str = "stacks/*"  # glob of stack folders inside the submodule
    order: tuple[StackName, ...] = ()  # deployed first, in this order; the others after, by name
    wait_for_checks: bool = False


class Node(Value, frozen=True):
    """One machine. `stacks` empty means every stack."""

    name: NodeName
    platform: Platform = Platform.LINUX
    labels: tuple[str, ...] = ()  # of its runner; empty: self-hosted and the node's name
    root: str = ""  # its checkout, as the node spells it; empty: the platform's default
    stacks: tuple[StackName, ...] = ()
    files: dict[StackName, tuple[str, ...]] = {}  # compose files per stack, relative to its folder
    profiles: tuple[str, ...] = ()
    variables: dict[str, str] = {}  # public: shown in plans; secrets stay on the node

    @property
    def runner_labels(self) -> tuple[str, ...]:
        """The labels that its jobs ask for."""
        return self.labels or ("self-hosted", self.name)


class Fleet(Value, frozen=True):
    """A fleet repository's own description of itself."""

    bases: tuple[BranchName, ...] = ()  # empty: the default branch
    submodules: tuple[Submodule, ...] = ()  # empty: every submodule of .gitmodules
    nodes: tuple[Node, ...] = ()
    labels: tuple[str, ...] = ("dependencies", "aios-bot")  # of bump pull requests
    deploy_workflow: str = "deploy.yml"


_T = TypeVar("_T")
_NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL = re.compile(r"[^,\x00-\x1f]{1,50}")
_WORKFLOW = re.compile(r"[A-Za-z0-9._-]+\.ya?ml")
_PATH = re.compile(r"(?!/)(?!.*(?:^|/)\.{1,2}(?:/|$))(?!.*//)[^\\\x00-\x1f:]{1,200}(?<!/)")
_ROOT = re.compile(r"(?:/|~/|[A-Za-z]:[\\/])[^\x00-\x1f\"<>|?*]{0,250}")
_FILE = re.compile(r"(?!/)[^\\\x00-\x1f:]{1,200}(?<!/)")
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_BRANCH = re.compile(r"(?!/)(?!.*(?:\.\.|//|@\{|\.lock$))[^\s~^:?*\[\\\x00-\x1f\x7f]{1,200}(?<![/.])")


def parse_fleet(text: str, *, path: str = FLEET_FILE) -> Fleet:
    """The Fleet that `text` describes, or YamlFileError with every problem found. An empty text is all defaults."""
    document = load_mapping(text, path=path)
    reader = Reader()
    fleet = _read_fleet(reader, document)
    if reader.problems:
        raise YamlFileError(tuple(sorted(set(reader.problems))), path=path)
    return fleet


_FLEET_FIELDS = {
    "version": "format of the file",
    "bases": "branches whose pins are kept up to date",
    "labels": "labels of the pull requests",
    "deploy": "how merges are deployed",
    "submodules": "what is bumped",
    "nodes": "the machines",
}
_DEPLOY_FIELDS = {"workflow": "file name of the workflow"}
_SUBMODULE_FIELDS = {
    "branch": "tracked upstream branch",
    "stacks": "glob of stack folders",
    "order": "stacks deployed first",
    "wait_for_checks": "wait until upstream's checks are green",
}
_NODE_FIELDS = {
    "platform": "linux, windows or android",
    "labels": "labels of its runner",
    "root": "its checkout",
    "stacks": "its stacks",
    "files": "compose files per stack",
    "profiles": "compose profiles",
    "variables": "public variables",
}


def _read_fleet(reader: Reader, document: CommentedMap) -> Fleet:
    top = reader.mapping(document, 1, "the fleet file", _FLEET_FIELDS)
    if "version" in top and (top["version"] != VERSION or isinstance(top["version"], bool)):
        reader.problem(line_of(top, "version"), f"version must be {VERSION}; this bot knows no other")
    deploy = reader.read_mapping(top, "deploy", "", _DEPLOY_FIELDS)
    labels = reader.read_texts(top, "labels", "", _LABEL, "dependencies")
    bases = reader.read_texts(top, "bases", "", _BRANCH, "main")
    defaults = Fleet()
    return Fleet(
        bases=tuple(BranchName(base) for base in bases),
        submodules=_read_each(reader, top, "submodules", _read_submodule),
        nodes=_distinct_nodes(reader, top, _read_each(reader, top, "nodes", _read_node)),
        labels=labels if "labels" in top else defaults.labels,
        deploy_workflow=reader.read_text(deploy, "workflow", "deploy", _WORKFLOW, "deploy.yml")
        or defaults.deploy_workflow,
    )


def _read_each(
    reader: Reader, top: CommentedMap, field: str, read: Callable[[Reader, CommentedMap, str], _T | None]
) -> tuple[_T, ...]:
    entries = reader.read_mapping(top, field, "")
    found = (read(reader, entries, name) for name in entries if isinstance(name, str))
    return tuple(item for item in found if item is not None)


def _distinct_nodes(reader: Reader, top: CommentedMap, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    # GitHub's environments and concurrency groups do not tell upper from lower case.
    seen: dict[str, str] = {}
    for node in nodes:
        twin = seen.setdefault(node.name.lower(), node.name)
        if twin != node.name:
            at = line_of(top["nodes"], node.name)
            reader.problem(at, f"nodes: `{node.name}` and `{twin}` differ only in case; rename one")
    return nodes


def _read_submodule(reader: Reader, entries: CommentedMap, name: str) -> Submodule | None:
    within = f"submodules.{name}"
    fields = reader.read_mapping(entries, name, "submodules", _SUBMODULE_FIELDS)
    if reader.text(name, line_of(entries, name), "submodules: the path", _PATH, "server") is None:
        return None
    branch = reader.read_text(fields, "branch", within, _BRANCH, "main")
    order = reader.read_texts(fields, "order", within, _STACK_NAME, "ingress")
    return Submodule(
        path=SubmodulePath(name),
        branch=BranchName(branch) if branch else None,
        stacks=reader.read_text(fields, "stacks", within, _PATH, "stacks/*") or "stacks/*",
        order=tuple(StackName(stack) for stack in order),
        wait_for_checks=reader.read_boolean(fields, "wait_for_checks", within),
    )


def _read_node(reader: Reader, entries: CommentedMap, name: str) -> Node | None:
    within = f"nodes.{name}"
    fields = reader.read_mapping(entries, name, "nodes", _NODE_FIELDS)
    if reader.text(name, line_of(entries, name), "nodes: the name", _NODE_NAME, "HP_LAB") is None:
        return None
    platform = _read_platform(reader, fields, within)
    root_example = r"C:\aios-supercell" if platform is Platform.WINDOWS else "/srv/aios"
    stacks = reader.read_texts(fields, "stacks", within, _STACK_NAME, "ingress")
    return Node(
        name=NodeName(name),
        platform=platform,
        labels=reader.read_texts(fields, "labels", within, _LABEL, "self-hosted"),
        root=reader.read_text(fields, "root", within, _ROOT, root_example) or "",
        stacks=tuple(StackName(stack) for stack in stacks),
        files=_read_files(reader, fields, within),
        profiles=reader.read_texts(fields, "profiles", within, _PROFILE, "gpu"),
        variables=_read_variables(reader, fields, within),
    )


def _read_platform(reader: Reader, fields: CommentedMap, within: str) -> Platform:
    value = fields.get("platform", Platform.LINUX)
    if value not in tuple(Platform):
        known = ", ".join(Platform)
        reader.problem(line_of(fields, "platform"), f"{within}.platform must be one of {known}")
        return Platform.LINUX
    return Platform(value)


def _read_files(reader: Reader, fields: CommentedMap, within: str) -> dict[StackName, tuple[str, ...]]:
    files = reader.read_mapping(fields, "files", within)
    found = {}
    for stack in (name for name in files if isinstance(name, str)):
        at = line_of(files, stack)
        if reader.text(stack, at, f"{within}.files", _STACK_NAME, "ingress") is None:
            continue
        names = reader.read_texts(files, stack, f"{within}.files", _FILE, "docker-compose.yml")
        if not names and files[stack] in (None, []):
            reader.problem(at, f"{within}.files.{stack}: name at least one compose file, or leave the line out")
        found[StackName(stack)] = names
    return found


def _read_variables(reader: Reader, fields: CommentedMap, within: str) -> dict[str, str]:
    variables = reader.read_mapping(fields, "variables", within)
    found = {}
    for name in (name for name in variables if isinstance(name, str)):
        value, at = variables[name], line_of(variables, name)
        if not _VARIABLE.fullmatch(name):
            reader.problem(at, f"{within}.variables: {name[:60]!r} is no variable name; use letters, digits and _")
        elif isinstance(value, bool) or not isinstance(value, str | int | float):
            reader.problem(at, f"{within}.variables.{name} must be text, not {kind_of(value)}")
        else:
            found[name] = str(value)
    return found
