"""What people press on a pull request's page beside its merge button: update the branch, retarget, reopen, revert."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.names import CommitSha
from bot.git.git import GitError
from sandbox import merge_queue
from sandbox.api import Api
from sandbox.commits import commit_texts
from sandbox.effects import signature
from sandbox.records import Pull, Repo, User, iso_now
from sandbox.state import ApiError, State


class PullButtons:
    """Presses the buttons of pull requests as a person. Part of `sandbox.github.EmbeddedGitHub`."""

    _state: State
    _api: Api

    def pulls(self, full_name: str) -> list[Pull]:
        """Every pull request, oldest first, whether lists show it or not."""
        return list(self._state.repo(full_name).pulls.values())

    def commit_files(self, full_name: str, files: Mapping[str, str], message: str, *, by: str) -> str:
        """Change files of the default branch in the web editor; the commit."""
        with self._state.lock:
            repo, user = self._state.repo(full_name), self._state.user(by)
            before = repo.heads()
            commit = commit_texts(repo, repo.default_branch, files, message, signature(self._state, user))
            self._api.effects.apply_branch_moves(repo, before, user)
            return commit

    def update_branch(self, full_name: str, number: int, *, by: str, files: Mapping[str, str] | None = None) -> str:
        """Press "Update branch"; returns the merge of the base into the head, which GitHub itself commits.

        `files` are changed by the same commit, as by the editor that solves a conflict.
        """
        with self._state.lock:
            repo, user = self._state.repo(full_name), self._state.user(by)
            return update_branch(self._api, repo, repo.pulls[number], user, files=files or {})

    def retarget_pull(self, full_name: str, number: int, base: str, *, by: str) -> None:
        """Change the base branch of a pull request."""
        with self._state.lock:
            repo, user = self._state.repo(full_name), self._state.user(by)
            retarget(self._api, repo, repo.pulls[number], base, user)

    def use_merge_queue(self, full_name: str, branch: str = "main") -> None:
        """Let pull requests into `branch` be merged by a merge queue alone."""
        with self._state.lock:
            self._state.repo(full_name).queues[branch] = []

    def enqueue(self, full_name: str, number: int, *, by: str) -> None:
        """Press "Merge when ready" of a pull request that may be merged."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            merge_queue.enqueue(self._api.effects, repo, repo.pulls[number], self._state.user(by))

    def queued_groups(self, full_name: str, branch: str = "main") -> list[tuple[int, str]]:
        """The entries of a merge queue, the first one first: each pull request's number, and its group's commit."""
        with self._state.lock:
            queue = self._state.repo(full_name).queues[branch]
            return [(group.pull.number, group.head) for group in queue]

    def edit_pull(self, full_name: str, number: int, *, by: str, **texts: str) -> None:
        """Change title or body of a pull request."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            pull = repo.pulls[number]
            before = {name: {"from": getattr(pull, name) or ""} for name in texts}
            for name, text in texts.items():
                setattr(pull, name, text)
            self._api.effects.send_pull_event(repo, pull, self._state.user(by), "edited", changes=before)

    def take_labels(self, full_name: str, number: int) -> None:
        """Take every label off a pull request."""
        with self._state.lock:
            self._state.repo(full_name).pulls[number].labels.clear()

    def close_pull(self, full_name: str, number: int, *, by: str) -> None:
        """Close a pull request without merging it."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            self._api.effects.close(repo, repo.pulls[number], self._state.user(by))

    def reopen_pull(self, full_name: str, number: int, *, by: str) -> None:
        """Reopen a closed pull request, where GitHub shows the button."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            pull = repo.pulls[number]
            if pull.head not in repo.heads():
                raise ApiError(422, f"state cannot be changed. The {pull.head} branch has been deleted.")
            if any(
                one.state == "open" and (one.head, one.base) == (pull.head, pull.base)
                for one in self.pulls(full_name)
            ):
                raise ApiError(
                    422, f"state cannot be changed. There is already an open pull request from {pull.head}."
                )
            pull.state, pull.closed_at, pull.head_sha = "open", None, repo.heads()[pull.head]
            self._api.effects.send_pull_event(repo, pull, self._state.user(by), "reopened")

    def delete_branch(self, full_name: str, branch: str, *, by: str) -> None:
        """Delete a branch; the open pull requests from it close."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            before = repo.heads()
            repo.git.run("update-ref", "-d", f"refs/heads/{branch}")
            self._api.effects.apply_branch_moves(repo, before, self._state.user(by))

    def disable_workflow(self, full_name: str, workflow: str) -> None:
        """Press "Disable workflow"."""
        with self._state.lock:
            self._state.repo(full_name).disabled.add(workflow)

    def forbid_dispatch(self, full_name: str) -> None:
        """Protect the execution of workflows: `workflow_dispatch` may start none."""
        with self._state.lock:
            self._state.repo(full_name).dispatch_forbidden = True

    def restrict_deletions(self, full_name: str, branch: str) -> None:
        """Keep `branch` from being deleted by a ruleset."""
        with self._state.lock:
            self._state.repo(full_name).kept.add(branch)

    def restrict_creations(self, full_name: str) -> None:
        """Keep everybody from making branches by a ruleset."""
        with self._state.lock:
            self._state.repo(full_name).restricts_creations = True

    def delete_comment(self, full_name: str, comment: int) -> None:
        """Delete a comment."""
        with self._state.lock:
            del self._state.repo(full_name).comments[comment]

    def restore_branch(self, full_name: str, number: int, *, by: str) -> None:
        """Press "Restore branch" of a closed pull request."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            before, pull = repo.heads(), repo.pulls[number]
            repo.git.run("update-ref", f"refs/heads/{pull.head}", pull.head_sha)
            self._api.effects.apply_branch_moves(repo, before, self._state.user(by))

    def set_draft(self, full_name: str, number: int, *, by: str, draft: bool) -> None:
        """Convert a pull request to a draft, or press "Ready for review"."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            pull = repo.pulls[number]
            pull.draft = draft
            action = "converted_to_draft" if draft else "ready_for_review"
            self._api.effects.send_pull_event(repo, pull, self._state.user(by), action)


