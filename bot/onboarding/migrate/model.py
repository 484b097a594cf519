"""What a folder is like before a migration, and the steps that lead from there. Frozen values, pure."""

from __future__ import annotations

from enum import StrEnum

from bot.domain.names import BranchName, CommitSha
from bot.domain.values import Value


class Wish(Value, frozen=True):
    """What the person asked for. None: find out, or leave out."""

    root: str  # absolute
    submodule: str = "server"
    url: str | None = None  # of the submodule; None: the origin of what lies there
    remote: str | None = None  # of the repository; None: the one it has
    branch: BranchName = BranchName("main")  # of a new repository
    tracked: BranchName | None = None  # branch of the submodule; None: the one it is on, else main
    push: bool = True


class ServerKind(StrEnum):
    """What stands where the submodule is to be."""

    ABSENT = "absent"
    LINK = "link"  # a symlink or junction to a checkout elsewhere
    FOLDER = "folder"  # files without a git directory
    REPOSITORY = "repository"  # a clone with its own git directory
    SUBMODULE = "submodule"  # checked out, its git directory kept by the parent
    OTHER = "other"  # a file, a dead link: nothing to migrate


class ServerFacts(Value, frozen=True):
    """The place of the submodule."""

    kind: ServerKind
    url: str | None = None  # of its origin, without credentials
    branch: BranchName | None = None  # checked out there
    target: str = ""  # where a link leads, absolute
    head: CommitSha | None = None  # what it has checked out; a FOLDER: the commit whose files are nearest
    differing: int = 0  # files of a FOLDER that are not as in `head`
    shared: bool = True  # whether the remote holds `head`
    remote_problem: str = ""  # why the remote could not be read
    obstacles: tuple[str, ...] = ()  # what forbids to touch it, each with its cure
    pin: CommitSha | None = None  # in the parent's index
    stanza: bool = False  # whether .gitmodules names it
    indexed: bool = False  # whether the parent's index holds files of it, or the link
    leftover: bool = False  # a git directory of an earlier submodule lies at .git/modules
    bytes_needed: int = 0  # to copy what a link leads to
    bytes_free: int = 0


class Document(Value, frozen=True):
    """A document at the top that belongs below docs/."""

    name: str
    goes_to: str
    tracked: bool


class Workspace(Value, frozen=True):
    """A VS Code workspace file that has to change: its new text, or why it is left alone."""

    name: str
    text: str = ""
    problem: str = ""


class FolderFacts(Value, frozen=True):
    """The folder."""

    name: str  # of the repository it becomes
    is_repository: bool
    has_commits: bool
    ours: bool  # an earlier run of ours was interrupted here
    whole: bool  # the first commit is still to be made: everything belongs into it
    branch: BranchName | None
    identity: bool  # git knows who commits
    obstacles: tuple[str, ...]
    server: ServerFacts
    origin: str | None
    documents: tuple[Document, ...]
    stays: tuple[str, ...]  # documents at the top that are links: they would break
    ignored_lines: tuple[str, ...]  # that .gitignore lacks
    left_out: tuple[tuple[str, str], ...]  # path and why it must not be committed
    staged: tuple[str, ...]  # those of them that are staged
    old: tuple[str, ...]  # where the submodule's content lay before, as a workspace file may spell it
    workspaces: tuple[Workspace, ...]  # those that have to change
    uncommitted: bool  # whether there is something of ours to commit
    to_push: bool  # whether the remote's branch is not yet at our commit
    remote_problem: str = ""


class Step(Value, frozen=True):
    """One thing to do; `says` are the lines that a person reads."""

    title: str
    says: tuple[str, ...] = ()


class Initialise(Step, frozen=True, tag="initialise"):
    """Make the folder a repository."""

    branch: BranchName = BranchName("main")


class SetRemote(Step, frozen=True, tag="remote"):
    """Name the remote."""

    url: str = ""


class MoveDocuments(Step, frozen=True, tag="documents"):
    """Move documents below docs/."""

    documents: tuple[Document, ...] = ()


class WriteIgnore(Step, frozen=True, tag="ignore"):
    """Add lines to .gitignore."""

    lines: tuple[str, ...] = ()


class PlaceServer(Step, frozen=True, tag="server"):
    """Make a clone of its own stand at the submodule's place, with every file that stood there."""

    kind: ServerKind = ServerKind.ABSENT
    url: str = ""
    branch: BranchName = BranchName("main")
    head: CommitSha | None = None
    target: str = ""


class Register(Step, frozen=True, tag="register"):
    """Make that clone a submodule: .gitmodules, the pin, and its git directory kept by the parent.

    `pin` is what the index holds already; None: what it has checked out.
    """

    url: str = ""
    branch: BranchName = BranchName("main")
    pin: CommitSha | None = None


class WriteWorkspace(Step, frozen=True, tag="workspace"):
    """Rewrite the workspace file."""

    name: str = ""
    text: str = ""


class Commit(Step, frozen=True, tag="commit"):
    """Commit: everything in a new repository, else what the other steps changed."""

    message: str = ""
    everything: bool = False
    without: tuple[str, ...] = ()  # staged, and must not be committed


class Push(Step, frozen=True, tag="push"):
    """Push the branch."""

    branch: BranchName = BranchName("main")


AnyStep = (
    Initialise | SetRemote | MoveDocuments | WriteIgnore | PlaceServer | Register | WriteWorkspace | Commit | Push
)


class Migration(Value, frozen=True):
    """What is to be done. With `refusals` nothing is; each says why and what to do."""

    steps: tuple[AnyStep, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
