"""Carry out what follows from a change: moved branches, merged and closed pull requests, and their webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.names import CommitSha
from bot.git.git import GitError
from sandbox.app_records import AppRecord
from sandbox.forks import take_commits
from sandbox.merging import find_violation, mergeable_state
from sandbox.rebasing import merge_trees, rebase, write_commit
from sandbox.records import Activity, Pull, Repo, User, iso_now
from sandbox.shapes import Shapes
from sandbox.state import ApiError, State
from sandbox.webhooks import Webhooks

NO_COMMIT = "0" * 40


class Effects:
    """The consequences of changes, as on GitHub. Call every method with the state's lock held."""

    def __init__(self, state: State, shapes: Shapes, webhooks: Webhooks) -> None:
        self.state = state
        self.shapes = shapes
        self.webhooks = webhooks

    def send(
        self,
        event: str,
        repo: Repo,
        user: User,
        *,
        action: str | None = None,
        only_to: AppRecord | None = None,
        **fields: Any,
    ) -> None:
        """Send a webhook about `repo`, to every App that subscribed to it or to one of them."""
        payload = fields | {"repository": self.shapes.repository(repo), "sender": self.shapes.user(user)}
        self.webhooks.emit(event, payload, repo=repo, action=action, only_to=only_to)

    def apply_branch_moves(self, repo: Repo, before: Mapping[str, str], user: User) -> None:
        """Send the pushes and update the pull requests after the branches of `repo` have moved from `before`."""
        after = repo.heads()
        for branch in sorted(set(before) | set(after)):
            old, new = before.get(branch), after.get(branch)
            if old != new:
                self._send_push(repo, branch, old, new, user)
                self._follow_pulls(repo, branch, new, user)
        self.state.changed.notify_all()

    def _send_push(self, repo: Repo, branch: str, old: str | None, new: str | None, user: User) -> None:
        commits = [self.commit(repo, sha) for sha in self._between(repo, old, new)]
        forced = bool(old and new and not repo.git.is_ancestor(CommitSha(old), CommitSha(new)))
        kind = "branch_creation" if old is None else "branch_deletion" if new is None else "push"
        made = Activity(
            id=self.state.new_id(),
            before=old or NO_COMMIT,
            after=new or NO_COMMIT,
            ref=f"refs/heads/{branch}",
            actor=user,
            kind="force_push" if forced else kind,
        )
        repo.activities.append(made)
        self.send(
            "push",
            repo,
            user,
            ref=f"refs/heads/{branch}",
            before=old or NO_COMMIT,
            after=new or NO_COMMIT,
            base_ref=None,
            compare=f"{self.shapes.url}/{repo.full_name}/compare/{old or NO_COMMIT}...{new or NO_COMMIT}",
            commits=commits,
            head_commit=self.commit(repo, new) if new else None,
            created=old is None,
            deleted=new is None,
            forced=forced,
            pusher={"name": user.login, "email": f"{user.login}@example.com"},
        )

    def _between(self, repo: Repo, old: str | None, new: str | None) -> list[str]:
        if new is None:
            return []
        found = repo.git.commits_between(CommitSha(old) if old else None, CommitSha(new), most=20)
        return [commit.sha for commit in reversed(found)]

    def sign(self, user: User) -> dict[str, str]:
        """The environment that makes git write a commit as `user`, committed by GitHub itself."""
        return signature(self.state, user)

    def commit(self, repo: Repo, sha: str) -> dict[str, Any]:
        """A commit as webhooks show it."""
        form = "%T%x00%an%x00%ae%x00%cn%x00%ce%x00%cI%x00%B"
        fields = repo.git.run("log", "-1", f"--format={form}", sha).decode("utf-8", "replace").split("\0")
        tree, author, author_mail, committer, committer_mail, when, message = fields
        # -z: status and path alternate, and no path is quoted. A merge commit has no changes, as on GitHub.
        changes = repo.git.run(
            "diff-tree", "-z", "--root", "-r", "--no-commit-id", "--no-renames", "--name-status", sha
        )
        words = changes.decode("utf-8", "replace").rstrip("\0").split("\0")
        changed = list(zip(words[::2], words[1::2], strict=False))
        return {
            "id": sha,
            "tree_id": tree,
            "distinct": True,
            "message": message.strip("\n"),
            "timestamp": when,
            "url": f"{self.shapes.url}/{repo.full_name}/commit/{sha}",
            "author": {"name": author, "email": author_mail},
            "committer": {"name": committer, "email": committer_mail},
            "added": [path for status, path in changed if status == "A"],
            "removed": [path for status, path in changed if status == "D"],
            "modified": [path for status, path in changed if status not in ("A", "D")],
        }

    def _follow_pulls(self, repo: Repo, branch: str, new: str | None, user: User) -> None:
        if repo.parent is not None:
            for pull in [p for p in repo.parent.pulls.values() if p.state == "open" and p.head_repo is repo]:
                if pull.head == branch:
                    self._follow_head(repo.parent, pull, new, user)
        for pull in [p for p in repo.pulls.values() if p.state == "open"]:
            if pull.head == branch and pull.head_repo is None:
                self._follow_head(repo, pull, new, user)
            elif pull.base == branch and new is not None and self._holds(repo, new, pull.head_sha):
                self.mark_merged(repo, pull, user, new)

    def _follow_head(self, repo: Repo, pull: Pull, new: str | None, user: User) -> None:
        if new is None:
            self.close(repo, pull, user)
            return
        take_commits(repo, pull.head_repo or repo, pull.head)
        before, pull.head_sha, pull.updated_at = pull.head_sha, new, iso_now()
        self.update_pull_ref(repo, pull)
        self.send_pull_event(repo, pull, user, "synchronize", before=before, after=new)

    def _holds(self, repo: Repo, commit: str, older: str) -> bool:
        return repo.git.is_ancestor(CommitSha(older), CommitSha(commit))

    def update_pull_ref(self, repo: Repo, pull: Pull) -> None:
        """Point refs/pull/N/head at the head, as GitHub does; it stays when the branch is deleted."""
        repo.git.run("update-ref", f"refs/pull/{pull.number}/head", pull.head_sha)

    def send_pull_event(self, repo: Repo, pull: Pull, user: User, action: str, **fields: Any) -> None:
        """Send a pull_request webhook."""
        shape = self.shapes.full_pull(repo, pull, self.count_changes(repo, pull))
        self.state.note_pull(pull)
        self.send("pull_request", repo, user, action=action, number=pull.number, pull_request=shape, **fields)

    def count_changes(self, repo: Repo, pull: Pull) -> dict[str, int]:
        """The numbers of commits and changed lines and files of a pull request."""
        ends = (pull.base_sha, pull.head_sha)
        if ends not in pull.counts:
            pull.counts[ends] = self._count_changes(repo, pull)
        return pull.counts[ends]

    @staticmethod
    def _count_changes(repo: Repo, pull: Pull) -> dict[str, int]:
        try:
            fork = repo.git.merge_base(pull.base_sha, pull.head_sha)
            commits = repo.git.count_between(fork, CommitSha(pull.head_sha))
            files = len(repo.git.changed_files(fork, CommitSha(pull.head_sha)))
        except GitError:
            commits = files = 0
        return {"commits": commits, "additions": files, "deletions": files, "changed_files": files}

    def close(self, repo: Repo, pull: Pull, user: User) -> None:
        """Close without merging."""
        pull.state, pull.closed_at, pull.updated_at = "closed", iso_now(), iso_now()
        self.send_pull_event(repo, pull, user, "closed")

    def mark_merged(self, repo: Repo, pull: Pull, user: User, commit: str) -> None:
        """Mark the pull request as merged by `commit` of the base."""
        pull.state, pull.merge_commit_sha, pull.merged_by = "closed", commit, user
        pull.merged_at = pull.closed_at = pull.updated_at = iso_now()
        self.state.note_merge(pull)
        self.send_pull_event(repo, pull, user, "closed")
        self.state.changed.notify_all()

    def merge(self, repo: Repo, pull: Pull, user: User, *, sha: str | None = None, method: str = "merge") -> str:
        """Merge with git; returns the new commit of the base. Raises ApiError."""
        if pull.state != "open":
            raise ApiError(405, "Pull Request is not mergeable")
        if sha is not None and sha != pull.head_sha:
            raise ApiError(409, "Head branch was modified. Review and try the merge again.")
        if self.state.behaviours.base_was_modified:
            self.state.behaviours.base_was_modified -= 1
            raise ApiError(405, "Base branch was modified. Review and try the merge again.")
        if pull.base in repo.queues:
            raise ApiError(405, "Changes must be made through the merge queue")
        if mergeable_state(repo, pull) in ("blocked", "behind"):
            raise ApiError(405, "Repository rule violations found")
        if method not in repo.merge_methods:
            raise ApiError(405, f"{method.capitalize()} merges are not allowed on this repository.")
        if violation := find_violation(repo, pull, method):
            raise ApiError(405, f"Repository rule violations found\n\n{violation}\n\n")
        before = repo.heads()
        base = before[pull.base]
        if method == "rebase":
            pull.rebased = rebase(repo.git, base, pull.head_sha, signature(self.state, user))
            commit = pull.rebased[-1]
        else:
            tree = merge_trees(repo.git, base, pull.head_sha)
            parents = ["-p", base] + (["-p", pull.head_sha] if method == "merge" else [])
            words = f"Merge pull request #{pull.number} from {repo.owner.login}/{pull.head}\n\n{pull.title}"
            message = words if method == "merge" else f"{pull.title} (#{pull.number})"
            commit = write_commit(repo.git, tree, *parents, "-m", message, environment=signature(self.state, user))
        repo.git.run("update-ref", f"refs/heads/{pull.base}", commit, base)
        if method != "merge":
            self.mark_merged(repo, pull, user, commit)
        self.apply_branch_moves(repo, before, user)
        return commit


def signature(state: State, user: User) -> dict[str, str]:
    """The environment that makes git write a commit as `user`, committed by GitHub itself."""
    return {
        "GIT_AUTHOR_NAME": user.login,
        "GIT_AUTHOR_EMAIL": f"{user.id}+{user.login}@users.noreply.example.com",
        "GIT_COMMITTER_NAME": state.behaviours.web_flow,
        "GIT_COMMITTER_EMAIL": "noreply@example.com",
    }
