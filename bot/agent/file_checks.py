"""Check, before anything is touched, that the files of a commit can be written, and written as they are.

Who may not write one file of many would leave a checkout half way, in which every later order finds edits by hand.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from bot.agent.work_tree import CheckoutError, WorkTree, render_list
from bot.domain.names import CommitSha, short
from bot.git.git import GitError

_POINTER = "version https://git-lfs.github.com/spec/v1"
_FILTER_NAMES = ("filter=", "ident", "working-tree-encoding=", "eol=crlf", "crlf", "text")


def check_files(tree: WorkTree, old: CommitSha | None, new: CommitSha, folders: Collection[str]) -> None:
    """CheckoutError unless a move from `old` to `new` can write every file as `new` has it.

    What Git LFS holds below `folders`, the order's own, is fetched.
    """
    check_attributes(tree)
    check_writable(tree.folder, tree.repository.changed_files(old, new))
    fetch_large_files(tree, new, folders)


def check_writable(folder: Path, names: Iterable[str]) -> None:
    """CheckoutError unless this user may replace each of the files `names` below `folder`, with owner and cure."""
    if os.name != "posix":
        return
    locked: dict[Path, list[str]] = {}
    for name in names:
        place = (folder / name).parent
        # os.path answers for what may not be looked into, where pathlib raises.
        while not os.path.isdir(place) and place != folder.parent:  # noqa: PTH112
            place = place.parent
        if place.is_dir() and not os.access(place, os.W_OK | os.X_OK, effective_ids=True):
            locked.setdefault(place, []).append(name)
    if locked:
        place, files = next(iter(locked.items()))
        more = f" (and {len(locked) - 1} more folders)" if len(locked) > 1 else ""
        user, owner = _name_of(os.geteuid()), _name_of(place.stat().st_uid)
        raise CheckoutError(
            f"{user} may not write in {place}{more}, which belongs to {owner}, and would have to for "
            f"{render_list(sorted(files))}: `sudo chown {user} {place}`, or let the container write to a folder that "
            "git does not track"
        )


def _name_of(user: int) -> str:
    import pwd  # noqa: PLC0415 - Windows has no such module

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"the user {user}"


def check_attributes(tree: WorkTree) -> None:
    """CheckoutError when the clone's own attributes would write other files than the commit holds.

    `.git/info/attributes` is no part of any commit, and a container with a writable mount may have written it.
    """
    path = tree.repository.git_dir / "info/attributes"
    if not path.is_file():
        return
    # Lines and words end where they end for git, and nowhere else.
    for line in path.read_bytes().decode("utf-8", "replace").split("\n"):
        words = [] if line.lstrip(" \t\r").startswith("#") else line.split()[1:]
        if any(word.startswith(_FILTER_NAMES) for word in words):
            raise CheckoutError(
                f"{path} changes files while git writes them ({line.strip()[:80]!r}): remove that line; what "
                "belongs to the stacks stands in their .gitattributes"
            )


def fetch_large_files(tree: WorkTree, commit: CommitSha, folders: Collection[str]) -> None:
    """Fetch the content of files of Git LFS below `folders`; CheckoutError where this node cannot.

    Without it a container would read the pointer as if it were the file.
    """
    names = _find_pointers(tree, commit, folders)
    if not names:
        return
    listed = render_list(names)
    if not tree.has_large_files:
        raise CheckoutError(
            f"Git LFS holds {listed} of {short(commit)}, and this node would deploy the pointers: install git-lfs, "
            "and run `git lfs install` as this user"
        )
    try:
        tree.git("lfs", "fetch", "origin", commit)
    except GitError as problem:
        raise CheckoutError(f"Git LFS does not give {listed} of {short(commit)}: {problem}") from None


def _find_pointers(tree: WorkTree, commit: CommitSha, folders: Collection[str]) -> list[str]:
    if not folders:
        return []
    where = [f":(literal){folder}" if folder else "." for folder in sorted(folders)]
    command = ("grep", "-l", "-z", "-I", "--fixed-strings", "--no-textconv", "-e", _POINTER, commit, "--", *where)
    try:
        found = tree.git(*command, strip=False)
    except GitError:  # how `git grep` says that there is none
        return []
    names = [name.removeprefix(f"{commit}:") for name in found.split("\0") if name]
    return sorted(
        name for name in names if (tree.repository.read_file(commit, name) or b"").startswith(_POINTER.encode())
    )
