"""The records in the shapes of GitHub's REST API and webhooks. Every required field is there."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sandbox.links import REPO_LINKS, USER_LINKS
from sandbox.merging import has_conflict, mergeable_state
from sandbox.state import (
    AppRecord,
    CheckRun,
    Comment,
    CommitStatus,
    Deployment,
    DeploymentStatus,
    Installation,
    Label,
    Pull,
    Repo,
    Run,
    User,
)


class Shapes:
    """Shapes with addresses that lead to this server. `url` is its root."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.api = f"{url}/api/v3"

    def user(self, user: User) -> dict[str, Any]:
        """simple-user."""
        # The brackets of a bot's name are escaped in addresses.
        base = f"{self.api}/users/{quote(user.login)}"
        return {
            "login": user.login,
            "id": user.id,
            "node_id": f"U_{user.id}",
            "avatar_url": f"{self.url}/avatars/{user.id}",
            "gravatar_id": "",
            "url": base,
            "html_url": f"{self.url}/{quote(user.login)}",
            **{f"{name}_url": f"{base}/{name}" for name in USER_LINKS},
            "organizations_url": f"{base}/orgs",
            "following_url": f"{base}/following{{/other_user}}",
            "gists_url": f"{base}/gists{{/gist_id}}",
            "starred_url": f"{base}/starred{{/owner}}{{/repo}}",
            "events_url": f"{base}/events{{/privacy}}",
            "type": user.kind,
            "site_admin": False,
        }

    def repository(self, repo: Repo) -> dict[str, Any]:
        """repository (and, with a few more fields, full-repository)."""
        base = f"{self.api}/repos/{repo.full_name}"
        page = f"{self.url}/{repo.full_name}"
        return {
            "id": repo.id,
            "node_id": f"R_{repo.id}",
            "name": repo.name,
            "full_name": repo.full_name,
            "owner": self.user(repo.owner),
            "private": repo.private,
            "html_url": page,
            "description": None,
            "fork": repo.parent is not None,
            "url": base,
            **{name: f"{base}/{path}" for name, path in REPO_LINKS.items()},
            "git_url": f"git:{page.split(':', 1)[1]}.git",
            "ssh_url": f"git@127.0.0.1:{repo.full_name}.git",
            "clone_url": f"{page}.git",
            "svn_url": page,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "forks_count": 0,
            "stargazers_count": 0,
            "watchers_count": 0,
            "size": 1,
            "default_branch": repo.default_branch,
            "open_issues_count": sum(pull.state == "open" for pull in repo.pulls.values()),
            "is_template": False,
            "topics": [],
            "has_issues": True,
            "has_projects": False,
            "has_wiki": False,
            "has_pages": False,
            "has_downloads": False,
            "has_discussions": False,
            "archived": False,
            "disabled": False,
            "visibility": "private" if repo.private else "public",
            "pushed_at": repo.created_at,
            "created_at": repo.created_at,
            "updated_at": repo.created_at,
            "forks": 0,
            "open_issues": 0,
            "watchers": 0,
            "license": None,
            "allow_forking": True,
            "web_commit_signoff_required": False,
        }

    def full_repository(self, repo: Repo) -> dict[str, Any]:
        """full-repository."""
        return self.repository(repo) | {"network_count": 0, "subscribers_count": 0}

    def app(self, app: AppRecord) -> dict[str, Any]:
        """integration."""
        return {
            "id": app.id,
            "slug": app.slug,
            "client_id": app.client_id,
            "node_id": f"A_{app.id}",
            "owner": self.user(app.owner),
            "name": app.slug,
            "description": None,
            "external_url": self.url,
            "html_url": f"{self.url}/apps/{app.slug}",
            "created_at": app.created_at,
            "updated_at": app.created_at,
            "permissions": app.permissions,
            "events": app.events,
        }

    def installation(self, found: Installation) -> dict[str, Any]:
        """installation."""
        base = f"{self.api}/app/installations/{found.id}"
        return {
            "id": found.id,
            "account": self.user(found.account),
            "access_tokens_url": f"{base}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{self.url}/settings/installations/{found.id}",
            "app_id": found.app.id,
            "app_slug": found.app.slug,
            "client_id": found.app.client_id,
            "target_id": found.account.id,
            "target_type": found.account.kind,
            "permissions": found.app.permissions,
            "events": found.app.events,
            "created_at": found.created_at,
            "updated_at": found.created_at,
            "single_file_name": None,
            "has_multiple_single_files": False,
            "single_file_paths": [],
            "repository_selection": "selected",
            "suspended_by": None,
            "suspended_at": None,
        }

    def label(self, repo: Repo, label: Label) -> dict[str, Any]:
        """label."""
        return {
            "id": label.id,
            "node_id": f"L_{label.id}",
            "url": f"{self.api}/repos/{repo.full_name}/labels/{label.name}",
            "name": label.name,
            "description": "",
            "color": "ededed",
            "default": False,
        }

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
            "locked": False,
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
            "draft": False,
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

    def check_suite(self, repo: Repo, run: CheckRun) -> dict[str, Any]:
        """The suite that holds a check run, as events tell it: each run has one of its own."""
        return {
            "id": run.suite,
            "node_id": f"CS_{run.suite}",
            "head_branch": None,
            "head_sha": run.head_sha,
            "status": run.status,
            "conclusion": run.conclusion,
            "url": f"{self.api}/repos/{repo.full_name}/check-suites/{run.suite}",
            "before": None,
            "after": None,
            "pull_requests": [],
            "app": self.app(run.app),
            "created_at": run.started_at,
            "updated_at": run.started_at,
        }

    def check_run(self, repo: Repo, run: CheckRun) -> dict[str, Any]:
        """check-run."""
        base = f"{self.api}/repos/{repo.full_name}/check-runs/{run.id}"
        page = f"{self.url}/{repo.full_name}/runs/{run.id}"
        return {
            "id": run.id,
            "head_sha": run.head_sha,
            "node_id": f"CR_{run.id}",
            "external_id": run.external_id,
            "url": base,
            "html_url": page,
            "details_url": run.details_url or page,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": run.started_at,
            "completed_at": run.completed_at,
            "output": {
                "title": run.output.get("title"),
                "summary": run.output.get("summary"),
                "text": run.output.get("text"),
                "annotations_count": len(run.output.get("annotations", [])),
                "annotations_url": f"{base}/annotations",
            },
            "name": run.name,
            "check_suite": {"id": run.suite},
            "app": self.app(run.app),
            "pull_requests": [],
        }

    def status(self, repo: Repo, status: CommitStatus) -> dict[str, Any]:
        """status."""
        return {
            "url": f"{self.api}/repos/{repo.full_name}/statuses/{status.sha}",
            "avatar_url": f"{self.url}/avatars/{status.creator.id}",
            "id": status.id,
            "node_id": f"SC_{status.id}",
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": status.created_at,
            "updated_at": status.created_at,
            "creator": self.user(status.creator),
        }

    def deployment(self, repo: Repo, deployment: Deployment) -> dict[str, Any]:
        """deployment."""
        base = f"{self.api}/repos/{repo.full_name}/deployments/{deployment.id}"
        return {
            "url": base,
            "id": deployment.id,
            "node_id": f"DE_{deployment.id}",
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task,
            "payload": deployment.payload,
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": self.user(deployment.creator),
            "created_at": deployment.created_at,
            "updated_at": deployment.created_at,
            "statuses_url": f"{base}/statuses",
            "repository_url": f"{self.api}/repos/{repo.full_name}",
            "transient_environment": False,
            "production_environment": deployment.production,
            "performed_via_github_app": None,
        }

    def deployment_status(self, repo: Repo, deployment: Deployment, status: DeploymentStatus) -> dict[str, Any]:
        """deployment-status."""
        base = f"{self.api}/repos/{repo.full_name}/deployments/{deployment.id}"
        return {
            "url": f"{base}/statuses/{status.id}",
            "id": status.id,
            "node_id": f"DES_{status.id}",
            "state": status.state,
            "creator": self.user(status.creator),
            "description": status.description,
            "environment": deployment.environment,
            "target_url": status.log_url,
            "created_at": status.created_at,
            "updated_at": status.created_at,
            "deployment_url": base,
            "repository_url": f"{self.api}/repos/{repo.full_name}",
            **({"environment_url": status.environment_url} if status.environment_url else {}),
            "log_url": status.log_url,
            "performed_via_github_app": None,
        }

    def run_links(self, repo: Repo, run: Run) -> dict[str, Any]:
        """What a dispatch answers when it is asked for details."""
        return {
            "workflow_run_id": run.id,
            "run_url": f"{self.api}/repos/{repo.full_name}/actions/runs/{run.id}",
            "html_url": f"{self.url}/{repo.full_name}/actions/runs/{run.id}",
        }
