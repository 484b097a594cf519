"""Report on the base branch what is wrong with a fleet file or a .gitmodules."""

from __future__ import annotations

import hashlib

from bot.domain.names import CommitSha, RepoName
from bot.fleetfile.yaml_lines import YamlFileError
from bot.github.checks import post_check
from bot.github.client import Client
from bot.github.endpoints import repository
from bot.plan.report.check import render_fleet_file_problems

FLEET_CHECK = "aios/fleet-file"


def report_file_problems(client: Client, repo: RepoName, head: CommitSha, problem: YamlFileError) -> None:
    """Post a check on `head` that lists the problems, each with its line; the same problems are posted once."""
    check = render_fleet_file_problems(problem.path, problem.problems)
    digest = hashlib.sha256(str(problem).encode()).hexdigest()[:12]
    posted = repository.find_checks(client, repo, head, name=FLEET_CHECK)
    if not any(run.external_id == digest for run in posted):
        post_check(client, repo, head, FLEET_CHECK, check, external_id=digest)
