"""Report on the base branch what is wrong with a fleet file or a .gitmodules, and work pin by pin."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from bot.domain.errors import RetryLater
from bot.domain.names import CommitSha, RepoName
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import PinsJob
from bot.fleetfile.yaml_lines import YamlFileError
from bot.github.checks import ensure_check
from bot.github.client import Client
from bot.plan.report.check import render_fleet_file_problems

log = logging.getLogger(__name__)

FLEET_CHECK = "aios/fleet-file"


def report_file_problems(client: Client, repo: RepoName, head: CommitSha, problem: YamlFileError) -> None:
    """Post a check on `head` that lists the problems, each with its line; the same problems are posted once."""
    render = partial(render_fleet_file_problems, problem.path, problem.problems)
    digest = hashlib.sha256(str(problem).encode()).hexdigest()[:12]
    ensure_check(client, repo, head, FLEET_CHECK, render, external_id=digest)


def work_pin_by_pin(job: PinsJob, pins: Sequence[Pinned], work: Callable[[Pinned], None]) -> list[PinsJob]:
    """Call `work` for each pin that `job` is about. Returns a job for each pin that failed, to retry it alone.

    Raises RetryLater, which holds for the whole installation, and whatever the only pin raises.
    """
    own = [pin for pin in pins if job.submodule in (None, pin.submodule)]
    alone: list[PinsJob] = []
    for pinned in own:
        try:
            work(pinned)
        except Exception as problem:
            if isinstance(problem, RetryLater) or len(own) == 1:
                raise
            log.exception("%s on %s of %s failed; retried alone", pinned.submodule, job.base, job.fleet)
            alone.append(replace(job, submodule=pinned.submodule, not_before=0))
    return alone
