"""Report on the base branch what is wrong with a fleet file or a .gitmodules."""

from __future__ import annotations

import hashlib
from functools import partial

from bot.domain.names import CommitSha, RepoName
from bot.fleetfile.yaml_lines import YamlFileError
from bot.github.checks import ensure_check
from bot.github.client import Client
from bot.plan.report.check import render_fleet_file_problems

FLEET_CHECK = "aios/fleet-file"


def report_file_problems(client: Client, repo: RepoName, head: CommitSha, problem: YamlFileError) -> None:
    """Post a check on `head` that lists the problems, each with its line; the same problems are posted once."""
    render = partial(render_fleet_file_problems, problem.path, problem.problems)
    digest = hashlib.sha256(str(problem).encode()).hexdigest()[:12]
    ensure_check(client, repo, head, FLEET_CHECK, render, external_id=digest)
