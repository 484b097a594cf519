"""Read the facts of a folder to migrate. Changes nothing in it."""

from __future__ import annotations

import fnmatch
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.domain.names import BranchName
from bot.onboarding.migrate.facts import Document, FolderFacts, MigrationRequest, ServerKind, Workspace
from bot.onboarding.migrate.folder import STAGING, MigrationState, WorkingFolder, is_link, walk
from bot.onboarding.migrate.jsonc import JsonError
from bot.onboarding.migrate.read.obstacles import find_obstacles
from bot.onboarding.migrate.read.server import read_server
from bot.onboarding.migrate.workspace import new_workspace, rewrite_workspace
from bot.redaction.recognise import find_shaped

KEPT_AT_THE_TOP = frozenset(
    f"{name}.md"
    for name in (
        "readme",
        "license",
        "contributing",
        "security",
        "code_of_conduct",
        "support",
        "changelog",
        "governance",
    )
)
"""Documents that belong at the top of a repository, where GitHub looks for them."""

IGNORED = (
    "# Keys and secrets stay on the machine.",
    ".env",
    ".env.*",
    "!.env.example",
    "*.key",
    "*.pem",
    "*.pfx",
    "*.p12",
    "# What systems leave behind.",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
)
_SECRET_FILES = (".env", ".env.*", "*.key", "*.pem", "*.pfx", "*.p12")  # as in IGNORED
LARGEST = 100 * 2**20  # bytes; GitHub refuses larger files (GitHub docs: About large files)
_READ_FOR_SECRETS = 256 * 1024  # bytes


def read_folder(request: MigrationRequest) -> FolderFacts:
    """The facts of the folder that `request` names."""
    work = WorkingFolder(Path(request.root))
    root = work.root
    is_repository = work.git_dir.is_dir()
    state = work.read_state() if is_repository else None
    has_commits = is_repository and work.try_git("rev-parse", "--verify", "--quiet", "HEAD") is not None
    whole = state.whole if state else not has_commits
    branch = work.try_git("symbolic-ref", "--quiet", "--short", "HEAD") if is_repository else None
    origin = work.try_git("config", "--get", "remote.origin.url") if is_repository else None
    server = read_server(work, request)
    old = state.old if state else (() if not server.target else _spellings(root / request.submodule, server.target))
    name = _repository_name(request.remote or origin or "") or root.name
    indexed = set(work.git_list("ls-files", "-z")) if is_repository else set()
    # Documents move before the server becomes a submodule: what lies at the top of a finished fleet belongs there.
    finished = server.kind is ServerKind.SUBMODULE and server.pin is not None and server.stanza
    documents, stays = ((), ()) if finished else _documents(root, indexed)
    lines = _lacking_lines(root / ".gitignore")
    left_out = _left_out(work, request, indexed) if whole else ()
    workspaces = _workspaces(root, request, name, old)
    touched = [".gitmodules", ".gitignore", *(one.name for one in workspaces)]
    uncommitted = state is not None and _has_uncommitted(work, state)
    to_push, remote_problem = _remote(
        work, origin or request.remote, branch or request.branch, has_commits=has_commits
    )
    return FolderFacts(
        name=name,
        is_repository=is_repository,
        ours=state is not None,
        whole=whole,
        branch=BranchName(branch) if branch else None,
        identity=work.try_git("var", "GIT_COMMITTER_IDENT") is not None,
        obstacles=tuple(
            find_obstacles(work, request, state, origin, touched, branch=branch, has_commits=has_commits)
        ),
        server=server,
        origin=origin,
        documents=documents,
        stays=stays,
        ignored_lines=(*lines, *(_escaped(path) for path, _ in left_out if not _is_ignored_by_name(path))),
        left_out=left_out,
        staged=tuple(path for path, _ in left_out if path in indexed),
        old=old,
        workspaces=workspaces,
        uncommitted=uncommitted,
        to_push=to_push,
        remote_problem=remote_problem,
    )


def _spellings(link: Path, target: str) -> tuple[str, ...]:
    """The paths by which a workspace file may refer to the link's target."""
    written = os.readlink(link) if is_link(link) else target  # noqa: PTH115 - a junction is no Path link before 3.12
    return tuple(dict.fromkeys((target, str((link.parent / written).absolute()))))


def _repository_name(url: str) -> str:
    return re.split(r"[/:\\]", url.rstrip("/"))[-1].removesuffix(".git")


def _documents(root: Path, indexed: set[str]) -> tuple[tuple[Document, ...], tuple[str, ...]]:
    found, stays = [], []
    folder = root / "docs"
    taken = {name.name.casefold() for name in folder.iterdir()} if folder.is_dir() else set()
    for path in sorted(root.iterdir()):
        if path.suffix.lower() != ".md" or path.name.lower() in KEPT_AT_THE_TOP or path.is_dir():
            continue
        if is_link(path):
            stays.append(path.name)
            continue
        name, number = path.name, 2
        while name.casefold() in taken:  # never overwrite a file
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        taken.add(name.casefold())
        found.append(Document(name=path.name, goes_to=f"docs/{name}", tracked=path.name in indexed))
    return tuple(found), tuple(stays)


