"""What a repository holds that matters for a fleet file, and what is proposed for it. Frozen values, pure."""

from __future__ import annotations

from bot.domain.names import BranchName, NodeName, StackName, SubmodulePath
from bot.domain.values import Value
from bot.fleetfile import Platform

WORKFLOW = ".github/workflows/deploy.yml"


class StackSurvey(Value, frozen=True):
    """One folder with compose files."""

    name: StackName
    folder: str  # inside the submodule
    files: tuple[str, ...]  # names of its compose files
    owns: tuple[str, ...] = ()  # networks that it creates, by their names in docker
    needs: tuple[str, ...] = ()  # external networks
    problem: str = ""  # why a file of it could not be read


class SubmoduleSurvey(Value, frozen=True):
    """One submodule."""

    path: SubmodulePath
    tracked: BranchName | None = None  # from .gitmodules
    glob: str = ""  # of its stack folders; "" if it has none
    stacks: tuple[StackSurvey, ...] = ()
    elsewhere: tuple[str, ...] = ()  # folders with compose files that `glob` does not match
    problem: str = ""  # why it could not be read


class Host(Value, frozen=True):
    """One machine of the host registry."""

    name: NodeName
    platform: Platform | None = None
    root: str = ""
    stacks: tuple[StackName, ...] = ()
    branch: BranchName | None = None  # that it deploys from; None: not written there


class RepositorySurvey(Value, frozen=True):
    """One repository."""

    name: str
    default_branch: BranchName
    branch: BranchName | None  # checked out; None: a commit of no branch
    bases: tuple[BranchName, ...]  # branches of the remote that pin a submodule with stacks
    submodules: tuple[SubmoduleSurvey, ...]
    hosts: tuple[Host, ...] = ()
    registry: str = ""  # the file that names them
    bootstrap: tuple[str, ...] = ()  # scripts that set a machine up
    fleet_file: str | None = None
    workflow: bool = False  # whether deploy.yml exists
    owners: str | None = None  # the text of CODEOWNERS
    own_stacks: str = ""  # glob of folders with compose files that are no submodule's; "" if there are none
    notes: tuple[str, ...] = ()

    @property
    def base(self) -> BranchName:
        """The base that the files are proposed for: the one checked out, else the default one."""
        return self.branch if self.branch is not None and self.branch in self.bases else self.default_branch


class ProposedFile(Value, frozen=True):
    """A file to write, with its whole text."""

    path: str
    text: str
    is_new: bool


class FleetProposal(Value, frozen=True):
    """The files to add or change, if any, and notes for the user."""

    files: tuple[ProposedFile, ...] = ()
    notes: tuple[str, ...] = ()
