"""Read the service's API as a program: by a token, with short errors that say what to do."""

from __future__ import annotations

from typing import NamedTuple, TypeVar
from urllib.parse import quote, urljoin

import msgspec
import requests

from bot.domain.errors import BotError, ExitCode
from bot.domain.names import RepoName
from bot.domain.values import Wire
from bot.settings.client import ClientSettings

W = TypeVar("W", bound=Wire)
_TIMEOUTS = (5, 30)  # seconds until the service takes the connection, and until it answers


class ApiUnreachableError(BotError):
    """Nothing answers where the service should be, or not as aios-bot does."""

    exit_code = ExitCode.UNAVAILABLE


class ApiRefusedError(BotError):
    """The service refuses the token, or what it was asked for."""

    exit_code = ExitCode.REFUSED


class StatusObstacle(Wire, frozen=True):
    """Why something does not move."""

    text: str
    command: str = ""
    pull: int | None = None


class StatusNode(Wire, frozen=True):
    """A node in one rollout."""

    node: str
    base: str
    submodule: str
    standing: str
    text: str = ""
    wanted_pin: str = ""
    runs_pin: str | None = None
    behind: int = 0
    obstacles: tuple[StatusObstacle, ...] = ()


class StatusRollout(Wire, frozen=True):
    """One submodule of one base branch."""

    nodes: tuple[StatusNode, ...] = ()


class StatusPull(Wire, frozen=True):
    """A pull request that waits for a person."""

    number: int
    title: str = ""
    why: str = ""


class StatusFleet(Wire, frozen=True):
    """A fleet as its page shows it."""

    name: str
    summary: str = ""
    rollouts: tuple[StatusRollout, ...] = ()
    pulls: tuple[StatusPull, ...] = ()


class _FleetEntry(Wire, frozen=True):
    name: str


class _Fleets(Wire, frozen=True):
    fleets: tuple[_FleetEntry, ...]
    next: str | None = None


class _Problem(Wire, frozen=True):
    detail: str = ""


class FleetAnswer(NamedTuple):
    """A fleet's state, and the same as the service wrote it."""

    state: StatusFleet
    body: bytes


class ApiClient:
    """The service at one address. What did not change since it was read is not sent again."""

    def __init__(self, settings: ClientSettings) -> None:
        self.url = settings.url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {settings.token.reveal()}"
        self._known: dict[str, tuple[str, bytes]] = {}

    def list_fleets(self) -> tuple[RepoName, ...]:
        """The fleets that the token may see."""
        found: list[RepoName] = []
        address: str | None = "/api/v1/fleets"
        while address:
            page = self._decode(self._read(address, "fleets"), _Fleets)
            found += [RepoName(one.name) for one in page.fleets]
            address = page.next
        return tuple(found)

    def read_fleet(self, fleet: RepoName) -> FleetAnswer:
        """What the fleet's page shows."""
        body = self._read(f"/api/v1/fleets/{quote(fleet)}", f"fleet {fleet}")
        return FleetAnswer(self._decode(body, StatusFleet), body)

    def _read(self, path: str, what: str) -> bytes:
        address = urljoin(f"{self.url}/", path)
        if not address.startswith(f"{self.url}/api/"):
            raise ApiUnreachableError(f"{self.url} answers with an address elsewhere: check AIOS_BOT_URL")
        tag, known = self._known.get(path, ("", b""))
        try:
            answer = self._session.get(
                address, headers={"If-None-Match": tag} if tag else {}, timeout=_TIMEOUTS, allow_redirects=False
            )
        except (requests.RequestException, UnicodeError) as problem:
            raise ApiUnreachableError(
                f"cannot reach {self.url} ({_short(problem)}): check that `aios-bot serve` runs there, and "
                "AIOS_BOT_URL"
            ) from None
        if answer.status_code == 304 and known:
            return known
        self._check(answer, what)
        self._known[path] = (answer.headers.get("ETag", ""), answer.content)
        return answer.content

    def _check(self, answer: requests.Response, what: str) -> None:
        if answer.status_code == 401:
            raise ApiRefusedError(
                f"{self.url} refuses the token: it has ended, was revoked, or is for another service; "
                "`aios-bot token add OWNER/NAME` on the service's machine prints a new one"
            )
        if answer.status_code == 404 and "problem+json" in answer.headers.get("Content-Type", ""):
            raise ApiRefusedError(f"{self.url} has no {what}, or the token is not for it")
        if answer.status_code != 200:
            raise ApiUnreachableError(f"{self.url} answers {answer.status_code}{_detail(answer)}: check AIOS_BOT_URL")

    def _decode(self, body: bytes, kind: type[W]) -> W:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ApiUnreachableError(
                f"{self.url} does not answer as aios-bot's API does: check AIOS_BOT_URL"
            ) from None


def _short(problem: Exception) -> str:
    if isinstance(problem, requests.Timeout):
        return "no answer in time"
    if isinstance(problem, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    return "no connection" if isinstance(problem, requests.ConnectionError) else type(problem).__name__


def _detail(answer: requests.Response) -> str:
    if "problem+json" not in answer.headers.get("Content-Type", ""):
        return ""
    try:
        return f" ({msgspec.json.decode(answer.content, type=_Problem).detail})"
    except msgspec.DecodeError:
        return ""
