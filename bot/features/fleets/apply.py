"""Report on the base branch what is wrong with its files and what the App may not do; work pin by pin."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bot.domain.errors import RetryLater
from bot.domain.names import BranchName, CommitSha, RepoName
from bot.features.fleets.facts import Pinned
from bot.features.fleets.jobs import AccessRead, ForgetInstallation, Outcome, PinsJob, RepeatChecks, SyncFleet
from bot.features.fleets.text import (
    MissingPermission,
    UnreadableUpstream,
    render_access_problem,
    render_access_title,
    render_missing_base,
)
from bot.fleetfile import FLEET_FILE
from bot.fleetfile.problems import YamlFileError
from bot.github.checks import ensure_check
from bot.github.client import Client
from bot.github.endpoints import checks
from bot.github.errors import GitHubError
from bot.plan.report.check import CheckText, render_fleet_file_problems

if TYPE_CHECKING:
    from bot.features.fleets.read import FleetAt
    from bot.features.fleets.run import FleetTools

log = logging.getLogger(__name__)

FLEET_CHECK = "aios/fleet-file"
ACCESS_CHECK = "aios/access"
BASE_CHECK = "aios/base"


def report_file_problems(client: Client, repo: RepoName, head: CommitSha, problem: YamlFileError) -> None:
    """Post a check on `head` that lists the problems, each with its line; the same problems are posted once."""
    render = partial(render_fleet_file_problems, problem.path, problem.problems)
    digest = hashlib.sha256(str(problem).encode()).hexdigest()[:12]
    ensure_check(client, repo, head, FLEET_CHECK, render, external_id=digest)


def report_missing_base(tools: FleetTools, client: Client, main: FleetAt, base: BranchName) -> None:
    """Post a check on the head of the default branch when its fleet file lists a base without one."""
    mirror = tools.mirrors.of(main.repo)
    head = mirror.resolve(f"refs/heads/{base}")
    if head is not None and mirror.read_file(head, FLEET_FILE) is not None:
        return  # it is there, and wrong: its own head says so
    text = render_missing_base(base, exists=head is not None)
    check = CheckText(title=f"Base {base} is inactive"[:255], summary=text, text="", conclusion="neutral")
    ensure_check(client, main.repo, main.head, BASE_CHECK, lambda: check, external_id=f"{base}:{head is not None}")


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


def report_access(
    tools: FleetTools, client: Client, job: SyncFleet, branch: str, unreadable: Sequence[UnreadableUpstream]
) -> tuple[AccessRead, ...]:
    """Post a check on the head of `branch` that says what the App may not do, and one more when that has ended.

    A report that GitHub refuses is logged: the permission that it needs may be the one that is missing. Returns what
    is new, for the other features.
    """
    repo, installation = job.fleet, tools.app.installation(job.installation)
    head = tools.mirrors.of(repo).resolve(f"refs/heads/{branch}")
    if head is None:
        return ()
    missing = [MissingPermission(one.name, one.level, one.why) for one in installation.lacking]
    text = render_access_problem(missing, unreadable, settings_url=installation.html_url)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12] if text else ""
    reported = tools.pins.find_access_report(repo)
    if reported == (f"{head}:{digest}" if digest else ""):
        return ()
    title = render_access_title(missing, unreadable) if text else "The App has all the access it needs"
    conclusion = "action_required" if text else "success"
    check = CheckText(title=title, summary=text or title, text="", conclusion=conclusion)
    if text:
        log.warning("%s: %s", repo, title)
    url = installation.html_url if text else ""
    try:
        ensure_check(client, repo, head, ACCESS_CHECK, lambda: check, external_id=digest or "all", details_url=url)
    except GitHubError as problem:
        log.warning("%s: %s", repo, problem)
    else:
        tools.pins.save_access_report(repo, f"{head}:{digest}" if digest else "")
    found = AccessRead(fleet=repo, installation=job.installation, problem=title if text else "", url=url)
    return (found,)


def forget_installation(tools: FleetTools, job: ForgetInstallation) -> Outcome:
    """Remove the fleets of an installation that is gone; a later one has them read again."""
    tools.pins.keep_fleets(job.gone, ())
    return ()


def repeat_checks(client: Client, job: RepeatChecks) -> Outcome:
    """Complete every check of ours on the commit again; a different answer comes as a new run of its own."""
    for run in checks.find_all_own_checks(client, job.fleet, job.sha):
        if run.is_completed:
            checks.complete_again(client, job.fleet, run)
    return ()
