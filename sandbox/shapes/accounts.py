"""The shapes of users, repositories, Apps and installations."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sandbox.app_records import AppRecord, Installation
from sandbox.records import Label, Repo, User
from sandbox.shapes.links import REPO_LINKS, USER_LINKS


class AccountShapes:
    """Shapes whose addresses lead to this server. `url` is its root."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.api = f"{url}/api/v3"

    def user(self, user: User) -> dict[str, Any]:
        """simple-user."""
        # The brackets in a bot's name are escaped in addresses.
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
            "has_issues": repo.has_issues,
            "has_projects": False,
            "has_wiki": False,
            "has_pages": False,
            "has_downloads": False,
            "has_discussions": False,
            "archived": repo.archived,
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
        allowed = {
            "allow_merge_commit": "merge" in repo.merge_methods,
            "allow_squash_merge": "squash" in repo.merge_methods,
            "allow_rebase_merge": "rebase" in repo.merge_methods,
        }
        return self.repository(repo) | {"network_count": 0, "subscribers_count": 0} | allowed

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
            "permissions": found.permissions,
            "events": found.app.events,
            "created_at": found.created_at,
            "updated_at": found.created_at,
            "single_file_name": None,
            "has_multiple_single_files": False,
            "single_file_paths": [],
            "repository_selection": "selected",
            "suspended_by": self.user(found.account) if found.suspended_at else None,
            "suspended_at": found.suspended_at,
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
