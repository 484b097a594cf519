"""What a folder is like, read without changing anything in it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.domain.names import BranchName
from bot.git.gitmodules import parse_gitmodules
from bot.onboarding.migrate.folder import STAGING, State, Work, is_link, walk
from bot.onboarding.migrate.jsonc import JsonError
from bot.onboarding.migrate.model import Document, FolderFacts, Wish, Workspace
from bot.onboarding.migrate.server import read_server
from bot.onboarding.migrate.workspace import new_workspace, rewrite_workspace
from bot.redaction.shapes import find_shaped
from bot.text.globs import matches_glob

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
"""Documents that GitHub, and everybody, looks for at the top."""

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
LARGEST = 100 * 2**20  # bytes of a file that GitHub takes (docs: about large files on GitHub)
_READ_FOR_SECRETS = 256 * 1024  # bytes
_BUSY = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
    "index.lock": "another git command, or the remains of one (.git/index.lock)",
}


def read_folder(wish: Wish) -> FolderFacts:
    """The folder that `wish` names."""
    work = Work(Path(wish.root))
    root = work.root
    is_repository = work.git_dir.is_dir()
    state = work.read_state() if is_repository else None
    has_commits = is_repository and work.ask("rev-parse", "--verify", "--quiet", "HEAD") is not None
    whole = state.whole if state else not has_commits
    branch = work.ask("symbolic-ref", "--quiet", "--short", "HEAD") if is_repository else None
    origin = work.ask("config", "--get", "remote.origin.url") if is_repository else None
    server = read_server(work, wish)
    old = state.old if state else (() if not server.target else _spellings(root / wish.submodule, server.target))
    name = _repository_name(wish.remote or origin or "") or root.name
    indexed = set(work.listed("ls-files", "-z")) if is_repository else set()
    documents, stays = _documents(root, indexed)
    lines = _lacking_lines(root / ".gitignore")
    left_out = _left_out(work, wish, indexed) if whole else ()
    workspaces = _workspaces(root, wish, name, old)
    touched = [".gitmodules", ".gitignore", *(one.name for one in workspaces)]
    uncommitted = state is not None and _has_uncommitted(work, state)
    to_push, remote_problem = _remote(work, origin or wish.remote, branch or wish.branch, has_commits=has_commits)
    return FolderFacts(
        name=name,
        is_repository=is_repository,
        has_commits=has_commits,
        ours=state is not None,
        whole=whole,
        branch=BranchName(branch) if branch else None,
        identity=work.ask("var", "GIT_COMMITTER_IDENT") is not None,
        obstacles=tuple(_obstacles(work, wish, state, origin, touched, branch=branch, has_commits=has_commits)),
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
    """The places that a workspace file may call the link's end by."""
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
        while name.casefold() in taken:  # nothing is ever put over something else
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


def _left_out(work: Work, wish: Wish, indexed: set[str]) -> tuple[tuple[str, str], ...]:
    """What must not be in the first commit, each with why."""
    with TemporaryDirectory() as folder:
        git_dir = work.git_dir
        if not git_dir.is_dir():
            git_dir = Path(folder) / "git"
            work.git("init", "--quiet", "--bare", str(git_dir))
        own = (f"--git-dir={git_dir}", f"--work-tree={work.root}")
        names = work.listed(*own, "ls-files", "--others", "--exclude-standard", "-z", "--", ":/")
    found = []
    for name in sorted({*names, *indexed}):
        if name.rstrip("/") == wish.submodule or name.startswith(f"{wish.submodule}/"):
            continue
        why = _why_left_out(work.root, name)
        if why:
            found.append((name, why))
    return tuple(found)


def _why_left_out(root: Path, name: str) -> str:
    path = root / name
    if name.endswith("/"):
        return "a repository of its own; make it a submodule with `git submodule add`"
    if is_link(path) or not path.is_file():
        return ""
    if _is_ignored_by_name(name):
        return "a key or a secret by its name"
    size = path.stat().st_size
    if size > LARGEST:
        return f"{size >> 20} MiB; GitHub takes 100"
    if size > _READ_FOR_SECRETS:
        return ""
    text = path.read_bytes().decode("utf-8", "ignore")
    if re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", text) or find_shaped(text, free=False):
        return "it holds what looks like a secret; take that out, or add the file yourself with `git add --force`"
    return ""


