"""The shapes of check runs, commit statuses, deployments and workflow runs."""

from __future__ import annotations

from typing import Any

from sandbox.records import CheckRun, CommitStatus, Deployment, DeploymentStatus, Repo, Run
from sandbox.shapes.accounts import AccountShapes


class CheckShapes(AccountShapes):
    """Check runs, commit statuses, deployments and workflow runs."""

    def check_suite(self, repo: Repo, run: CheckRun) -> dict[str, Any]:
        """The suite of a check run, as in webhooks."""
        return {
            "id": run.suite,
            "node_id": f"CS_{run.suite}",
            "head_branch": None,
            "head_sha": run.head_sha,
            "status": "queued" if run.rerequested else run.status,
            "conclusion": None if run.rerequested else run.conclusion,
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
        """The response to a dispatch with `return_run_details`."""
        return {
            "workflow_run_id": run.id,
            "run_url": f"{self.api}/repos/{repo.full_name}/actions/runs/{run.id}",
            "html_url": f"{self.url}/{repo.full_name}/actions/runs/{run.id}",
        }
