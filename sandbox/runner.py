"""Stand in for the self-hosted runner of one node: claim the jobs queued for its labels, and run them.

If `act` is installed, it runs the fleet's real workflow file at the dispatched ref, with its expressions and secrets.
Otherwise it calls the same deploy command with the environment that the workflow would set; `how` says which.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from bot.domain.errors import BotError
from bot.git.credentials import token_environment
from bot.git.git import run_in_checkout
from bot.settings.environment import docker_environment
from sandbox.github import EmbeddedGitHub, Job

JOB_LIMIT = 900  # seconds


class Runner:
    """Runs jobs one after the other in a thread of its own, while it is entered.

    `state` is the node's own folder, `environment` what its docker client needs, `folder` a place for work.
    """

    def __init__(
        self,
        hub: EmbeddedGitHub,
        *,
        labels: Sequence[str],
        state: Path,
        environment: Mapping[str, str],
        folder: Path,
        act: str | None = None,
    ) -> None:
        self._hub = hub
        self._labels = tuple(labels)
        self._state = state
        self._environment = dict(environment)
        self._folder = folder
        self.logs = folder / "logs"  # one file per run, named by its id
        self._act = shutil.which("act") if act is None else act or None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="runner", daemon=True)

    @property
    def how(self) -> str:
        """How it runs jobs, in words."""
        if self._act:
            return "runs the fleet's workflow with act"
        return "calls `aios-bot node deploy` itself (act is not installed)"

    def __enter__(self) -> Runner:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(JOB_LIMIT)

    def _loop(self) -> None:
        while not self._stopped.is_set():
            job = self._hub.claim_job(self._labels, timeout=0.5)
            if job is not None:
                conclusion, log = self._run(job)
                (self.logs / f"{job.run_id}.log").write_text(log)
                self._hub.finish_job(job, conclusion, log)

    def _run(self, job: Job) -> tuple[str, str]:
        try:
            with tempfile.TemporaryDirectory(dir=self._folder, prefix="job-") as folder:
                command = self._act_command(job, Path(folder)) if self._act else self._direct_command()
                done = subprocess.run(
                    command,
                    env=self._job_environment(job),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    check=False,
                    timeout=JOB_LIMIT,
                )
        except (BotError, OSError, subprocess.TimeoutExpired) as problem:
            return "failure", f"{self.how}\n{problem}"
        log = done.stdout.decode("utf-8", "replace").replace(job.token, "***")
        return ("success" if done.returncode == 0 else "failure"), f"{self.how}\n{log}"

    def _act_command(self, job: Job, folder: Path) -> list[str]:
        workspace = folder / "workspace"
        run_in_checkout(
            folder,
            *(
                "clone",
                "--quiet",
                "--depth",
                "1",
                "--branch",
                job.ref,
                f"{self._hub.url}/{job.repo}.git",
                "workspace",
            ),
            environment=token_environment(job.token, server=self._hub.url),
        )
        # act takes the repository's name from the remote's address, and knows only github.com.
        run_in_checkout(workspace, "remote", "set-url", "origin", f"https://github.com/{job.repo}.git")
        # act 0.2.87 does not know this key (GitHub added it in March 2026) and refuses the whole file.
        workflow = workspace / job.workflow
        workflow.write_text(workflow.read_text().replace("      deployment: false\n", ""))
        (folder / "event.json").write_text(json.dumps(dict(job.event)))
        passed = self._job_environment(job)
        names = [name for name in passed if name.startswith(("GITHUB_", "AIOS_BOT_", "DOCKER_"))]
        lines = [f"{name}={passed[name]}\n" for name in names if name != "GITHUB_TOKEN"]
        (folder / "environment").write_text("".join(lines))
        return [
            *(str(self._act), "workflow_dispatch", "-C", str(workspace), "-W", job.workflow),
            *("-e", str(folder / "event.json"), "-P", f"{self._labels[0]}=-self-hosted"),
            *("--action-cache-path", str(folder / "cache"), "--no-cache-server", "--pull=false"),
            *("--env-file", str(folder / "environment")),
            # Its value is in the environment: anybody can read a command line.
            *("--secret", "GITHUB_TOKEN"),
        ]

    def _direct_command(self) -> list[str]:
        return [sys.executable, "-c", "from bot.cli.main import main; main()", "node", "deploy"]

    def _job_environment(self, job: Job) -> dict[str, str]:
        environment = docker_environment() | self._environment
        # The workflow finds this version's program first.
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment.get('PATH', '')}"
        environment |= {
            "AIOS_BOT_NODE_STATE": str(self._state),
            "AIOS_BOT_NODE_WATCH": "1",  # its services either run at once or never
            "GITHUB_API_URL": f"{self._hub.url}/api/v3",
            "GITHUB_SERVER_URL": self._hub.url,
            "GITHUB_REPOSITORY": job.repo,
            "GITHUB_RUN_ID": str(job.run_id),
            "GITHUB_TOKEN": job.token,
        }
        return environment if self._act else environment | {"AIOS_BOT_ORDER": job.inputs["order"]}
