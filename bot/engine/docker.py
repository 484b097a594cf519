"""The node's Docker Engine and Compose: one place that knows how a stack's commands are built and run.

python-on-whales builds the command lines; they are run here, because it hands every child the whole process
environment (seen in 0.81), in which the job's token stands, and compose interpolates what it finds there.
"""

from __future__ import annotations

import re
import secrets as random_bytes
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from bot.domain.errors import BotError
from bot.domain.names import ServiceName
from bot.engine.containers import ONEOFF, PROJECT, SERVICE, Container, parse_containers
from bot.protocol.order import StackOrder
from bot.redaction.redact import Redactor, known_from
from bot.redaction.shapes import is_secret_name

COMMAND_TIMEOUT = 1800  # seconds; a pull over a slow line is the longest
SETTLE_LIMIT = 30  # seconds
PROGRESS_EVERY = 5.0  # seconds between two lines that only say how far a download is
_PROGRESS = re.compile(r"\b(?:Downloading|Extracting|Waiting|Verifying)\b")
_REDACTOR = Redactor(random_bytes.token_bytes(16))  # marks of two runs are not to be compared


class DockerError(BotError):
    """The engine or compose said no; the message ends with its own last words."""


class Docker:
    """What a node asks of its engine. `environment` is for the children.

    What they say is told without `secrets`, without secret-looking values of the environment, and without those
    of `settings`, which are names and values that containers were given.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        secrets: Sequence[str] = (),
        settings: Sequence[tuple[str, str]] = (),
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._environment = dict(environment)
        self._environment |= {"COMPOSE_ANSI": "never", "COMPOSE_PROGRESS": "plain", "COMPOSE_MENU": "false"}
        self._environment |= {f"COMPOSE_EXPERIMENTAL_{kind}_REMOTE": "false" for kind in ("GIT", "OCI")}
        # Orphans are removed when an order says so, and by name.
        self._environment |= {"COMPOSE_REMOVE_ORPHANS": "false", "COMPOSE_IGNORE_ORPHANS": "true"}
        self._secrets = tuple(secret for secret in secrets if secret)
        self._tell = tell
        named = [(name, value) for name, value in environment.items() if is_secret_name(name)]
        self._known = known_from([*named, *settings], whole=self._secrets)
        self._settings = tuple(settings)

    def with_variables(self, variables: Mapping[str, str]) -> Docker:
        """The same engine, with these variables for compose to interpolate; they win over the node's own."""
        environment = self._environment | dict(variables)
        return Docker(environment, secrets=self._secrets, settings=self._settings, tell=self._tell)

    def with_settings(self, settings: Iterable[tuple[str, str]]) -> Docker:
        """The same engine, whose containers may tell these values (by name) in their logs."""
        return Docker(self._environment, secrets=self._secrets, settings=tuple(settings), tell=self._tell)

    @property
    def environment(self) -> dict[str, str]:
        """What the children see: the node's environment without the job's, and the order's variables."""
        return dict(self._environment)

    @cached_property
    def host(self) -> str:
        """Where the engine is: "unix:///var/run/docker.sock", "npipe:////./pipe/docker_engine", "ssh://me@host"."""
        asked = ("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
        return self._environment.get("DOCKER_HOST") or self.run(*asked)

    def store(self) -> Path | None:
        """The folder of this machine in which the engine keeps its images, or None when it is not to be seen."""
        if not self.host.startswith("unix://"):
            return None
        folder = Path(self.run("info", "--format", "{{.DockerRootDir}}") or "/nowhere")
        return folder if folder.is_dir() else None

    def run(self, *arguments: str, check: bool = True, quiet: bool = True) -> str:
        """Standard output of one docker command, or DockerError."""
        return self._run([_program(), *arguments], self._environment, check, quiet)

    def compose(self, root: Path, stack: StackOrder, *arguments: str, quiet: bool = False) -> str:
        """Standard output of one compose command for `stack` of the checkout at `root`, or DockerError."""
        return self._run([*_compose_command(root, stack), *arguments], self._compose_environment(stack), True, quiet)

    def compose_warnings(self, root: Path, stack: StackOrder) -> tuple[dict[str, Any], str]:
        """The stack's resolved model (with every secret: keep it here), and what compose complained about."""
        command = [*_compose_command(root, stack), "config", "--format", "json"]
        done = self._start(command, self._compose_environment(stack))
        if done.returncode != 0:
            raise DockerError(self._explain(command, done.stderr))
        model = msgspec.json.decode(done.stdout)
        return model, done.stderr.decode("utf-8", "replace")

    def containers(self, projects: Iterable[str]) -> tuple[Container, ...]:
        """Every container of the compose projects, stopped ones too; one-off runs are left out."""
        wanted = set(projects)
        if not wanted:
            return ()
        form = f'{{{{.ID}}}} {{{{.Label "{PROJECT}"}}}}'
        listed = self.run("ps", "--all", "--no-trunc", "--filter", f"label={ONEOFF}=False", "--format", form)
        found = (line.partition(" ") for line in listed.splitlines())
        return self.inspect([one for one, _, project in found if project in wanted])

    def wait(self, seconds: float) -> bool:
        """Whether the engine answers, now or within `seconds`: it may be restarting."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.run("version", "--format", "{{.Server.Version}}")
            except DockerError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(1)
            else:
                return True

    def settle(self, projects: Sequence[str]) -> None:
        """Wait until the engine has ended what a killed compose began: it removes a container for a moment longer."""
        for _ in range(SETTLE_LIMIT):
            if not any(container.status == "removing" for container in self.containers(projects)):
                return
            time.sleep(1)

    def inspect(self, ids: Sequence[str]) -> tuple[Container, ...]:
        """The containers with these ids; one that is gone by now is left out."""
        if not ids:
            return ()
        return parse_containers(self.run("container", "inspect", *ids, check=False))

    def running(self) -> tuple[Container, ...]:
        """Every container that runs on the engine, whoever made it."""
        return self.inspect(self.run("ps", "--quiet", "--no-trunc").split())

    def logs(self, container: str, *, lines: int) -> str:
        """The last lines that the container wrote, both streams, as they came."""
        command = [_program(), "logs", "--tail", str(lines), container]
        done = subprocess.run(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60
        )
        return self.hide(done.stdout.decode("utf-8", "replace").strip())

    def networks(self) -> frozenset[str]:
        """Names of the engine's networks."""
        return frozenset(self.run("network", "ls", "--format", "{{.Name}}").splitlines())

    def image(self, name: str) -> str:
        """Id of the image of that name, or "" when the engine holds none."""
        return self.run("image", "inspect", "--format", "{{.Id}}", name, check=False)

    def images(self, names: Iterable[str]) -> dict[str, str]:
        """Ids of the images of these names, where the engine holds one."""
        wanted = sorted({name for name in names if name})
        if not wanted:
            return {}
        ids = self.run("image", "inspect", "--format", "{{.Id}}", *wanted, check=False).split()
        if len(ids) != len(wanted):
            ids = [self.image(name) for name in wanted]
        return {name: found for name, found in zip(wanted, ids, strict=True) if found}

    def restore_tag(self, container: Container) -> None:
        """Make its image's name mean what it meant when `container` was made: a build or a pull may have moved it."""
        name, wanted = container.image_name, container.image
        if name and "@" not in name and self.image(name) not in ("", wanted) and self.image(wanted):
            self.run("image", "tag", wanted, name)

    def follow(self, root: Path, stack: StackOrder, *arguments: str) -> None:
        """Run one compose command and tell what it says as it says it: for what takes long. Or DockerError."""
        command = [*_compose_command(root, stack), *arguments]
        with subprocess.Popen(
            command,
            env=self._compose_environment(stack),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            watch = threading.Timer(COMMAND_TIMEOUT, process.kill)
            watch.start()
            said, quiet_until = bytearray(), 0.0
            for line in process.stderr or ():
                said += line
                text = self.hide(line.decode("utf-8", "replace")).strip()
                if _PROGRESS.search(text):
                    if time.monotonic() < quiet_until:
                        continue
                    quiet_until = time.monotonic() + PROGRESS_EVERY
                if text:
                    self._tell(f"  {text}")
            process.wait()
            watch.cancel()
        if process.returncode != 0:
            raise DockerError(self._explain(command, bytes(said)))

    def remove_network(self, name: str) -> None:
        """Cut off who is attached to the network, and remove it; one that is gone is fine."""
        if name not in self.networks():
            return
        attached = self.run("network", "inspect", "--format", "{{range $id, $_ := .Containers}}{{$id}} {{end}}", name)
        for container in attached.split():
            self.run("network", "disconnect", "--force", name, container)
        self.run("network", "rm", name)

    def remove_service(self, project: str, service: ServiceName) -> None:
        """Stop and remove the containers of one service; its volumes stay. Needs no compose file."""
        filters = (f"label={PROJECT}={project}", f"label={SERVICE}={service}")
        ids = self.run("ps", "--all", "--quiet", "--no-trunc", *_each("--filter", filters)).split()
        if ids:
            self.run("stop", *ids)
            self.run("rm", "--force", *ids)

    def hide(self, text: str) -> str:
        """`text` without secrets: those known here, and what looks like one."""
        return _REDACTOR.text(text, self._known)

    def _compose_environment(self, stack: StackOrder) -> dict[str, str]:
        # Said here too, so that no `.env` of the stack's folder can say otherwise.
        return self._environment | {
            "COMPOSE_PROFILES": ",".join(stack.profiles),
            "COMPOSE_PROJECT_NAME": stack.project,
        }

    def _run(self, command: Sequence[object], environment: Mapping[str, str], check: bool, quiet: bool) -> str:
        done = self._start(command, environment)
        said = self.hide(done.stderr.decode("utf-8", "replace"))
        if not quiet and said.strip():
            self._tell(said.rstrip())
        if check and done.returncode != 0:
            raise DockerError(self._explain(command, done.stderr))
        return done.stdout.decode("utf-8", "replace").strip()

    def _start(self, command: Sequence[object], environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
        words = [str(word) for word in command]
        try:
            return subprocess.run(
                words,
                env=dict(environment),
                stdin=subprocess.DEVNULL,  # compose asks before it drops a volume's data: nobody may say yes
                capture_output=True,
                check=False,
                timeout=COMMAND_TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise DockerError(f"`{_name(words)}` did not end within {COMMAND_TIMEOUT} s") from None
        except OSError as problem:
            raise DockerError(f"`{_name(words)}` could not be started: {problem.strerror}") from None

    def _explain(self, command: Sequence[object], stderr: bytes) -> str:
        lines = [line for line in self.hide(stderr.decode("utf-8", "replace")).splitlines() if line.strip()]
        return f"`{_name([str(word) for word in command])}` failed: {' / '.join(lines[-3:]) or 'it said nothing'}"


def _program() -> str:
    found = shutil.which("docker")
    if found is None:
        raise DockerError(
            "`docker` is not on PATH: install Docker Engine or Docker Desktop, or the client for an engine elsewhere"
        )
    return found


def _compose_command(root: Path, stack: StackOrder) -> list[str]:
    # The library takes most of the time that an order with nothing to do has: only who brings something up loads it.
    from python_on_whales import DockerClient  # noqa: PLC0415 - see above

    _program()
    folder = root / stack.folder
    client = DockerClient(
        compose_files=[folder / name for name in stack.files],
        compose_profiles=list(stack.profiles),
        compose_project_name=stack.project,
        compose_project_directory=folder,
    )
    return [str(word) for word in client.client_config.docker_compose_cmd]


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _name(words: Sequence[str]) -> str:
    """A command as people speak of it: "docker compose up", without paths and options."""
    plain: list[str] = []
    skip = False
    for word in words[1:]:
        if not skip and not word.startswith("-"):
            plain.append(word)
        skip = word in ("--file", "--profile", "--project-name", "--project-directory", "--format", "--filter")
        if len(plain) == 2:
            break
    return " ".join(["docker", *plain])
