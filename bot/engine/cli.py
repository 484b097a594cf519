"""Run the docker client for a node: with the environment it is given, within a time limit, its output redacted.

Nothing else starts it: python-on-whales builds compose's options (compose.py) and runs nothing, because it hands
its children the whole process environment, in which the job's token stands (docs/decisions/python-on-whales.md).
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Self

from bot.domain.errors import BotError, ProgramMissingError
from bot.engine.environment import NODE_SETTINGS
from bot.engine.process import ChildError, ChildResult, render_limit, run_child
from bot.engine.programs import find_docker
from bot.settings.inherited import inherited

if TYPE_CHECKING:
    from bot.redaction.known import KnownSecrets
    from bot.redaction.redact import Redactor

COMMAND_TIMEOUT = 1800  # seconds; a pull over a slow line is the longest, and an `up` waits for one-shots
LOGS_TIMEOUT = 60  # seconds
PROGRESS_INTERVAL = 5.0  # seconds between two lines that only say how far a download is
_PROGRESS = re.compile(r"\b(?:Downloading|Extracting|Waiting|Verifying)\b")
_OPTIONS_WITH_VALUE = ("--file", "--profile", "--project-name", "--project-directory", "--format", "--filter")
# What the engine calls its own things by: as random as a secret, and none. Twelve signs are what `docker ps` shows.
_ID = re.compile(
    r"(\b(?:[Cc]ontainer|endpoint(?: \S+)?|network(?: \S+ id)?)[ :\"(]{1,3})([0-9a-f]{12})([0-9a-f]{52})\b"
)


class DockerError(BotError):
    """A docker or compose command failed; the message ends with the last lines that it printed."""


@cache
def _redactor() -> Redactor:
    """Its patterns are loaded for the first line to be redacted: an order shows none before its compose has run."""
    import secrets  # noqa: PLC0415 - see above

    from bot.redaction.redact import Redactor  # noqa: PLC0415 - see above

    return Redactor(secrets.token_bytes(16))  # the marks of two runs are not to be compared


class DockerCli:
    """The docker client with a node's environment. `log` gets each line that a long command prints.

    Removed from all output: `secrets`, the values of `environment` whose names look secret, and the secret ones
    among `container_settings`, which are the names and values that containers were given.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        secrets: Sequence[str] = (),
        container_settings: Sequence[tuple[str, str]] = (),
        limit: float = COMMAND_TIMEOUT,  # seconds for one command
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._environment = dict(environment) | NODE_SETTINGS
        self._secrets = tuple(secret for secret in secrets if secret)
        self._log = log
        self._limit = limit
        self._container_settings = tuple(container_settings)
        self._compose = ""  # the path of the client's compose plugin, once it is known

    def with_variables(self, variables: Mapping[str, str]) -> Self:
        """The same client, with `variables` for compose to interpolate; they win over the node's own."""
        return self._copy(self._environment | dict(variables), self._container_settings)

    def with_container_settings(self, settings: Iterable[tuple[str, str]]) -> Self:
        """The same client, for containers that may print these values (name and value) in their logs."""
        return self._copy(self._environment, tuple(settings))

    def _copy(self, environment: Mapping[str, str], settings: tuple[tuple[str, str], ...]) -> Self:
        made = type(self)(
            environment, secrets=self._secrets, container_settings=settings, limit=self._limit, log=self._log
        )
        made._compose = self._compose
        return made

    @property
    def program(self) -> str:
        """The docker client's path, or DockerError."""
        try:
            return find_docker()
        except ProgramMissingError as problem:
            raise DockerError(str(problem)) from None

    @property
    def environment(self) -> dict[str, str]:
        """What the children see: the node's environment without the job's, and the order's variables."""
        return dict(self._environment)

    @cached_property
    def _known(self) -> KnownSecrets:
        from bot.redaction.recognise import is_secret_name  # noqa: PLC0415 - see _redactor
        from bot.redaction.redact import known_from  # noqa: PLC0415 - see _redactor

        named = [(name, value) for name, value in self._environment.items() if is_secret_name(name)]
        return known_from([*named, *self._container_settings], whole=self._secrets)

    def redact(self, text: str) -> str:
        """`text` without secrets: those known here, and what looks like one, except for the engine's own ids."""

        def shorten(found: re.Match[str]) -> str:
            return found[0] if found[2] + found[3] in self._known.everywhere else found[1] + found[2]

        return _redactor().text(_ID.sub(shorten, text), self._known)

    def run(
        self, *arguments: str, extra: Mapping[str, str] | None = None, check: bool = True, show: bool = False
    ) -> str:
        """Standard output of one docker command; DockerError when it fails, unless `check` is off.

        `extra` is added to the environment. With `show` what the command writes to standard error is logged.
        """
        done = self.start(arguments, extra=extra)
        if show and (text := self.redact(done.err.decode("utf-8", "replace")).rstrip()):
            self._log(text)
        if check and done.code != 0:
            raise DockerError(self.explain(arguments, done.err))
        return done.out.decode("utf-8", "replace").strip()

    def start(
        self, arguments: Sequence[str], *, extra: Mapping[str, str] | None = None, merge_errors: bool = False
    ) -> ChildResult:
        """Exit code and unredacted output of one docker command, or DockerError when it does not run to its end."""
        try:
            return run_child(
                self._command(arguments),
                environment=self._environment | dict(extra or {}),
                seconds=LOGS_TIMEOUT if merge_errors else self._limit,
                merge_errors=merge_errors,
            )
        except ChildError as problem:
            raise DockerError(f"`{_name(arguments)}` {problem}") from None

    def _command(self, arguments: Sequence[str]) -> list[str]:
        """The client starts its compose plugin twice, once for its description: where it is known it starts alone."""
        if arguments[0] == "compose" and self._compose:
            return [self._compose, *arguments[1:]]
        return [self.program, *arguments]

    def follow(self, *arguments: str, extra: Mapping[str, str] | None = None) -> None:
        """Run one docker command and log its progress line by line: for what takes long. Or DockerError."""
        with subprocess.Popen(
            [self.program, *arguments],
            env=self._environment | dict(extra or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=inherited(),
        ) as process:
            late = threading.Event()

            def end() -> None:
                late.set()
                process.kill()

            watchdog = threading.Timer(self._limit, end)
            watchdog.start()
            output, quiet_until = bytearray(), 0.0
            for line in process.stderr or ():
                output += line
                text = self.redact(line.decode("utf-8", "replace")).strip()
                if _PROGRESS.search(text):
                    if time.monotonic() < quiet_until:
                        continue
                    quiet_until = time.monotonic() + PROGRESS_INTERVAL
                if text:
                    self._log(f"  {text}")
            process.wait()
            watchdog.cancel()
        if late.is_set():
            raise DockerError(f"`{_name(arguments)}` {render_limit(self._limit)}")
        if process.returncode != 0:
            raise DockerError(self.explain(arguments, bytes(output)))

    def explain(self, arguments: Sequence[str], stderr: bytes) -> str:
        """One line on a command that failed, with the last three that it wrote, redacted."""
        lines = [line for line in self.redact(stderr.decode("utf-8", "replace")).splitlines() if line.strip()]
        return f"`{_name(arguments)}` failed: {' / '.join(lines[-3:]) or '(no output)'}"


def _name(arguments: Sequence[str]) -> str:
    """A command in short: "docker compose up", without paths and options."""
    plain: list[str] = []
    skip = False
    for word in arguments:
        if not skip and not word.startswith("-"):
            plain.append(word)
        skip = word in _OPTIONS_WITH_VALUE
        if len(plain) == 2:
            break
    return " ".join(["docker", *plain])
