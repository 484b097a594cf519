"""Read files that are not committed as if they were: a checkout with its edits, or any folder. Neither is changed.

What git makes of them is written to a repository of its own, which borrows the objects of the others.
"""

from __future__ import annotations

import shutil
from functools import cached_property
from pathlib import Path

from bot.domain.names import CommitSha, parse_commit_sha
from bot.git.git import GitRepository, init_bare

_NOBODY = {  # always the same commit for the same files
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "nobody"), ("EMAIL", "nobody"), ("DATE", "1700000000 +0000"))
}


class ScratchRepository:
    """A repository for a while, in `folder`, for what is not committed anywhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._borrowed: list[str] = []

    @cached_property
    def repository(self) -> GitRepository:
        """Where it is; made when it is needed first."""
        found = GitRepository(self._folder / "scratch.git")
        init_bare(found.git_dir)
        return found

    def borrow(self, other: GitRepository) -> None:
        """Make the commits of `other` readable here too."""
        place = str(_objects_of(other))
        if place not in self._borrowed:
            self._borrowed.append(place)
            file = self.repository.git_dir / "objects/info/alternates"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(f"{line}\n" for line in self._borrowed), encoding="utf-8")
            shallow = other.git_dir / "shallow"
            if shallow.exists():
                with (self.repository.git_dir / "shallow").open("ab") as own:
                    own.write(shallow.read_bytes())

    def add_checkout(self, checkout: Path, repository: GitRepository) -> CommitSha:
        """The checkout as it is: its HEAD with every tracked file as it stands there; HEAD itself without edits."""
        self.borrow(repository)
        head = parse_commit_sha(repository.run("rev-parse", "HEAD").decode().strip())
        index = self._folder / "index"
        shutil.copyfile(repository.git_dir / "index", index)
        places = {
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(self.repository.git_dir / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(_objects_of(repository)),
        }
        # With the checkout's own settings: of line ends, of modes, of filters.
        repository.run("-C", str(checkout), "--work-tree", str(checkout), "add", "--update", environment=places)
        tree = repository.run("write-tree", environment=places).decode().strip()
        return head if tree == repository.tree_of(head) else self._commit(tree, parent=head)

    def add_folder(self, folder: Path) -> CommitSha:
        """Every file of a folder, also those that a .gitignore in it names."""
        index = {"GIT_INDEX_FILE": str(self._folder / "index-of-folder")}
        self._folder.joinpath("index-of-folder").unlink(missing_ok=True)
        where = ("-C", str(folder), "--work-tree", str(folder))
        self.repository.run(*where, "add", "--all", "--force", "--", ".", environment=index)
        return self._commit(self.repository.run("write-tree", environment=index).decode().strip())

    def _commit(self, tree: str, *, parent: CommitSha | None = None) -> CommitSha:
        parents = ("-p", parent) if parent else ()
        made = self.repository.run("commit-tree", tree, *parents, "-m", "not committed", environment=_NOBODY)
        return parse_commit_sha(made.decode().strip())


def _objects_of(repository: GitRepository) -> Path:
    own = repository.git_dir / "objects"
    if own.is_dir():
        return own
    # A work tree that `git worktree add` made: its objects are its repository's.
    found = Path(repository.run("rev-parse", "--git-path", "objects").decode().strip())
    return found if found.is_absolute() else repository.git_dir / found
