"""The embedded GitHub: bare repositories, the REST operations that the bot uses, webhooks, pages and jobs.

Strict where GitHub is strict. Tests, benches and the demo set it up and observe it by `EmbeddedGitHub`; everything
else goes by HTTP, as with the real one.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from flask import Flask

from bot.domain.names import RepoName
from sandbox import (
    access,
    authorization,
    forks,
    id_tokens,
    jobs,
    moving,
    registration,
    rest_checks,
    rest_comments,
    rest_people,
)
from sandbox.api import Api, Context
from sandbox.app_records import AppRecord, Delivery, Token
from sandbox.behaviours import SERVERS, Behaviours
from sandbox.buttons import PullButtons
from sandbox.faults import Cut, Fault
from sandbox.jobs import Job
from sandbox.records import BranchRules, Deployment, User
from sandbox.requests_log import LoggedRequest
from sandbox.rest_actions import end_run
from sandbox.server import HttpServer
from sandbox.shapes import Shapes
from sandbox.state import State
from sandbox.webhooks import Disorder, Webhooks


class App(NamedTuple):
    """A registered App with its private key."""

    id: int
    slug: str
    client_id: str
    private_key_pem: str
    client_secret: str = ""


class EmbeddedGitHub(PullButtons):
    """A GitHub on the loopback interface."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = ""
        self._state = State(root)
        self._shapes = Shapes("")
        self._webhooks = Webhooks(self._state)
        self._api = Api(self._state, self._shapes, self._webhooks)

    def __enter__(self) -> EmbeddedGitHub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.url:
            self.stop()

    def start(self, port: int = 0) -> None:
        """Serve on 127.0.0.1 (port 0: any free one) until `stop`."""
        self._server = HttpServer(self._api, port)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._shapes.url, self._shapes.api = self.url, f"{self.url}/api/v3"
        self._server.start()
        self._webhooks.start()

    def stop(self) -> None:
        """Deliver the queued webhooks, and end."""
        self._api.faults.end()
        self._webhooks.stop()
        self._server.stop()

    @property
    def application(self) -> Flask:
        """What answers requests, once started: for a test that hands them over without a socket."""
        return self._server.application

    @property
    def behaviours(self) -> Behaviours:
        """The switches of what real GitHub does."""
        return self._state.behaviours

    def behave_like(self, name: str) -> None:
        """Set all switches as the server or account `name` of sandbox.behaviours.SERVERS has them."""
        self._state.behaviours = replace(SERVERS[name], clock=self.behaviours.clock)

    # -- set-up ---------------------------------------------------------------------------------------------

    def create_user(self, login: str) -> str:
        """Create a user; returns a token with all their permissions."""
        with self._state.lock:
            return access.new_person_token(self._state, self._state.user(login))

    def create_repository(self, full_name: str, *, default_branch: str = "main", private: bool = False) -> None:
        """Create an empty repository."""
        with self._state.lock:
            forks.create_repository(self._state, self.root, full_name, default_branch=default_branch, private=private)

    def fork(self, full_name: str, *, by: str) -> RepoName:
        """Fork the repository as `by`; returns the fork's name."""
        with self._state.lock:
            made = forks.create_fork(self._state, self.root, self._state.repo(full_name), self._state.user(by))
        return RepoName(made.full_name)

    def create_team(self, org: str, slug: str, members: Sequence[str]) -> None:
        """Create a team of an organisation."""
        with self._state.lock:
            self._state.teams[f"{org}/{slug}".lower()] = frozenset(login.lower() for login in members)

    def set_permission(self, full_name: str, login: str, level: str) -> None:
        """Grant a user read, triage, write, maintain or admin."""
        with self._state.lock:
            self._state.user(login)
            self._state.repo(full_name).permissions[login] = level

    def register_app(
        self, name: str, permissions: dict[str, str], events: Sequence[str], webhook_url: str, webhook_secret: str
    ) -> App:
        """Register a GitHub App with a new private key."""
        with self._state.lock:
            record = registration.new_app(
                self._state,
                name,
                owner=self._state.user("app-owner"),
                permissions=permissions,
                events=events,
                webhook_url=webhook_url,
                secret=webhook_secret,
            )
        return _as_app(record)

    def rename_app(self, app_id: int, slug: str) -> None:
        """Give an App another name, as its owner does: its bot has it from then on, on what it wrote before too."""
        with self._state.lock:
            record = self._state.apps[app_id]
            record.slug, record.bot.login = slug, f"{slug}[bot]"

    def find_app(self, slug: str) -> tuple[App, int]:
        """An App that was registered and installed on the pages, and its installation."""
        with self._state.lock:
            found = next(one for one in self._state.installations.values() if one.app.slug == slug)
            return _as_app(found.app), found.id

    def new_job_token(self, full_name: str, permissions: dict[str, str]) -> str:
        """The token of a workflow's job in the repository, as any workflow that somebody pushes may have it."""
        with self._state.lock:
            repo, bot = self._state.repo(full_name), self._state.actions_app().bot
            return access.new_job_token(self._state, repo, bot, permissions)

    def issue_id_token(self, full_name: str, audience: str, **claims: object) -> str:
        """The OIDC token that a job of the repository gets; `claims` replace what it would say."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            return id_tokens.issue(self._state, repo, audience, issuer=f"{self.url}{id_tokens.ISSUER}", claims=claims)

    def rotate_id_token_keys(self) -> None:
        """Sign the tokens of jobs with a new key; the one before is published still, older ones are not."""
        with self._state.lock:
            id_tokens.rotate(self._state)

    def new_manifest_code(self, app: App) -> str:
        """A code of the manifest flow for a registered App."""
        with self._state.lock:
            return registration.new_code(self._state, self._state.apps[app.id])

    def webhook_secret(self, app: App) -> str:
        """The secret that the App's webhooks are signed with."""
        with self._state.lock:
            return self._state.apps[app.id].webhook_secret

    def set_webhook(self, app: App, url: str, secret: str) -> None:
        """Change the address and the secret of the App's webhook."""
        with self._state.lock:
            record = self._state.apps[app.id]
            record.webhook_url, record.webhook_secret = url, secret

    def install(self, app: App, account: str, repositories: Sequence[str]) -> int:
        """Install the App and send the webhook; returns the installation's id."""
        with self._state.lock:
            record, owner = self._state.apps[app.id], self._state.user(account)
            return registration.new_installation(self._api, record, owner, repositories).id

    def set_callbacks(self, app: App, *urls: str) -> None:
        """Change where whoever authorises the App may be sent."""
        with self._state.lock:
            self._state.apps[app.id].callback_urls = list(urls)

    def browse_as(self, login: str) -> None:
        """From now on this user is signed in to GitHub in the browser."""
        with self._state.lock:
            self._state.browsing = self._state.user(login).login

    def revoke_authorization(self, app: App, login: str) -> None:
        """Take back, as the user, that the App may act as them, and send the webhook."""
        with self._state.lock:
            authorization.revoke(self._api, self._state.apps[app.id], self._state.user(login))

    def user_tokens(self, app: App) -> int:
        """How many tokens of users the App holds now."""
        with self._state.lock:
            return sum(
                one.authorized_by is not None and one.authorized_by.id == app.id
                for one in self._state.tokens.values()
            )

    def accept_permissions(self, installation: int, permissions: dict[str, str] | None = None) -> None:
        """Accept what the App asks for, or only `permissions`, as the owner of the account."""
        with self._state.lock:
            registration.accept_permissions(self._api, self._state.installations[installation], permissions)

    def set_private(self, full_name: str, *, private: bool) -> None:
        """Make a repository private or public."""
        with self._state.lock:
            self._state.repo(full_name).private = private

    def rename_repository(self, full_name: str, new_name: str) -> None:
        """Rename a repository within its account and send the webhook; the old name redirects."""
        with self._state.lock:
            moving.rename_repository(self._api, self._state.repo(full_name), new_name)

    def delete_repository(self, full_name: str) -> None:
        """Delete a repository and send the webhook."""
        with self._state.lock:
            moving.delete_repository(self._api, self._state.repo(full_name))

    def add_repositories(self, installation: int, repositories: Sequence[str]) -> None:
        """Give the App more repositories of its account and send the webhook."""
        with self._state.lock:
            registration.add_repositories(self._api, self._state.installations[installation], repositories)

    def rename_branch(self, full_name: str, old: str, new: str, *, by: str) -> None:
        """Rename a branch on the page Branches."""
        with self._state.lock:
            moving.rename_branch(self._api, self._state.repo(full_name), old, new, self._state.user(by))

    def remove_collaborator(self, full_name: str, login: str) -> None:
        """Take from a user what they were granted in a repository, and send the webhook."""
        with self._state.lock:
            moving.remove_collaborator(self._api, self._state.repo(full_name), self._state.user(login))

    def archive_repository(self, full_name: str) -> None:
        """Archive a repository and send the webhook: it is read-only from now on."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            repo.archived = True
            self._api.effects.send("repository", repo, repo.owner, action="archived")

    def switch_issues_off(self, full_name: str) -> None:
        """Take the tab Issues away, on the page Settings."""
        with self._state.lock:
            self._state.repo(full_name).has_issues = False

    def uninstall(self, installation: int) -> None:
        """Remove the App from the account and send the webhook."""
        with self._state.lock:
            moving.uninstall(self._api, self._state.installations[installation])

    def suspend(self, installation: int) -> None:
        """Suspend the App in the account and send the webhook."""
        with self._state.lock:
            moving.suspend(self._api, self._state.installations[installation])

    def lock_conversation(self, full_name: str, number: int) -> None:
        """Lock the conversation of a pull request: only people with write permission may comment."""
        with self._state.lock:
            self._state.repo(full_name).pulls[number].locked = True

    def add_to_installation(self, installation: int, repositories: Sequence[str]) -> None:
        """Give an installed App more repositories and send the webhook."""
        with self._state.lock:
            registration.add_repositories(self._api, self._state.installations[installation], repositories)

    # -- acting as a user------------------------------------------------------------------------------------

    def protect_environment(self, full_name: str, name: str, kinds: Sequence[str]) -> None:
        """Set the protection rules of an environment; any kind that GitHub does not have is a custom rule."""
        with self._state.lock:
            self._state.repo(full_name).environments[name] = list(kinds)

    def merge_pull(self, full_name: str, number: int, *, by: str, method: str = "merge") -> str:
        """Merge as `by`; returns the new commit of the base branch."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            user = self._state.user(by)
            return self._api.effects.merge(repo, repo.pulls[number], user, method=method)

    def comment(self, full_name: str, number: int, body: str, *, by: str) -> int:
        """Comment as `by`; returns the comment's id."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            return rest_comments.comment_on(self._context(self._state.user(by)), repo, repo.pulls[number], body).id

    def press(self, full_name: str, check_run: int, identifier: str, *, by: str) -> None:
        """Press a button of a completed check run as `by`."""
        with self._state.lock:
            repo, user = self._state.repo(full_name), self._state.user(by)
            run = next(run for run in repo.checks if run.id == check_run)
            rest_people.press_button(self._context(user), repo, run, identifier, user)

    def rerequest(self, full_name: str, sha: str, name: str = "", *, by: str) -> None:
        """Press Re-run of a check run, or "Re-run all checks" without a name, as `by`."""
        with self._state.lock:
            repo, context = self._state.repo(full_name), self._context(self._state.user(by))
            runs = [run for run in repo.checks if run.head_sha == sha and name in ("", run.name)]
            if name:
                rest_checks.rerequest(context, repo, runs[-1])
            else:
                rest_checks.rerequest_suite(context, repo, runs)

    def rerequested_checks(self, full_name: str) -> list[str]:
        """The names of the check runs whose suite waits for the App."""
        return [run.name for run in self._state.repo(full_name).checks if run.rerequested]

    def set_rules(
        self,
        full_name: str,
        branch: str,
        *,
        approvals: int = 0,
        contexts: Sequence[str] = (),
        sources: Mapping[str, int] | None = None,
        **more: bool,
    ) -> None:
        """Set what `branch` requires of pull requests into it; `sources`: the App that has to post a check.

        `more`: signed, linear, strict, is_frozen, as in BranchRules.
        """
        with self._state.lock:
            made = BranchRules(approvals, tuple(contexts), dict(sources or {}), **more)
            self._state.repo(full_name).rules[branch] = made

    def make_private(self, full_name: str) -> None:
        """Let only those with a permission see the repository."""
        with self._state.lock:
            self._state.repo(full_name).private = True

    def allow_auto_merge(self, full_name: str) -> None:
        """Allow auto-merge in the repository."""
        with self._state.lock:
            self._state.repo(full_name).allow_auto_merge = True

    # -- acting as a runner ---------------------------------------------------------------------------------

    def claim_job(self, labels: Sequence[str], timeout: float) -> Job | None:
        """Claim the oldest queued job whose labels are all among `labels`, waiting up to `timeout` seconds."""
        with self._state.lock:
            return jobs.claim(self._state, labels, timeout)

    def finish_job(self, job: Job, conclusion: str, log: str) -> None:
        """Report the end of a claimed job."""
        with self._state.lock:
            repo, run = jobs.release(self._state, job)
            end_run(self._context(run.actor), repo, run, conclusion, log)

    # -- observing, and faults - ----------------------------------------------------------------------------

    @property
    def requests(self) -> list[LoggedRequest]:
        """Every answered request; clear the list to start counting."""
        return self._api.requests

    @property
    def exercised(self) -> dict[str, str]:
        """The highest level of each permission that Apps have used, by requests and by received events."""
        return self._state.exercised

    @property
    def faults(self) -> list[Fault]:
        """The planned faults; append to add one."""
        return self._api.faults.planned

    @property
    def hourly(self) -> int:
        """The rate limit: requests per installation and hour."""
        return self._api.hourly

    @hourly.setter
    def hourly(self, requests: int) -> None:
        self._api.hourly = requests

    @property
    def latency(self) -> float:
        """Seconds of delay before each request is processed."""
        return self._api.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._api.latency = seconds

    @property
    def webhooks(self) -> list[tuple[str, dict[str, object]]]:
        """The event and payload of every webhook."""
        return [(delivery.event, delivery.payload) for delivery in self._state.deliveries]

    @property
    def deliveries(self) -> list[Delivery]:
        """Every delivery attempt, oldest first."""
        return self._state.deliveries

    def drop_deliveries(self, *, on: bool) -> None:
        """Lose every delivery from now on, or stop losing them."""
        self._webhooks.dropping = on

    def disorder_deliveries(self, dice: random.Random | None, *, doubled: float = 0.5) -> None:
        """Shuffle deliveries from now on, and send a share of them twice; None: stop."""
        self._webhooks.disorder = None if dice is None else Disorder(dice, doubled)

    def wait_for_deliveries(self, timeout: float = 30) -> bool:
        """Wait until every webhook was answered; returns whether all were."""
        return self._webhooks.wait(timeout)

    def deployments(self, full_name: str) -> list[Deployment]:
        """Every deployment of a repository, oldest first, whether lists show it or not."""
        return self._state.repo(full_name).deployments

    def _context(self, user: User) -> Context:
        return Context(self._api, Token(user, None, None, None), None)


def _as_app(record: AppRecord) -> App:
    return App(record.id, record.slug, record.client_id, record.private_key_pem, record.client_secret)


__all__ = ["App", "Cut", "EmbeddedGitHub", "Fault", "Job"]
