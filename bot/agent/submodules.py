"""Read and update the submodules of a node's checkout, after a check of their addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.agent.interrupted import mend_clone
from bot.agent.work_tree import CheckoutError, WorkTree
from bot.domain.names import CommitSha, SubmodulePath
from bot.git.gitmodules import Stanza, parse_gitmodules
from bot.git.safe_clone import AS_COMMITTED
from bot.git.safe_git import GitAccess, check_address

MAX_DEPTH = 5  # submodules within submodules


def parse_submodules(text: str) -> Mapping[str, Stanza]:
    """The submodules of a `.gitmodules` by their paths."""
    return {stanza.path: stanza for stanza in parse_gitmodules(text).stanzas}


def mend_clones(tree: WorkTree, commits: Iterable[CommitSha], access: GitAccess, *, depth: int = MAX_DEPTH) -> None:
    """Remove or mend interrupted clones of submodules of `tree`, as `commits` name them; nested ones too."""
    if not tree.exists or not depth:
        return
    for commit in commits:
        if tree.repository.resolve(commit) is None:
            continue
        text = tree.repository.read_file(commit, ".gitmodules") or b""
        for path, stanza in parse_submodules(text.decode("utf-8", "replace")).items():
            pin = tree.repository.pin_at(commit, path)
            parts = stanza.name.split("/")  # git refuses such names; they would lead out of `modules`
            if pin is not None and not {"", ".", ".."} & set(parts):
                inner = WorkTree(tree.folder / path, access)
                mend_clone(tree.repository.git_dir / "modules" / stanza.name, inner.folder)
                mend_clones(inner, [pin], access, depth=depth - 1)


def find_stanza(tree: WorkTree, commit: str, submodule: str) -> Stanza | None:
    """How `.gitmodules` at `commit` describes a submodule; None when it does not, or the commit is not here."""
    if tree.repository.resolve(commit) is None:
        return None
    text = tree.repository.read_file(commit, ".gitmodules") or b""
    return parse_submodules(text.decode("utf-8", "replace")).get(submodule)


def fetch_submodule(
    outer: WorkTree, inner: WorkTree, path: SubmodulePath, pin: CommitSha, *, before: CommitSha | None = None
) -> None:
    """Fetch `pin` into the submodule at `path`, and clone it where it is not there; or CheckoutError or GitError.

    `before` is the commit that `outer` was moved from: where `.gitmodules` is as it was there, nothing is set again.
    """
    stanza = find_stanza(outer, "HEAD", path)
    if stanza is not None:
        check_address(stanza)
    if inner.exists and inner.repository.resolve(pin) is not None and _has_same_stanzas(outer, before):
        return
    outer.git("submodule", "--quiet", "init", "--", path)
    outer.git("submodule", "--quiet", "sync", "--", path)
    if not inner.exists:
        # `update` clones and checks out at once; an untracked file in the way makes it fail, and stays.
        settings = [word for setting in AS_COMMITTED for word in ("-c", setting)]
        outer.git(*settings, "submodule", "--quiet", "update", "--init", "--checkout", "--", path)
        for setting in AS_COMMITTED:
            inner.git("config", *setting.split("="))
    elif not inner.fetch_commit(pin):
        raise CheckoutError(f"the remote of {path} does not hold {pin} any longer")


def _has_same_stanzas(tree: WorkTree, before: CommitSha | None) -> bool:
    if before is None or tree.head is None:
        return False
    return ".gitmodules" not in tree.repository.changed_files(before, tree.head)


def update_nested(tree: WorkTree, access: GitAccess, *, depth: int = MAX_DEPTH) -> None:
    """Update submodules of a submodule. Not by `--recursive`, which would fetch from any address unchecked."""
    text = tree.repository.read_file("HEAD", ".gitmodules")
    if text is None:
        return
    if not depth:
        raise CheckoutError(f"{tree.folder} has submodules within submodules, deeper than {MAX_DEPTH}")
    for path, stanza in parse_submodules(text.decode("utf-8", "replace")).items():
        if tree.repository.pin_at("HEAD", path) is not None:
            check_address(stanza)
            tree.git("submodule", "--quiet", "update", "--init", "--checkout", "--", path)
            update_nested(WorkTree(tree.folder / path, access), access, depth=depth - 1)
