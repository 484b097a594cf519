"""Read a checkout: its submodules, their stacks, the host registry, the branches that pin them."""

from __future__ import annotations

import posixpath
import re
from importlib.resources import files
from pathlib import Path

from bot.domain.errors import BotError
from bot.domain.names import BranchName, StackName, SubmodulePath
from bot.fleetfile import FLEET_FILE
from bot.git.git import GITLINK, GitError, GitRepository
from bot.git.gitmodules import Stanza, parse_gitmodules
from bot.onboarding.survey.facts import WORKFLOW, Host, RepositorySurvey, StackSurvey, SubmoduleSurvey
from bot.onboarding.survey.parse import PLACES, find_glob, is_compose_file, parse_hosts, read_stack

OWNERS_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_USUAL = (BranchName("main"), BranchName("master"))
_LARGEST = 256 * 1024  # bytes; only this much of a compose file is parsed
_LONGEST_PATH = 4096  # characters; no system has longer ones
_BOOTSTRAP = re.compile(r"(?:.*/)?(?:00-|master-)?[\w-]*(?:bootstrap|install|setup)[\w-]*\.(?:ps1|sh)", re.IGNORECASE)


def read_repository(root: Path) -> RepositorySurvey:
    """Survey the checkout at `root`, at HEAD. Raises BotError if it is no repository or has no commit."""
    try:
        git = GitRepository.of_checkout(root)
    except GitError as problem:
        raise BotError(f"{root}: {problem}; run this in a git checkout, or `aios-bot fleet migrate` first") from None
    if git.resolve("HEAD") is None:
        raise BotError(f"{root} has no commit yet: commit first, or run `aios-bot fleet migrate`")
    modules = parse_gitmodules(_text(git, "HEAD", ".gitmodules") or "")
    notes = [f".gitmodules, line {broken.line}: {broken.message}" for broken in modules.broken]
    submodules = tuple(_read_submodule(root, git, stanza) for stanza in modules.stanzas)
    stacks = frozenset(stack.name for one in submodules for stack in one.stacks)
    registry, hosts, remarks = _read_hosts(git, stacks)
    default = _default_branch(git)
    with_stacks = [one.path for one in submodules if one.stacks]
    paths = [entry.path for entry in git.list_tree("HEAD", recursive=True) if entry.kind == "blob"]
    return RepositorySurvey(
        name=_name(git, root),
        default_branch=default,
        branch=_branch(git),
        bases=_bases(git, with_stacks, default),
        submodules=submodules,
        hosts=hosts,
        registry=registry,
        bootstrap=tuple(path for path in paths if len(path) <= _LONGEST_PATH and _BOOTSTRAP.fullmatch(path)),
        fleet_file=_on_disk(root, FLEET_FILE),
        workflow=_on_disk(root, WORKFLOW) is not None,
        owners=next((text for place in OWNERS_PLACES if (text := _on_disk(root, place)) is not None), None),
        own_stacks=find_glob(paths)[0],
        notes=(*notes, *remarks),
    )


def workflow_text() -> str:
    """The text of the workflow that brings orders to a node's runner."""
    return (files("bot.onboarding.survey") / "deploy.yml").read_text(encoding="utf-8")


def _on_disk(root: Path, path: str) -> str | None:
    try:
        return (root / path).read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _text(git: GitRepository, commit: str, path: str) -> str | None:
    content = git.read_file(commit, path)
    return content.decode("utf-8", "replace") if content is not None else None


def _name(git: GitRepository, root: Path) -> str:
    try:
        url = git.run("config", "--get", "remote.origin.url").decode().strip()
    except GitError:
        return root.resolve().name
    return re.split(r"[/:\\]", url.rstrip("/"))[-1].removesuffix(".git")


def _default_branch(git: GitRepository) -> BranchName:
    """As the remote says; a clone that does not know (`git init`, `git remote add`) has one of the usual names."""
    found = _named_by(git, "refs/remotes/origin/HEAD", below="refs/remotes/origin/")
    usual = (name for name in _USUAL if git.resolve(f"refs/remotes/origin/{name}") is not None)
    return found or next(usual, None) or _branch(git) or _USUAL[0]


def _branch(git: GitRepository) -> BranchName | None:
    return _named_by(git, "HEAD", below="refs/heads/")


def _named_by(git: GitRepository, symbolic: str, *, below: str) -> BranchName | None:
    try:
        ref = git.run("symbolic-ref", "--quiet", symbolic).decode().strip()
    except GitError:
        return None
    return BranchName(ref.removeprefix(below))


def _bases(git: GitRepository, paths: list[SubmodulePath], default: BranchName) -> tuple[BranchName, ...]:
    """Branches of the remote that pin one of `paths`, the default one first, without the bot's own."""
    out = git.run("for-each-ref", "--format=%(refname)", "refs/remotes/origin").decode()
    names = [line.removeprefix("refs/remotes/origin/") for line in out.splitlines()]
    found = [
        BranchName(name)
        for name in names
        if name != "HEAD"
        and not name.startswith("aios-bot/")
        and any(git.pin_at(f"refs/remotes/origin/{name}", path) for path in paths)
    ]
    return tuple(sorted(found, key=lambda name: (name != default, name)))


def _read_submodule(root: Path, git: GitRepository, stanza: Stanza) -> SubmoduleSurvey:
    tracked = BranchName(stanza.branch) if stanza.branch and stanza.branch != "." else None
    pin = git.pin_at("HEAD", stanza.path)
    if pin is None:
        return SubmoduleSurvey(
            path=stanza.path, tracked=tracked, problem="named in .gitmodules, but no commit is pinned"
        )
    folder = root / stanza.path
    if not (folder / ".git").exists():
        cure = f"git submodule update --init {stanza.path}"
        return SubmoduleSurvey(path=stanza.path, tracked=tracked, problem=f"not checked out; {cure}")
    try:
        upstream = GitRepository.of_checkout(folder)
        commit = upstream.resolve("HEAD") or pin
        paths = [e.path for e in upstream.list_tree(commit, recursive=True) if e.kind == "blob" and e.mode != GITLINK]
    except GitError as problem:
        return SubmoduleSurvey(path=stanza.path, tracked=tracked, problem=str(problem))
    glob, elsewhere = find_glob(paths)
    parent = posixpath.dirname(glob)
    folders: dict[str, list[str]] = {}
    for path in paths:
        place, name = posixpath.split(path)
        if is_compose_file(name) and place and posixpath.dirname(place) == parent:
            folders.setdefault(place, []).append(name)
    stacks = tuple(_read_stack(upstream, commit, place, names) for place, names in sorted(folders.items()))
    return SubmoduleSurvey(path=stanza.path, tracked=tracked, glob=glob, stacks=stacks, elsewhere=elsewhere)


def _read_stack(upstream: GitRepository, commit: str, folder: str, names: list[str]) -> StackSurvey:
    texts = {name: (upstream.read_file(commit, f"{folder}/{name}") or b"")[:_LARGEST] for name in names}
    return read_stack(folder, {name: content.decode("utf-8", "replace") for name, content in texts.items()})


def _read_hosts(git: GitRepository, stacks: frozenset[StackName]) -> tuple[str, tuple[Host, ...], tuple[str, ...]]:
    for place in PLACES:
        text = _text(git, "HEAD", place)
        if text is not None:
            hosts, notes = parse_hosts(text, path=place, known=stacks)
            return place, hosts, notes
    return "", (), ()