def update_branch(api: Api, repo: Repo, pull: Pull, user: User, *, files: Mapping[str, str]) -> str:
    """Merge the base of `pull` into its head; the merge commit."""
    before = repo.heads()
    base = before[pull.base]
    if repo.git.is_ancestor(CommitSha(base), CommitSha(pull.head_sha)):
        raise ApiError(422, "There are no new commits on the base branch.")
    try:
        tree = repo.git.run("merge-tree", "--write-tree", pull.head_sha, base).decode().split("\n")[0]
    except GitError:
        raise ApiError(422, "merge conflict between base and head") from None
    tree = _with_files(api, repo, tree, files)
    words = f"Merge branch '{pull.base}' into {pull.head}"
    parents = ("-p", pull.head_sha, "-p", base)
    made = repo.git.run("commit-tree", tree, *parents, "-m", words, environment=signature(api.state, user))
    commit = made.decode().strip()
    repo.git.run("update-ref", f"refs/heads/{pull.head}", commit)
    api.effects.apply_branch_moves(repo, before, user)
    return commit


def _with_files(api: Api, repo: Repo, tree: str, files: Mapping[str, str]) -> str:
    if not files:
        return tree
    index = repo.git.git_dir / f"index-{api.state.new_id()}"
    environment = {"GIT_INDEX_FILE": str(index)}
    repo.git.run("read-tree", tree, environment=environment)
    for path, text in files.items():
        blob = repo.git.run("hash-object", "-w", "--stdin", stdin=text.encode()).decode().strip()
        repo.git.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", environment=environment)
    made = repo.git.run("write-tree", environment=environment).decode().strip()
    index.unlink()
    return made


def retarget(api: Api, repo: Repo, pull: Pull, base: str, user: User) -> None:
    """Let `pull` be for the branch `base` from now on."""
    before = {"ref": {"from": pull.base}, "sha": {"from": pull.base_sha}}
    pull.base, pull.base_sha, pull.updated_at = base, repo.heads()[base], iso_now()
    api.effects.send_pull_event(repo, pull, user, "edited", changes={"base": before})
