"""Run one job: with the access that its kind needs, and with what it leads to put into the queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.errors import RetryLater
from bot.features.fleets.facts import PinIndex
from bot.features.fleets.jobs import Access, FleetJob, Job, SyncInstallation
from bot.features.fleets.read import PERMISSIONS
from bot.git import mirrors
from bot.git.git import GitError
from bot.git.mirrors import Mirrors
from bot.github.app import App
from bot.github.client import Client
from bot.github.errors import GitHubError
from bot.queue.inbox import Inbox
from bot.queue.lanes import QueuedJob
from bot.queue.metrics import RUN_SECONDS
from bot.service.ability import Ability
from bot.service.router import Runner, decode_job, encode_job, route

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Worker:
    """The handler of the queue's jobs."""

    app: App
    mirrors: Mirrors
    index: PinIndex
    inbox: Inbox
    runners: Mapping[type[Job], Runner]
    ability: Ability
    now: Callable[[], float]  # seconds since the epoch

    def handle(self, queued: QueuedJob) -> None:
        """Run a job, and queue what follows from it. Raises RetryLater when it has to wait."""
        job, began = decode_job(queued), time.monotonic()
        try:
            self.inbox.add_jobs(encode_job(follower) for follower in self.run(job))
        except RetryLater as wait:
            self.ability.note_wait(_identity(job), wait)
            raise
        except GitHubError as problem:
            self.ability.note_refusal(_identity(job), problem)
            raise
        except GitError as problem:
            self._discard_damaged_mirrors(job, problem)
            raise
        else:
            self.ability.note_success(_identity(job))
        finally:
            RUN_SECONDS.observe(time.monotonic() - began, look=queued.kind)

    def run(self, job: Job) -> tuple[Job, ...]:
        """Run a job; the jobs that follow, its own and those that its findings call for."""
        if job.starts_at > self.now():
            raise RetryLater("its time has not come", seconds=job.starts_at - self.now())
        outcome = self.runners[type(job)](client_for(self.app, job, self.index), job)
        followers: list[Job] = []
        for one in outcome:
            followers += [one] if isinstance(one, Job) else route(one, self.index)
        return tuple(dict.fromkeys(followers))

    def _discard_damaged_mirrors(self, job: Job, problem: GitError) -> None:
        """A git command that failed may have met a damaged mirror: remove it, and RetryLater to clone it again."""
        repos = FleetJob.repositories(job, self.index) if isinstance(job, FleetJob) else ()
        gone = mirrors.remove_damaged(self.mirrors.of(repo) for repo in repos)
        if gone:
            _LOG.warning("damaged, and cloned again: %s (%s)", ", ".join(gone), problem)
            raise RetryLater(f"the mirrors {', '.join(gone)} were damaged", seconds=1) from None


def _identity(job: Job) -> str:
    """As whom the job works, in words."""
    installation = getattr(job, "installation", None)
    return "the App" if job.access is Access.APP or installation is None else f"installation {installation}"


def client_for(app: App, job: Job, index: PinIndex) -> Client:
    """The client that `job` works with: for its own repositories, with no more rights than its kind needs.

    Raises RetryLater when the installation has to wait, or its request budget is low.
    """
    installation = getattr(job, "installation", None)
    if job.access is Access.APP or installation is None:
        return app.client()
    app.budget(installation).admit(urgent=job.urgent)
    if isinstance(job, SyncInstallation):
        app.renew(installation)
    repositories = job.repositories(index)
    access = PERMISSIONS[job.access]
    return app.as_installation(installation, repositories=repositories, permissions=access)
