"""What compose makes of a stack at one pin, without a daemon. The one place that calls compose for plans."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from python_on_whales import DockerClient

from bot.effects.snapshot import Snapshot
from bot.errors import BotError
from bot.plan.redact import Redactor
from bot.plan.rendering import CHECKOUT, Rendered, Rendering, Unreadable
from bot.values import Value

_DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)


class RenderRequest(Value, frozen=True):
    """One stack as one node runs it. `files` empty: the names that compose looks for by itself."""

    folder: str  # POSIX, relative to the checkout: "server/stacks/ingress"
    files: tuple[str, ...] = ()  # relative to `folder`
    profiles: tuple[str, ...] = ()
    project: str = ""  # "": compose's own rule (`name:`, else the folder's name)
    variables: dict[str, str] = {}  # public


class Renderer:
    """Renders stacks, side by side within `workers`. Built once; safe between threads."""

    def __init__(self, *, cache_root: Path, secret_key: bytes, workers: int = 2) -> None:
        self._binary = Path(sys.prefix) / "lib" / "python3.11" / "site-packages" / "compose" / "docker-compose"
        self._redactor = Redactor(secret_key)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="render")
        self.cache_root = cache_root
        self.confinement = "process limits only"
        self.processes = 0

    def render(self, snapshot: Snapshot, requests: Sequence[RenderRequest]) -> tuple[Rendering, ...]:
        """What compose makes of each request, in the same order."""
        with tempfile.TemporaryDirectory(prefix="render-") as folder:
            checkout = Path(folder) / "fleet"
            snapshot.write_out(checkout)
            return tuple(self._pool.map(lambda request: self._render(snapshot, checkout, request), requests))

    def _render(self, snapshot: Snapshot, checkout: Path, request: RenderRequest) -> Rendering:
        files = request.files or find_default_files(snapshot, request.folder)
        if not files:
            return Unreadable(message=f"no compose file in {request.folder}")
        folder = checkout / request.folder
        client = DockerClient(
            client_call=[str(self._binary)],
            compose_files=[folder / name for name in files],
            compose_profiles=list(request.profiles),
            compose_project_name=request.project or None,
            compose_project_directory=folder,
        )
        command = [str(word) for word in client.client_config.docker_compose_cmd]
        command.remove("compose")
        self.processes += 1
        done = subprocess.run(
            [*command, "config", "--format", "json"],
            cwd=folder,
            env={"HOME": "/~", **request.variables},
            capture_output=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            text = done.stderr.decode("utf-8", "replace").replace(str(checkout), CHECKOUT)
            return Unreadable(message=self._redactor.text(text.strip()))
        text = done.stdout.decode("utf-8").replace("$$", "$").replace(str(checkout), CHECKOUT)
        model: dict[str, Any] = json.loads(text)
        reads = tuple(f"{request.folder}/{name}" for name in files)
        return Rendered(model=self._redactor.model(model), reads=reads)


def find_default_files(snapshot: Snapshot, folder: str) -> tuple[str, ...]:
    """The compose files that compose finds by itself in `folder`; empty when there is none."""

    def first(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if snapshot.oid(f"{folder}/{name}"))[:1]

    main = first(_DEFAULT_FILES)
    return main + first(_OVERRIDES) if main else ()


class ComposeMissingError(BotError):
    """There is no compose that can be used."""