def _is_ignored_by_name(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return name != ".env.example" and any(matches_glob(name, pattern) for pattern in _SECRET_FILES)


def _escaped(path: str) -> str:
    """`path` as a line of .gitignore that means exactly it."""
    text = re.sub(r"([\\*?\[\]!#])", r"\\\1", path)
    if text.endswith(" "):
        text = text[:-1] + "\\ "
    return f"/{text}"


def _workspaces(root: Path, wish: Wish, name: str, old: tuple[str, ...]) -> tuple[Workspace, ...]:
    files = sorted(path for path in root.iterdir() if path.suffix == ".code-workspace" and path.is_file())
    if not files:
        return (Workspace(name=f"{name}.code-workspace", text=new_workspace(name=name, submodule=wish.submodule)),)
    found = []
    for path in files:
        try:
            text = path.read_bytes().decode("utf-8")
            new = rewrite_workspace(text, name=name, submodule=wish.submodule, root=str(root), old=old)
        except (UnicodeDecodeError, JsonError) as problem:
            found.append(Workspace(name=path.name, problem=f"not readable as JSON with comments, {problem}"))
            continue
        if new != text:
            found.append(Workspace(name=path.name, text=new))
    return tuple(found)


def _has_uncommitted(work: Work, state: State) -> bool:
    """Whether an interrupted run left something for the commit."""
    flags = ("-z", "--no-renames", "--ignore-submodules=dirty", "--untracked-files=all")
    entries = work.listed("status", "--porcelain=v1", *flags)
    return any(state.whole or entry[0] not in " ?" or entry[3:] in state.written for entry in entries)


def _remote(work: Work, url: str | None, branch: str, *, has_commits: bool) -> tuple[bool, str]:
    """Whether there is something to push, and why it could not be."""
    if url is None:
        return False, ""
    heads = work.ask("ls-remote", "--heads", "--", url, f"refs/heads/{branch}")
    if heads is None:
        return (
            False,
            f"{url} cannot be read: make the (empty) repository on GitHub first, and check your access to it",
        )
    there = heads.split("\t")[0]
    if not there:
        return True, ""
    if has_commits and work.ask("merge-base", "--is-ancestor", there, "HEAD") is not None:
        return work.ask("rev-parse", "HEAD") != there, ""
    cure = "run `git pull` first" if has_commits else "clone it and move your files there, or name an empty one"
    return False, f"{url} has commits on {branch} that are not here: {cure}"


def _obstacles(
    work: Work,
    wish: Wish,
    state: State | None,
    origin: str | None,
    touched: list[str],
    *,
    branch: str | None,
    has_commits: bool,
) -> list[str]:
    root = work.root
    said = []
    docs = root / "docs"
    if is_link(docs) or (docs.exists() and not docs.is_dir()):
        said.append("docs is not a folder: rename it, because documents are moved there")
    if work.git_dir.exists() and not work.git_dir.is_dir():
        said.append(f"{root} is a worktree or a submodule of another repository: run this in the main checkout")
    if not work.git_dir.is_dir():
        return said
    said += [
        f"{what} is under way in {root}: finish or abort it" for file, what in _BUSY.items() if _there(work, file)
    ]
    if branch is None:
        said.append(f"{root} is on no branch: check one out")
    if wish.remote and origin and _bare(wish.remote) != _bare(origin):
        said.append(f"{root} has another remote, {origin}: leave --remote out, or change it with git remote set-url")
    if state is None:
        said += _uncommitted_obstacles(work, touched, has_commits=has_commits)
    modules = root / ".gitmodules"
    if modules.is_file() and work.ask("config", "--file", ".gitmodules", "--list") is None:
        broken = parse_gitmodules(modules.read_bytes().decode("utf-8", "replace")).broken
        at = f", line {broken[0].line}" if broken else ""
        said.append(f"git cannot read .gitmodules{at}: mend it first")
    return said


def _there(work: Work, file: str) -> bool:
    return (work.git_dir / file).exists()


def _bare(url: str) -> str:
    return url.rstrip("/").removesuffix(".git").lower()


def _uncommitted_obstacles(work: Work, touched: list[str], *, has_commits: bool) -> list[str]:
    """Uncommitted work that a commit of ours would sweep along, or write over."""
    status = work.listed(
        "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=dirty"
    )
    said = []
    if has_commits:
        staged = [entry[3:] for entry in status if entry[0] not in " ?"]
        changed = [entry[3:] for entry in status if entry[1] != " " and entry[3:] in touched]
    else:
        # Of what was only staged, a second version would be lost from sight.
        staged = [entry[3:] for entry in status if entry[0] != " " and entry[1] != " "]
        changed = []
    if staged:
        cure = "commit it, or unstage it with `git restore --staged`"
        said.append(f"staged and not committed: {', '.join(staged[:10])}; {cure}")
    if changed:
        said.append(f"changed and not committed: {', '.join(changed)}; commit it, because the migration writes there")
    return said


def read_inventory(root: Path, submodule: str) -> dict[str, tuple[int, int, int]]:
    """Size, time and mode of every file outside of git directories: what must be there again at the end."""
    place = root / submodule
    skip = frozenset({root / ".git", place / ".git", root / ".git" / STAGING})
    found = {}
    for name, status in walk(root, skip=skip):
        found[name] = (status.st_size, status.st_mtime_ns, status.st_mode)
    return found
