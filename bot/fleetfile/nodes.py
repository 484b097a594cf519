"""`nodes:` of the fleet file: the machines. Pure."""

from __future__ import annotations

from enum import StrEnum

from ruamel.yaml.comments import CommentedMap

from bot.domain.names import NodeName, StackName
from bot.domain.values import StoredValue
from bot.fleetfile.fields import Choice, Each, Flag, NamedTexts, Section, Text, Texts, Variables
from bot.fleetfile.hooks import HOOKS, Hooks
from bot.fleetfile.shapes import (
    COMPOSE_FILE,
    LABEL,
    NODE_NAME,
    PRINCIPAL,
    PROFILE,
    ROOT,
    SCRIPT,
    STACK_NAME,
    VARIABLE,
)
from bot.fleetfile.yaml_lines import Reader, line_of


class Platform(StrEnum):
    """What a node runs on; decides paths and shells."""

    LINUX = "linux"
    WINDOWS = "windows"
    ANDROID = "android"


class Node(StoredValue, frozen=True):
    """One machine. `stacks` empty means every stack."""

    name: NodeName
    platform: Platform = Platform.LINUX
    labels: tuple[str, ...] = ()  # of its runner; empty: self-hosted and the node's name
    root: str = ""  # its checkout, as the node spells it; empty: the platform's default
    stacks: tuple[StackName, ...] = ()
    files: dict[StackName, tuple[str, ...]] = {}  # compose files per stack, relative to its folder
    profiles: tuple[str, ...] = ()
    variables: dict[str, str] = {}  # public: shown in plans; secrets stay on the node
    hooks: Hooks = Hooks()
    keep_edits: bool = False
    bootstrap: tuple[str, ...] = ()  # scripts of the fleet repository, run once when the machine joins
    who: tuple[
        str, ...
    ] = ()  # whom a command that changes this node is for, beside the command's own; empty: no more

    @property
    def runner_labels(self) -> tuple[str, ...]:
        """The labels that its jobs ask for."""
        return self.labels or ("self-hosted", self.name)


class _Root(Text):
    def example_for(self, fields: CommentedMap) -> str:
        return r"C:\aios-supercell" if fields.get("platform") == Platform.WINDOWS else self.example


def _check_files(reader: Reader, fields: CommentedMap, node: Node, within: str) -> None:
    for stack in node.files if node.stacks else ():
        if stack not in node.stacks:
            cure = f"add `{stack}` to its stacks, or remove the line"
            reader.problem(
                line_of(fields["files"], stack), f"{within}.files: this node does not run `{stack}`; {cure}"
            )


def _check_variables(reader: Reader, fields: CommentedMap, node: Node, within: str) -> None:
    for name in node.variables:
        if name.upper().startswith(("COMPOSE_", "DOCKER_")):
            cure = "name compose files in `files`, profiles in `profiles`, and the engine on the node itself"
            reader.problem(line_of(fields["variables"], name), f"{within}.variables.{name} steers the tools; {cure}")


NODE = Section(
    Node,
    (
        Choice("platform", "what it runs on", Platform),
        Texts("labels", "labels of its runner; left out: `self-hosted` and its name", LABEL, "self-hosted"),
        _Root("root", "its own checkout of this repository, as the node spells the path", ROOT, "/srv/aios"),
        Texts("stacks", "the stacks it runs; left out: all", STACK_NAME, "ingress"),
        NamedTexts(
            "files",
            "compose files of a stack; left out: what `docker compose` picks by itself",
            STACK_NAME,
            "ingress",
            COMPOSE_FILE,
            "docker-compose.yml",
        ),
        Texts("profiles", "compose profiles that are active on it", PROFILE, "gpu"),
        Variables(
            "variables",
            "what compose files may interpolate; public, so secrets stay on the node",
            VARIABLE,
            ("AIOS_DOMAIN", "lab.example"),
        ),
        HOOKS,
        Flag(
            "keep_edits", "whether files that were changed by hand on it may stay, as long as no deploy brings them"
        ),
        Texts(
            "bootstrap",
            "scripts of this repository that run once, in this order, when the machine joins",
            SCRIPT,
            "scripts/bootstrap.sh",
        ),
        Texts(
            "who",
            "who may change it by a command, any of the list, beside what `commands.who` asks; left out: the same",
            PRINCIPAL,
            "maintain",
        ),
    ),
    (_check_files, _check_variables),
)
NODES = Each("nodes", "the machines; a name is also the GitHub environment", NODE, "name", NODE_NAME, "HP_LAB")


def check_distinct(reader: Reader, entries: CommentedMap, nodes: tuple[Node, ...]) -> None:
    """GitHub's environments and concurrency groups do not tell upper from lower case."""
    seen: dict[str, str] = {}
    for node in nodes:
        twin = seen.setdefault(node.name.lower(), node.name)
        if twin != node.name:
            at = line_of(entries, node.name)
            reader.problem(at, f"nodes: `{node.name}` and `{twin}` differ only in case; rename one")