def _lacking_lines(path: Path) -> tuple[str, ...]:
    present = path.read_bytes().decode("utf-8", "surrogateescape").splitlines() if path.is_file() else []
    there = {line.strip() for line in present}
    if all(line in there for line in IGNORED if not line.startswith("#")):
        return ()
    return tuple(line for line in IGNORED if line not in there)


def _left_out(work: WorkingFolder, request: MigrationRequest, indexed: set[str]) -> tuple[tuple[str, str], ...]:
    """Paths that must not be in the first commit, each with the reason."""
    with TemporaryDirectory() as folder:
        git_dir = work.git_dir
        if not git_dir.is_dir():
            git_dir = Path(folder) / "git"
            work.git("init", "--quiet", "--bare", str(git_dir))
        own = (f"--git-dir={git_dir}", f"--work-tree={work.root}")
        names = work.git_list(*own, "ls-files", "--others", "--exclude-standard", "-z", "--", ":/")
    found = []
    for name in sorted({*names, *indexed}):
        if name.rstrip("/") == request.submodule or name.startswith(f"{request.submodule}/"):
            continue
        why = _why_left_out(work.root, name)
        if why:
            found.append((name, why))
    return tuple(found)


def _why_left_out(root: Path, name: str) -> str:
    path = root / name
    if name.endswith("/"):
        return "a separate repository; make it a submodule with `git submodule add`"
    if is_link(path) or not path.is_file():
        return ""
    if _is_ignored_by_name(name):
        return "its name is that of a key or a secret"
    size = path.stat().st_size
    if size > LARGEST:
        return f"{size >> 20} MiB; GitHub's limit is 100"
    if size > _READ_FOR_SECRETS:
        return ""
    text = path.read_bytes().decode("utf-8", "ignore")
    if re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", text) or find_shaped(text, free=False):
        return "it contains what looks like a secret; remove that, or add the file yourself with `git add --force`"
    return ""


def _is_ignored_by_name(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return name != ".env.example" and any(fnmatch.fnmatchcase(name, pattern) for pattern in _SECRET_FILES)


def _escaped(path: str) -> str:
    """The line of .gitignore that matches exactly `path`."""
    text = re.sub(r"([\\*?\[\]!#])", r"\\\1", path)
    if text.endswith(" "):
        text = text[:-1] + "\\ "
    return f"/{text}"


def _workspaces(root: Path, request: MigrationRequest, name: str, old: tuple[str, ...]) -> tuple[Workspace, ...]:
    files = sorted(path for path in root.iterdir() if path.suffix == ".code-workspace" and path.is_file())
    if not files:
        return (Workspace(name=f"{name}.code-workspace", text=new_workspace(name=name, submodule=request.submodule)),)
    found = []
    for path in files:
        try:
            text = path.read_bytes().decode("utf-8")
            new = rewrite_workspace(text, name=name, submodule=request.submodule, root=str(root), old=old)
        except (UnicodeDecodeError, JsonError) as problem:
            found.append(Workspace(name=path.name, problem=f"not valid JSON with comments: {problem}"))
            continue
        if new != text:
            found.append(Workspace(name=path.name, text=new))
    return tuple(found)


def _has_uncommitted(work: WorkingFolder, state: MigrationState) -> bool:
    """Whether an interrupted run left changes to commit."""
    flags = ("-z", "--no-renames", "--ignore-submodules=dirty", "--untracked-files=all")
    entries = work.git_list("status", "--porcelain=v1", *flags)
    return any(state.whole or entry[0] not in " ?" or entry[3:] in state.written for entry in entries)


def _remote(work: WorkingFolder, url: str | None, branch: str, *, has_commits: bool) -> tuple[bool, str]:
    """Whether there is something to push, and why it cannot be pushed ("" if it can)."""
    if url is None:
        return False, ""
    heads = work.try_git("ls-remote", "--heads", "--", url, f"refs/heads/{branch}")
    if heads is None:
        return (
            False,
            f"cannot read {url}: create the (empty) repository on GitHub first, and check your access to it",
        )
    there = heads.split("\t")[0]
    if not there:
        return True, ""
    if has_commits and work.try_git("merge-base", "--is-ancestor", there, "HEAD") is not None:
        return work.try_git("rev-parse", "HEAD") != there, ""
    cure = (
        "run `git pull` first" if has_commits else "clone it and move your files there, or name an empty repository"
    )
    return False, f"{url} has commits on {branch} that this folder lacks: {cure}"


def read_inventory(root: Path, submodule: str) -> dict[str, tuple[int, int, int]]:
    """Size in bytes, modification time in ns and mode of every file outside of git directories, by path."""
    place = root / submodule
    skip = frozenset({root / ".git", place / ".git", root / ".git" / STAGING})
    found = {}
    for name, status in walk(root, skip=skip):
        found[name] = (status.st_size, status.st_mtime_ns, status.st_mode)
    return found
