"""What a folder holds before a migration, and the steps of the migration. Frozen values, pure."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import BranchName, CommitSha
from bot.domain.values import Value


class MigrationRequest(Value, frozen=True):
    """The options of `aios-bot fleet migrate`. None: take what the folder says, or leave it out."""

    root: str  # absolute
    submodule: str = "server"
    url: str | None = None  # of the submodule; None: the origin of what lies there
    remote: str | None = None  # of the repository; None: the one it has
    branch: BranchName = BranchName("main")  # of a new repository
    tracked: BranchName | None = None  # branch of the submodule; None: the one it is on, else main
    push: bool = True


class ServerKind(StrEnum):
    """What is at the path where the submodule belongs."""

    ABSENT = "absent"
    LINK = "link"  # a symlink or junction to a checkout elsewhere
    FOLDER = "folder"  # files without a git directory
    REPOSITORY = "repository"  # a clone with its own git directory
    SUBMODULE = "submodule"  # checked out, its git directory kept by the parent
    OTHER = "other"  # a file or a dead link, which cannot be migrated


class ServerFacts(Value, frozen=True):
    """What is known of the submodule's path."""

    kind: ServerKind
    url: str | None = None  # of its origin, without credentials
    local: str = ""  # its origin where that is a folder of this machine, which nobody else can read
    branch: BranchName | None = None  # checked out there
    target: str = ""  # of a link, absolute
    head: CommitSha | None = None  # checked out; of a FOLDER: the commit whose files are most alike
    differing: int = 0  # files of a FOLDER that differ from `head`
    shared: bool = True  # whether the remote has `head`
    remote_problem: str = ""  # why the remote could not be read
    obstacles: tuple[str, ...] = ()  # what prevents the migration, each with its cure
    pin: CommitSha | None = None  # in the parent's index
    stanza: bool = False  # whether .gitmodules names it
    leftover: bool = False  # .git/modules has a git directory of an earlier submodule
    bytes_needed: int = 0  # to copy the target of a link
    bytes_free: int = 0


class Document(Value, frozen=True):
    """A document at the top that moves into docs/."""

    name: str
    goes_to: str
    tracked: bool


class Workspace(Value, frozen=True):
    """A VS Code workspace file that has to change: its new text, or why it is left unchanged."""

    name: str
    text: str = ""
    problem: str = ""


class FolderFacts(Value, frozen=True):
    """What is known of the folder."""

    name: str  # of the repository that it becomes
    is_repository: bool
    ours: bool  # a migration was interrupted here
    whole: bool  # no commit yet: the first one takes everything
    branch: BranchName | None
    identity: bool  # git has a name and an address for commits
    obstacles: tuple[str, ...]
    server: ServerFacts
    origin: str | None
    documents: tuple[Document, ...]
    stays: tuple[str, ...]  # documents at the top that are links, which a move would break
    ignored_lines: tuple[str, ...]  # that .gitignore still lacks
    left_out: tuple[tuple[str, str], ...]  # path, and why it must not be committed
    staged: tuple[str, ...]  # those of them that are staged
    old: tuple[str, ...]  # earlier paths of the submodule's content, as a workspace file may spell them
    workspaces: tuple[Workspace, ...]  # those that have to change
    uncommitted: bool  # whether an interrupted run left changes to commit
    to_push: bool  # whether the remote's branch is behind HEAD
    remote_problem: str = ""


class MigrationStep(Value, frozen=True):
    """One step; `details` are the lines shown below its title."""

    title: str
    details: tuple[str, ...] = ()


class InitRepository(MigrationStep, frozen=True, tag="initialise"):
    """`git init`."""

    branch: BranchName = BranchName("main")


class SetRemote(MigrationStep, frozen=True, tag="remote"):
    """`git remote add origin`."""

    url: str = ""


class MoveDocuments(MigrationStep, frozen=True, tag="documents"):
    """Move documents into docs/."""

    documents: tuple[Document, ...] = ()


class WriteIgnore(MigrationStep, frozen=True, tag="ignore"):
    """Add lines to .gitignore."""

    lines: tuple[str, ...] = ()


class PlaceServer(MigrationStep, frozen=True, tag="server"):
    """Put a separate clone at the submodule's path, with every file that was there."""

    kind: ServerKind = ServerKind.ABSENT
    url: str = ""
    branch: BranchName = BranchName("main")
    head: CommitSha | None = None
    target: str = ""


class RegisterSubmodule(MigrationStep, frozen=True, tag="register"):
    """Make that clone a submodule: .gitmodules, the pin, and its git directory moved below the parent's.

    `pin` is the one the index already has; None: the commit that is checked out.
    """

    url: str = ""
    branch: BranchName = BranchName("main")
    pin: CommitSha | None = None


class WriteWorkspace(MigrationStep, frozen=True, tag="workspace"):
    """Rewrite the workspace file."""

    name: str = ""
    text: str = ""


class CommitChanges(MigrationStep, frozen=True, tag="commit"):
    """Commit everything in a new repository, otherwise only what the other steps changed."""

    message: str = ""
    everything: bool = False
    without: tuple[str, ...] = ()  # staged paths that must not be committed


class PushBranch(MigrationStep, frozen=True, tag="push"):
    """`git push`."""

    branch: BranchName = BranchName("main")


AnyStep = (
    InitRepository
    | SetRemote
    | MoveDocuments
    | WriteIgnore
    | PlaceServer
    | RegisterSubmodule
    | WriteWorkspace
    | CommitChanges
    | PushBranch
)


class Migration(Value, frozen=True):
    """What is to be done. With `refusals` nothing is; each says why, and what to do."""

    steps: tuple[AnyStep, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
