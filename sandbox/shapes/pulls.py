"""The shapes of pull requests and their comments."""

from __future__ import annotations

from typing import Any

from sandbox.merging import has_conflict, mergeable_state
from sandbox.records import Comment, Pull, Repo
from sandbox.shapes.accounts import AccountShapes


class PullShapes(AccountShapes):
    """Pull requests and comments."""

    def pull(self, repo: Repo, pull: Pull) -> dict[str, Any]:
        """pull-request-simple."""
        base = f"{self.api}/repos/{repo.full_name}/pulls/{pull.number}"
        issue = f"{self.api}/repos/{repo.full_name}/issues/{pull.number}"
        page = f"{self.url}/{repo.full_name}/pull/{pull.number}"
        links = {
            "self": base,
            "html": page,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{base}/comments",
            "review_comment": f"{self.api}/repos/{repo.full_name}/pulls/comments{{/number}}",
            "commits": f"{base}/commits",
            "statuses": f"{self.api}/repos/{repo.full_name}/statuses/{pull.head_sha}",
        }
        return {
            "url": base,
            "id": pull.id,
            "node_id": f"PR_{pull.id}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "issue_url": issue,
            "commits_url": links["commits"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "comments_url": links["comments"],
            "statuses_url": links["statuses"],
            "number": pull.number,
            "state": pull.state,
            "locked": pull.locked,
            "title": pull.title,
            "user": self.user(pull.user),
            "body": pull.body,
            "labels": [self.label(repo, label) for label in pull.labels],
            "milestone": None,
            "active_lock_reason": None,
            "created_at": pull.created_at,
            "updated_at": pull.updated_at,
            "closed_at": pull.closed_at,
            "merged_at": pull.merged_at,
            "merge_commit_sha": pull.merge_commit_sha,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "head": self._end(pull.head_repo or repo, pull.head, pull.head_sha),
            "base": self._end(repo, pull.base, pull.base_sha),
            "_links": {name: {"href": link} for name, link in links.items()},
            "author_association": "OWNER",
            "auto_merge": {
                "enabled_by": self.user(pull.auto_merge),
                "merge_method": "merge",
                "commit_title": "",
                "commit_message": "",
            }
            if pull.auto_merge
            else None,
            "draft": pull.draft,
        }

    def full_pull(self, repo: Repo, pull: Pull, counts: dict[str, int]) -> dict[str, Any]:
        """pull-request. `counts` holds commits, additions, deletions and changed_files."""
        return self.pull(repo, pull) | {
            "merged": pull.merged_at is not None,
            "mergeable": not has_conflict(repo, pull) if pull.state == "open" else None,
            "rebaseable": None,
            "mergeable_state": mergeable_state(repo, pull) if pull.state == "open" else "unknown",
            "merged_by": self.user(pull.merged_by) if pull.merged_by else None,
            "comments": sum(comment.number == pull.number for comment in repo.comments.values()),
            "review_comments": 0,
            "maintainer_can_modify": False,
            **counts,
        }

    def _end(self, repo: Repo, branch: str, sha: str) -> dict[str, Any]:
        return {
            "label": f"{repo.owner.login}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.user(repo.owner),
            "repo": self.repository(repo),
        }

    def comment(self, repo: Repo, comment: Comment) -> dict[str, Any]:
        """issue-comment."""
        base = f"{self.api}/repos/{repo.full_name}/issues"
        return {
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "url": f"{base}/comments/{comment.id}",
            "body": comment.body,
            "user": self.user(comment.user),
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "html_url": f"{self.url}/{repo.full_name}/pull/{comment.number}#issuecomment-{comment.id}",
            "issue_url": f"{base}/{comment.number}",
            "author_association": "NONE",
            "performed_via_github_app": None,
        }
