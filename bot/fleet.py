"""Text of `.github/aios-bot.yml` in, a Fleet out; every error names its line and a cure. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.names import BranchName, NodeName, StackName, SubmodulePath
from bot.values import Value

FLEET_FILE = ".github/aios-bot.yml"


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
    root: str = ""  # its checkout, as the node spells it
    stacks: tuple[StackName, ...] = ()
    files: dict[StackName, tuple[str, ...]] = {}  # compose files per stack, relative to its folder
    profiles: tuple[str, ...] = ()
    variables: dict[str, str] = {}  # public: shown in plans; secrets stay on the node

    @property
    def runner_labels(self) -> tuple[str, ...]:
        return self.labels or ("self-hosted", self.name)


class Fleet(Value, frozen=True):
    """A fleet repository's own description of itself."""

    bases: tuple[BranchName, ...] = ()  # empty: the default branch
    submodules: tuple[Submodule, ...] = ()  # empty: every submodule of .gitmodules
    nodes: tuple[Node, ...] = ()
    labels: tuple[str, ...] = ("dependencies", "aios-bot")  # of bump pull requests
    deploy_workflow: str = "deploy.yml"
