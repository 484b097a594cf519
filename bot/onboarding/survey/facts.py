"""What a repository holds, as far as a fleet file needs it. Frozen values, pure."""

from __future__ import annotations

from bot.domain.names import BranchName, NodeName, StackName, SubmodulePath
from bot.domain.values import Value
from bot.fleetfile import Platform

WORKFLOW = ".github/workflows/deploy.yml"


class Stack(Value, frozen=True):
    """One folder with compose files."""

    name: StackName
    folder: str  # inside the submodule
    files: tuple[str, ...]  # names of its compose files
    owns: tuple[str, ...] = ()  # networks that it makes, by the names that docker knows
    needs: tuple[str, ...] = ()  # external networks
    problem: str = ""  # why a file of it could not be read


class Surveyed(Value, frozen=True):
    """One submodule."""

    path: SubmodulePath
    tracked: BranchName | None = None  # as .gitmodules has it
    glob: str = ""  # of its stack folders; "" when it holds none
    stacks: tuple[Stack, ...] = ()
    elsewhere: tuple[str, ...] = ()  # folders with compose files that `glob` does not reach
    problem: str = ""  # why it could not be looked at


class Host(Value, frozen=True):
    """One machine of the host registry."""

    name: NodeName
    platform: Platform | None = None
    root: str = ""
    stacks: tuple[StackName, ...] = ()


class Repository(Value, frozen=True):
    """The repository."""

    name: str
    default_branch: BranchName
    bases: tuple[BranchName, ...]  # branches of the remote that pin a submodule with stacks
    submodules: tuple[Surveyed, ...]
    hosts: tuple[Host, ...] = ()
    registry: str = ""  # where they come from
    bootstrap: tuple[str, ...] = ()  # scripts that set a machine up
    fleet_file: str | None = None
    workflow: bool = False  # whether deploy.yml is there
    owners: str | None = None  # CODEOWNERS
    notes: tuple[str, ...] = ()


class ProposedFile(Value, frozen=True):
    """A file to write, whole."""

    path: str
    text: str
    is_new: bool


class Proposed(Value, frozen=True):
    """What is proposed; without files everything is there already."""

    files: tuple[ProposedFile, ...] = ()
    notes: tuple[str, ...] = ()
