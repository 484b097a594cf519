"""The embedded GitHub: real bare repositories, the REST surface the bot uses, webhooks, a page, jobs for a runner.

Strict where GitHub is strict. `EmbeddedGitHub` is what tests, benches and the demo hold; everything else goes over
HTTP, as it would with the real one.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from flask import Flask
from waitress.server import TcpWSGIServer, create_server

from bot.domain.names import RepoName
from sandbox import (
    access,
    forks,
    graphql,
    pages,
    registration,
    rest_actions,
    rest_apps,
    rest_checks,
    rest_environments,
    rest_git,
    rest_issues,
    rest_orgs,
    rest_people,
    rest_pulls,
    runners,
    smart_http,
)
from sandbox.api import Context, Hub, Logged
from sandbox.faults import BreakableChannel, Cut, Fault
from sandbox.rest_actions import end_run
from sandbox.shapes import Shapes
from sandbox.state import BranchRules, Delivery, Repo, Run, State, Token, User
from sandbox.webhooks import Disorder, Webhooks

THREADS = 16
LARGEST_REQUEST = 100 * 1024 * 1024  # bytes


class App(NamedTuple):
    """A registered App, as its owner holds it."""

    id: int
    slug: str
    client_id: str
    private_key_pem: str


class Job(NamedTuple):
    """A queued job that a runner has claimed."""

    run_id: int
    id: int
    repo: RepoName
    workflow: str  # path of the workflow file in the repository
    ref: str
    inputs: Mapping[str, str]
    event: Mapping[str, object]
    token: str  # GITHUB_TOKEN


class EmbeddedGitHub:
    """One GitHub of one's own, on loopback."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = ""
        self._state = State(root)
        self._shapes = Shapes("")
        self._webhooks = Webhooks(self._state)
        self._hub = Hub(self._state, self._shapes, self._webhooks)

    def __enter__(self) -> EmbeddedGitHub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.url:
            self.stop()

    def start(self, port: int = 0) -> None:
        """Serve on 127.0.0.1 (port 0: any free one) until `stop`."""
        flask = Flask(__name__)
        orders = (rest_checks, rest_actions, rest_environments)
        talk = (rest_orgs, rest_pulls, rest_people, rest_issues)
        for room in (registration, runners, rest_apps, rest_git, *talk, *orders):
            self._hub.register(flask, room.ROUTES)
        self._hub.refuse_the_rest(flask)
        graphql.register(flask, self._hub)
        smart_http.register(flask, self._hub)
        pages.register(flask, self._hub)
        registration.register(flask, self._hub)
        runners.register(flask, self._hub)
        server = create_server(
            flask, host="127.0.0.1", port=port, threads=THREADS, max_request_body_size=LARGEST_REQUEST
        )
        if not isinstance(server, TcpWSGIServer):
            raise TypeError("one address is served by one server")
        server.channel_class = BreakableChannel
        self._server = server
        port = int(server.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}"
        self._shapes.url, self._shapes.api = self.url, f"{self.url}/api/v3"
        self._thread = threading.Thread(target=self._serve, name="embedded-github", daemon=True)
        self._thread.start()
        self._webhooks.start()

    def _serve(self) -> None:
        with suppress(OSError):  # its own socket, which `stop` closes while it waits for it
            self._server.run()

    def stop(self) -> None:
        """Deliver what is queued, and end."""
        self._hub.faults.end()
        self._webhooks.stop()
        self._server.close()
        self._server.task_dispatcher.shutdown(timeout=2)
        self._thread.join(timeout=0.1)  # it would wait for kept connections

    # -- making a world -------------------------------------------------------------------------------------

    def create_user(self, login: str) -> str:
        """A person; returns a token that may all that the person may."""
        with self._state.lock:
            return access.new_person_token(self._state, self._state.user(login))

    def create_repository(self, full_name: str, *, default_branch: str = "main", private: bool = False) -> None:
        """An empty repository."""
        with self._state.lock:
            forks.create_repository(self._state, self.root, full_name, default_branch=default_branch, private=private)

    def fork(self, full_name: str, *, by: str) -> RepoName:
        """Fork it as `by`; the fork's name."""
        with self._state.lock:
            made = forks.create_fork(self._state, self.root, self._state.repo(full_name), self._state.user(by))
        return RepoName(made.full_name)

    def create_team(self, org: str, slug: str, members: Sequence[str]) -> None:
        """A team of an organisation."""
        with self._state.lock:
            self._state.teams[f"{org}/{slug}".lower()] = frozenset(login.lower() for login in members)

    def set_permission(self, full_name: str, login: str, level: str) -> None:
        """Give a person read, triage, write, maintain or admin."""
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
        return App(record.id, record.slug, record.client_id, record.private_key_pem)

    def find_app(self, slug: str) -> tuple[App, int]:
        """An App that somebody registered and installed on the pages, and its installation."""
        with self._state.lock:
            found = next(one for one in self._state.installations.values() if one.app.slug == slug)
            record = found.app
            return App(record.id, record.slug, record.client_id, record.private_key_pem), found.id

    def new_manifest_code(self, app: App) -> str:
        """What the manifest flow brings back for a registered App."""
        with self._state.lock:
            return registration.new_code(self._state, self._state.apps[app.id])

    def webhook_secret(self, app: App) -> str:
        """What the App's webhooks are signed with."""
        with self._state.lock:
            return self._state.apps[app.id].webhook_secret

    def set_webhook(self, app: App, url: str, secret: str) -> None:
        """Send the App's webhooks elsewhere."""
        with self._state.lock:
            record = self._state.apps[app.id]
            record.webhook_url, record.webhook_secret = url, secret

    def install(self, app: App, account: str, repositories: Sequence[str]) -> int:
        """Install the App; the installation's id. Its webhook follows."""
        with self._state.lock:
            record, owner = self._state.apps[app.id], self._state.user(account)
            return registration.new_installation(self._hub, record, owner, repositories).id

    def add_to_installation(self, installation: int, repositories: Sequence[str]) -> None:
        """Give an installed App more repositories. Its webhook follows."""
        with self._state.lock:
            registration.add_repositories(self._hub, self._state.installations[installation], repositories)

    # -- what people do -------------------------------------------------------------------------------------

    def protect_environment(self, full_name: str, name: str, kinds: Sequence[str]) -> None:
        """Put protection rules before the jobs of an environment; one of an App's kind is a custom rule."""
        with self._state.lock:
            self._state.repo(full_name).environments[name] = list(kinds)

    def merge_pull(self, full_name: str, number: int, *, by: str, method: str = "merge") -> str:
        """Press Merge as `by`; the new commit of the base branch."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            user = self._state.user(by)
            return self._hub.happenings.merge(repo, repo.pulls[number], user, method=method)

    def comment(self, full_name: str, number: int, body: str, *, by: str) -> int:
        """Comment as `by`; the comment's id."""
        with self._state.lock:
            repo = self._state.repo(full_name)
            return rest_pulls.comment_on(self._context(self._state.user(by)), repo, repo.pulls[number], body).id

    def press(self, full_name: str, check_run: int, identifier: str, *, by: str) -> None:
        """Press a button of a completed check run as `by`."""
        with self._state.lock:
            repo, user = self._state.repo(full_name), self._state.user(by)
            run = next(run for run in repo.checks if run.id == check_run)
            rest_people.press_button(self._context(user), repo, run, identifier, user)

    def set_rules(self, full_name: str, branch: str, *, approvals: int = 0, contexts: Sequence[str] = ()) -> None:
        """What `branch` asks of pull requests into it."""
        with self._state.lock:
            self._state.repo(full_name).rules[branch] = BranchRules(approvals, tuple(contexts))

    def allow_auto_merge(self, full_name: str) -> None:
        """The repository's setting."""
        with self._state.lock:
            self._state.repo(full_name).allow_auto_merge = True

    # -- what a runner does ---------------------------------------------------------------------------------

    def claim_job(self, labels: Sequence[str], timeout: float) -> Job | None:
        """The oldest queued job whose labels are all among `labels`, waiting up to `timeout` seconds."""
        with self._state.lock:
            self._state.changed.wait_for(lambda: self._next_run(labels) is not None, timeout)
            found = self._next_run(labels)
            if found is None:
                return None
            repo, run = found
            run.status = "in_progress"
            token = access.new_job_token(
                self._state, repo, self._state.user("github-actions[bot]", "Bot"), run.permissions
            )
            inputs = run.event["inputs"]
            path = f"{rest_actions.FOLDER}/{run.workflow}"
            return Job(run.id, run.job_id, RepoName(repo.full_name), path, run.ref, inputs, run.event, token)

    def _next_run(self, labels: Sequence[str]) -> tuple[Repo, Run] | None:
        own = {label.lower() for label in labels}
        for repo in self._state.repos.values():
            for run in repo.runs:
                if run.status == "queued" and {label.lower() for label in run.labels} <= own:
                    return repo, run
        return None

    def finish_job(self, job: Job, conclusion: str, log: str) -> None:
        """Report a claimed job's end."""
        with self._state.lock:
            repo = self._state.repo(job.repo)
            run = next(run for run in repo.runs if run.id == job.run_id)
            self._state.tokens.pop(job.token, None)
            end_run(self._context(run.actor), repo, run, conclusion, log)

    # -- watching and disturbing ----------------------------------------------------------------------------

    @property
    def requests(self) -> list[Logged]:
        """Every request that was answered so far; clear it to start counting."""
        return self._hub.requests

    @property
    def exercised(self) -> dict[str, str]:
        """The most that Apps have used of each permission so far, by requests and by events that they were sent."""
        return self._state.exercised

    @property
    def faults(self) -> list[Fault]:
        """Faults to be played; add to it."""
        return self._hub.faults.planned

    @property
    def hourly(self) -> int:
        """Requests that each installation may make in an hour; set it to try the end of them."""
        return self._hub.hourly

    @hourly.setter
    def hourly(self, requests: int) -> None:
        self._hub.hourly = requests

    @property
    def latency(self) -> float:
        """Seconds that every request waits before it is looked at."""
        return self._hub.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._hub.latency = seconds

    @property
    def webhooks(self) -> list[tuple[str, dict[str, object]]]:
        """Every webhook that was made: its event and payload."""
        return [(delivery.event, delivery.payload) for delivery in self._state.deliveries]

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to deliver, oldest first."""
        return self._state.deliveries

    def drop_deliveries(self, *, on: bool) -> None:
        """Lose every delivery from now on, or no longer."""
        self._webhooks.dropping = on

    def disorder_deliveries(self, dice: random.Random | None, *, doubled: float = 0.5) -> None:
        """Deliver in another order from now on, and a share twice; None: as ever."""
        self._webhooks.disorder = None if dice is None else Disorder(dice, doubled)

    def wait_for_deliveries(self, timeout: float = 30) -> bool:
        """Wait until every webhook was answered."""
        return self._webhooks.wait(timeout)

    def _context(self, user: User) -> Context:
        return Context(self._hub, Token(user, None, None, None), None)


__all__ = ["App", "Cut", "EmbeddedGitHub", "Fault", "Job"]
