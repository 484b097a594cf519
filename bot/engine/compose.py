"""Compose's command line: its options for a stack, and the commands that a node gives it."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from bot.domain.names import ServiceName
from bot.engine.cli import DockerCli, DockerError
from bot.protocol.order import StackOrder

if TYPE_CHECKING:
    from python_on_whales.client_config import ClientConfig

LIBRARY = "python_on_whales"
_LOADING = threading.Lock()
RENDER = ("config", "--format", "json")


def compose_options(
    program: str | Path,
    *,
    files: Iterable[str | Path],
    profiles: Iterable[str],
    project: str,
    directory: str | Path,
) -> list[str]:
    """Compose's global options, as python-on-whales builds them. `project` "" leaves the name to compose.

    `program` is any that exists; it is not started.
    """
    # Its builder alone takes longer to load than a plan may take: only what changes a node loads it.
    config = load_client_config()(
        client_call=[str(program)],
        compose_files=list(files),
        compose_profiles=list(profiles),
        compose_project_name=project or None,
        compose_project_directory=directory,
    )
    words = [str(word) for word in config.docker_compose_cmd]
    return words[words.index("compose") + 1 :]


def render_options(*, files: Iterable[str], profiles: Iterable[str], project: str, directory: str) -> list[str]:
    """The same words for a plan, whose command may not take as long as loading the library does."""
    pairs = [
        *(("--file", file) for file in files),
        *(("--profile", profile) for profile in profiles),
        *([("--project-name", project)] if project else []),
        ("--project-directory", directory),
    ]
    return [word for pair in pairs for word in pair]


def load_client_config() -> type[ClientConfig]:
    """The class of python-on-whales that builds options, without the rest of the library.

    Importing the library as a whole loads a module for each command of Docker, with a model for each of their
    results, which takes three times as long. Whoever imports it afterwards gets all of it.
    """
    with _LOADING:
        return _load_client_config()


@cache
def _load_client_config() -> type[ClientConfig]:
    if LIBRARY in sys.modules:
        return cast("type[ClientConfig]", import_module(f"{LIBRARY}.client_config").ClientConfig)
    spec = find_spec(LIBRARY)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {LIBRARY!r}", name=LIBRARY)
    sys.modules[LIBRARY] = module_from_spec(spec)  # known to its own modules, and never executed
    try:
        return cast("type[ClientConfig]", import_module(f"{LIBRARY}.client_config").ClientConfig)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == LIBRARY]:
            del sys.modules[name]


def preload() -> None:
    """Load in a thread what `compose_options` needs, while other programs are waited for."""

    def load() -> None:
        with contextlib.suppress(ImportError):  # raised again where it is needed
            load_client_config()

    threading.Thread(target=load, name="preload").start()


class ComposeStack:
    """One stack of a node's checkout at `root`. Every method raises DockerError when compose fails."""

    def __init__(self, docker: DockerCli, root: Path, stack: StackOrder) -> None:
        self._docker = docker
        self._root = root
        self._stack = stack
        # In the environment too, so that no `.env` of the stack's folder can set another.
        self._extra = {
            "COMPOSE_PROFILES": ",".join(stack.profiles),
            "COMPOSE_PROJECT_NAME": stack.project,
            "PWD": str(root / stack.folder),  # as for a person who is there; the agent's own is somewhere else
        }

    def read_model(self) -> tuple[dict[str, Any], str]:
        """The stack's resolved model, with every secret in clear, and what compose warned of; or DockerError."""
        arguments = [*self._compose, *RENDER]
        done = self._docker.start(arguments, extra=self._extra)
        if done.code != 0:
            raise DockerError(self._docker.explain(arguments, done.err))
        try:
            return msgspec.json.decode(done.out), done.err.decode("utf-8", "replace")
        except msgspec.DecodeError:
            raise DockerError("`docker compose config` printed no JSON: install docker and compose again") from None

    def pull(self, services: Sequence[ServiceName]) -> None:
        """Pull the images of these services, with progress in the log."""
        self._docker.follow(*self._compose, "pull", *services, extra=self._extra)

    def build(self, services: Sequence[ServiceName]) -> None:
        """Build the images of these services; one without a build is passed over."""
        self._run("build", *services)

    def up(self, services: Sequence[ServiceName], *, recreate: bool) -> None:
        """Bring up these services alone; with `recreate` also those in which compose sees no difference."""
        self._run("up", "--detach", "--no-deps", *(["--force-recreate"] if recreate else []), *services)

    def restart(self, services: Sequence[ServiceName]) -> None:
        """Restart these services alone."""
        self._run("restart", "--no-deps", *services)

    def send_signal(self, service: ServiceName, signal: str) -> None:
        """Send `signal` ("SIGHUP") to the running containers of a service."""
        self._run("kill", "--signal", signal, service)

    @cached_property
    def _compose(self) -> list[str]:
        folder = self._root / self._stack.folder
        options = compose_options(
            self._docker.program,
            files=[folder / name for name in self._stack.files],
            profiles=self._stack.profiles,
            project=self._stack.project,
            directory=folder,
        )
        return ["compose", *options]

    def _run(self, *arguments: str) -> None:
        self._docker.run(*self._compose, *arguments, extra=self._extra, show=True)
